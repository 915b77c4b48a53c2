#!/bin/bash
# Verification over HTTP, trails and checkpoints.
. "$(dirname "$0")/lib.sh"
make_served data --origin example.org/audit
"$TALLY" bench --emit 100000 | "$TALLY" record data --format ndjson > /dev/null
"$TALLY" trail data create other > /dev/null

# The same trail with another last entry: who has the key can sign it, too.
cp -r data fork
echo '{"action":"a.b"}' | "$TALLY" record fork > /dev/null
echo '{"action":"c.d"}' | "$TALLY" record data > /dev/null
cp fork/trails/main/checkpoint fork.note
serve data

# verdict [NAME=VALUE...]: the last line.
verdict() {
    ask /api/verify "$@"
    tail -n 1 out
}

fetch 200 'verification' /api/verify
head_is 'is lines' Content-Type application/x-ndjson
same 'the last is the verdict' "$(tail -n 1 out | jq -c '[.trail, .verdict, .size, .entries, .unsigned]')" '["main","intact",100002,100002,0]'
same 'the key' "$(tail -n 1 out | jq -r .vkey)" "$vkey"
same 'the others are progress' "$(head -n -1 out | jq -c 'keys' | sort -u | tr -d '\n')" "$(head -n -1 out | grep -q . && echo '["done","total"]')"
fetch 200 'a checkpoint' /trails/main/checkpoint
head_is 'is a text' Content-Type 'text/plain; charset=utf-8'
cp out note
same 'the one that is stored' "$(sha256sum < note)" "$(sha256sum < data/trails/main/checkpoint)"
same 'and the one that the verdict names' "$(verdict | jq -j .checkpoint | sha256sum)" "$(sha256sum < note)"
same 'with the key' "$(verdict vkey="$vkey" | jq -r .verdict)" intact
same 'with another key' "$(verdict vkey="$("$TALLY" trail data info --trail other | sed -n 's/^vkey: //p')" | jq -r .verdict)" tampered
same 'since a checkpoint' "$(verdict since="$(cat note)
" | jq -r .verdict)" intact
curl -sS -H "Authorization: Bearer $key" "$url/trails/other/checkpoint" > other.note
same 'since one of another trail' "$(verdict since="$(cat other.note)
" | jq -r .verdict)" tampered
sed 's/^100002$/100001/' note > forged
same 'since one that was forged' "$(verdict since="$(cat forged)
" | jq -r .verdict)" tampered
sed '$s/..$/AA/' note > unsigned
same 'since one whose signature is bad' "$(verdict since="$(cat unsigned)
" | jq -r .verdict)" tampered
same 'since one of another history, signed by the same key' "$(verdict since="$(cat fork.note)
" | jq -r .verdict)" tampered
fetch 400 'since nothing of the kind' /api/verify since=yesterday
fetch 400 'a key that is none' /api/verify vkey=nothing
fetch 404 'a trail there is not' /api/verify trail=nothing

# One at a time.
for i in {1..8}; do
    curl -sS -o "$scratch/many.$i" -w '%{http_code}\n' -H "Authorization: Bearer $key" "$url/api/verify" &
    asked[i]=$!
done > codes
wait "${asked[@]}"
same 'one at a time a trail' "$(sort -u codes | paste -sd' ')" '200 429'
same 'which is over then' "$(verdict | jq -r .verdict)" intact

# Damage, while the server runs.
segment=data/trails/main/segments/0000000000000000.public
chmod u+w "$segment"
flip "$segment" $(($(stat -c %s "$segment") / 2))
same 'a bit that is flipped is found' "$(verdict | jq -r .verdict)" tampered
flip "$segment" $(($(stat -c %s "$segment") / 2))
same 'and back' "$(verdict | jq -r .verdict)" intact

# Trails.
fetch 200 'the trails' /api/trails
same 'their names' "$(picked '[.data[].name], .next')" '["main","other","tally"] null'
same 'their keys' "$(picked '.data[0].vkey' | tr -d '"')" "$vkey"
same 'their sizes' "$(picked '.data[0] | .origin, .size, .checkpoint.size')" '"example.org/audit" 100002 100002'
fetch 200 'one of them' /api/trails/main
same 'as it is described by the command line' "$(jq -c 'del(.bytes)' out)" "$("$TALLY" trail data info --format ndjson | jq -c 'del(.bytes)')"
fetch 404 'one there is not' /api/trails/nothing
send 201 'a new one' /api/trails '{"name":"new","origin":"example.org/new","public":["user_id"],"private":["action"]}'
same 'its key' "$(picked '[.name, .origin, (.vkey | startswith("example.org/new+"))]')" '["new","example.org/new",true]'
fetch 200 'is there' /api/trails/new
same 'with the fields moved' "$(picked '.private_fields | split(" ") | [index("user_id") == null, index("action") != null]')" '[true,true]'
send 201 'takes entries' '/api/events?trail=new' '{"action":"a.b"}'
send 409 'not twice' /api/trails '{"name":"new"}'
for body in '{}' '[]' '{"name":"A"}' '{"name":"x y"}' '{"name":5}' '{"name":"x","public":["id"]}' '{"name":"x","public":["nothing"]}' \
    '{"name":"x","public":"user_id"}' '{"name":"x","other":1}' '{"name":"x\u0000y"}' '{"name":"x","origin":"a+b"}' '{"name":' ''; do
    send 400 "refused: $body" /api/trails "$body"
done
fetch 200 'nothing of it is there' /api/trails
same 'but the one' "$(picked '[.data[].name]')" '["main","new","other","tally"]'
mkdir 'data/trails/a"b'
fetch 200 'with something else in the folder' /api/trails
same 'no other' "$(picked '[.data[].name]')" '["main","new","other","tally"]'
rmdir 'data/trails/a"b'
ask /api/events trail=tally action=trail.create
same 'it is on record' "$(picked '[.data[].resource_id]')" '["new"]'

# Other roles.
as auditor --trails main,other
fetch 200 'an auditor' /api/trails
same 'sees the trails of the key' "$(picked '[.data[] | .name, has("vkey")]')" '["main",true,"other",true]'
fetch 404 'and no others' /api/trails/new
fetch 404 'nor their checkpoints' /trails/new/checkpoint
send 403 'and makes none' /api/trails '{"name":"mine"}'
as writer
fetch 200 'a writer' /api/trails
same 'sees names' "$(picked '[.data[] | keys] | unique')" '[["name"]]'
for path in /api/trails/main /api/verify /api/export /api/events /api/events/1 /api/events/1/proof /api/events/1/around /api/stats /api/logs \
    /audit-logs /audit-logs/user/u1 /trails/main/checkpoint; do
    fetch 403 "and not $path" "$path"
done
key=
fetch 401 'nobody sees anything' /api/trails
fetch 401 'not even a checkpoint' /trails/main/checkpoint
same 'they say who might' "$(picked .role)" '"auditor"'
stop
TALLY_TRAILS_PUBLIC=other serve data
fetch 200 'but where it is public' /trails/other/checkpoint
fetch 401 'and that only' /trails/main/checkpoint
fetch 401 'nor is it all of it' /api/trails/other

finish
