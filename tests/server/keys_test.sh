#!/bin/bash
# keys_test.sh - /api/keys: who may do what, what is refused, and what of it is on record.
. "$(dirname "$0")/lib.sh"
make_served data
export BROKEN_DISK=$scratch/disk ASAN_OPTIONS=verify_asan_link_order=0
LD_PRELOAD=$BROKEN_DISK_LIBRARY serve data
admin=$key

# as KEY COMMAND...: with another key for once.
as() {
    local key=$1
    shift
    "$@"
}
# drop CODE TEXT PATH: a DELETE.
drop() {
    code=$(curl -sS -X DELETE -D "$scratch/headers" -o "$scratch/out" -w '%{http_code}' \
        -H "Authorization: Bearer $key" "$url$3" 2> "$scratch/err")
    same "$2" "$code" "$1"
}

fetch 200 'the keys' /api/keys
same 'one, without its text' "$(picked '[.data[] | .id, .name, .role, .trails, .expires, has("key")]')" \
    '[1,"admin","admin",null,null,false]'
send 201 'a new one' /api/keys '{"name":"app","role":"writer","trails":["main","b"],"expires":"2100-01-01T00:00:00+01:00"}'
same 'as asked for' "$(picked '[.id, .name, .role, .trails, .expires]')" \
    '[2,"app","writer",["main","b"],"2099-12-31T23:00:00.000000Z"]'
writer=$(picked '.key' | tr -d '"')
like=$(echo "$writer" | grep -cE '^tally_[A-Za-z0-9_-]{43}$')
same 'with its text' "$like" 1
fetch 200 'the keys again' /api/keys
same 'never with a text' "$(grep -c 'tally_' out)" 0

send 400 'a slip in a name' /api/keys '{"name":"x","rôle":"writer"}'
same 'its place' "$(picked '.errors[0].pointer')" '"/rôle"'
send 400 'no role' /api/keys '{"name":"x"}'
send 400 'no such role' /api/keys '{"name":"x","role":"none"}'
same 'its place' "$(picked '.errors[0].pointer')" '"/role"'
send 400 'no trail' /api/keys '{"name":"x","role":"writer","trails":[]}'
send 400 'no name of a trail' /api/keys '{"name":"x","role":"writer","trails":["a","B"]}'
same 'its place' "$(picked '.errors[0].pointer')" '"/trails/1"'
send 400 'an admin of one trail' /api/keys '{"name":"x","role":"admin","trails":["main"]}'
send 400 'past already' /api/keys '{"name":"x","role":"writer","expires":"2020-01-01T00:00:00Z"}'
send 400 'too long a name' /api/keys "{\"name\":\"$(printf '%065d' 1)\",\"role\":\"writer\"}"
send 400 'no JSON' /api/keys 'name=x'
send 415 'lines of JSON' /api/keys '{}' application/x-ndjson
send 413 'too large' /api/keys "{\"name\":\"$(printf '%070000d' 1)\"}"
same 'nothing of it was made' "$("$TALLY" key data list --format csv | wc -l)" 3

as "$writer" fetch 403 'a writer sees no keys' /api/keys
as "$writer" send 403 'and makes none' /api/keys '{"name":"x","role":"admin"}'
as "$writer" drop 403 'and revokes none' /api/keys/1

send 201 'rotated' /api/keys/2/rotate '{"overlap_s":3600}'
same 'the same rights' "$(picked '[.id, .name, .role, .trails]')" '[3,"app","writer",["main","b"]]'
newer=$(picked '.key' | tr -d '"')
as "$writer" send 201 'the old one is good yet' /api/events '{"action":"a.b"}'
as "$newer" send 201 'so is the new one' /api/events '{"action":"a.b"}'
send 409 'not twice' /api/keys/2/rotate '{}'
says 'but the one after it' 'key 3'
send 201 'rotated at once' /api/keys/3/rotate '{"overlap_s":0}'
as "$newer" send 401 'the old one is gone' /api/events '{"action":"a.b"}'
send 400 'no number' /api/keys/2/rotate '{"overlap_s":1.5}'
same 'its place' "$(picked '.errors[0].pointer')" '"/overlap_s"'
send 404 'no such key to rotate' /api/keys/99/rotate '{}'

drop 409 'a key does not revoke itself' /api/keys/1
drop 404 'no such key' /api/keys/99
drop 404 'no number' /api/keys/x
drop 204 'revoked' /api/keys/2
as "$writer" send 401 'it opens nothing' /api/events '{"action":"a.b"}'
drop 204 'and once more' /api/keys/2
send 409 'a revoked one has no successor' /api/keys/2/rotate '{}'

# The last admin key that is not replaced stays, also if the one it replaced asks.
send 201 'the admin key rotated' /api/keys/1/rotate '{"overlap_s":60}'
successor=$(picked '.id')
drop 409 'its successor stays' "/api/keys/$successor"
says 'with the cure' 'key add --role admin'

# Nothing changes that cannot be put on record.
printf 'sync /trails/tally/' > disk
send 503 'no new key' /api/keys '{"name":"off the record","role":"writer"}'
same 'without its text' "$(grep -c 'tally_[A-Za-z0-9_-]\{43\}' out)" 0
send 503 'no rotation' "/api/keys/$successor/rotate" '{}'
drop 503 'no revocation' /api/keys/4
rm disk
stop
"$TALLY" key data list --all --format ndjson > keys
same 'the one that was made opens nothing' "$(jq -c 'select(.name == "off the record") | has("revoked")' keys)" true
same 'the others are as they were' "$(jq -c 'select(.id == 4 or .id == 5) | has("revoked")' keys | paste -sd' ')" 'false false'

"$TALLY" query data --trail tally 'action:api_key.*' --format ndjson --order index > trail
# picks FILTER: from all of them, a line each. The last, of the write that is in doubt, may be there.
picks() {
    jq -r "select(.resource_id != \"key:6\") | $1" trail | paste -sd' '
}
same 'all is on record' "$(picks '.action')" \
    'api_key.create api_key.rotate api_key.create api_key.rotate api_key.create api_key.revoke api_key.rotate api_key.create api_key.revoke api_key.revoke'
same 'of which key' "$(picks '.resource_id')" 'key:2 key:2 key:3 key:3 key:4 key:2 key:1 key:5 key:5 key:5'
same 'by whom' "$(picks '.user_id' | tr ' ' '\n' | sort -u)" admin
same 'and what did not come about' "$(jq -r 'select(.status == "error") | .action' trail)" api_key.revoke
same 'with what it may' "$(jq -c 'select(.resource_id == "key:2" and .action == "api_key.create") | .details' trail)" \
    '{"expires":"2099-12-31T23:00:00.000000Z","name":"app","role":"writer","trails":["main","b"]}'
same 'never a key' "$(grep -c 'tally_[A-Za-z0-9_-]\{43\}' trail)" 0

finish
