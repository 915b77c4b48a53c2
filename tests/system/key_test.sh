#!/bin/bash
. "$(dirname "$0")/lib.sh"
make_data data

expect 0 'the key of init' "$TALLY" key data list
says 'an admin key' '^id +name +role +created' '^ 1 +admin +admin +20'

expect 0 'a new one' "$TALLY" key data add --name "Ann's portal" --role writer --trails main,tenant-7 --expires 30d
says 'is shown, with its id' '^key: tally_[A-Za-z0-9_-]{43}$' '^id: 2$'
key=$(sed -n 's/^key: //p' out)
expect 0 'listed' "$TALLY" key data list --format ndjson
says 'with what it is for' '"id":2,"name":"Ann'"'"'s portal","role":"writer","trails":\["main","tenant-7"\],"created":"20.*Z","expires":"20.*Z"}'
grep -q "$key" out && fail 'but not shown again' || pass 'but not shown again'
if grep -rqF "${key#tally_}" data; then fail 'and kept nowhere'; else pass 'and kept nowhere'; fi
expect 0 'as CSV' "$TALLY" key data list --format csv
says 'a header and rows' '^id,name,role,trails,created,expires,last_used,last_address,replaced_by,revoked' '^2,.*"main,tenant-7"'
expect 0 'as JSON' "$TALLY" key data list --format json
says 'a document' '^\{"data":\[$'

# When it expires.
expires() {
    expect 0 "expires $1" "$TALLY" key data add --name x --role auditor --expires "$1"
    id=$(sed -n 's/^id: //p' out)
    when=$("$TALLY" key data list --format ndjson | sed -n "s/^{\"id\":$id,.*\"expires\":\"\([^\"]*\)\".*/\1/p")
}
expires 2261-12-31
same 'with the end of the day' "$when" 2261-12-31T23:59:59Z
expires 2200-01-31T12:00:00+02:00
same 'in UTC' "$when" 2200-01-31T10:00:00Z
before=$(date -u -d '+12 hours' +%FT%TZ)
expires 12h
after=$(date -u -d '+12 hours' +%FT%TZ)
[[ ! "$when" < "$before" && ! "$when" > "$after" ]] && pass 'from now' || fail "from now: $when"
for when in 2020-01-01 yesterday now 30 30x d -1d 1000000w '' 'next year' 9999-12-31; do
    expect 2 "no time for a key to end: ${when@Q}" "$TALLY" key data add --name x --role writer "--expires=$when"
done
complains 'the last year is named, and what to do without' 'up to 2261; without it a key does not expire'

# Rotation.
expect 0 'rotated' "$TALLY" key data rotate 2
says 'into a new key' '^key: tally_' '^id: 6$'
same 'another one' "$([ "$(sed -n 's/^key: //p' out)" != "$key" ] && echo other)" other
expect 0 'both listed' "$TALLY" key data list --format ndjson
says 'the old one with the new one' '"id":2,.*"replaced_by":6}' '"id":6,"name":"Ann'"'"'s portal","role":"writer","trails":\["main","tenant-7"\]'
expect 3 'not twice' "$TALLY" key data rotate 2
complains 'it says which to rotate' 'key 6'
expect 0 'at once' "$TALLY" key data rotate 6 --overlap 0
expect 0 'then it is not listed any more' "$TALLY" key data list --format ndjson
same 'the old one' "$(grep -c '"id":6,' out)" 0
expect 0 'unless asked for' "$TALLY" key data list --all --format ndjson
says 'is there' '"id":6,.*"replaced_by":7'
for overlap in 1 h -1h soon ''; do
    expect 2 "no overlap: ${overlap@Q}" "$TALLY" key data rotate 7 "--overlap=$overlap"
done

# Revoking.
expect 0 'revoked' "$TALLY" key data revoke 7
same 'without a word' "$(cat out err)" ''
expect 0 'revoked again' "$TALLY" key data revoke 7
expect 3 'it cannot be rotated then' "$TALLY" key data rotate 7
expect 0 'gone from the list' "$TALLY" key data list --format ndjson
same 'though' "$(grep -c '"id":7,' out)" 0
expect 0 'but on record' "$TALLY" key data list --all --format ndjson
says 'with when' '"id":7,.*"revoked":"20.*Z"'
expect 3 'the last admin key stays' "$TALLY" key data revoke 1
complains 'and it says what to do' 'last admin key' 'key add --role admin'
expect 0 'another one' "$TALLY" key data add --name second --role admin
says 'with an id of its own' '^id: 8$'
expect 0 'then the first may go' "$TALLY" key data revoke 1
"$TALLY" key data add --name lost --role writer > /dev/full 2> err
same 'a key that could not be printed' "$?" 3
complains 'is named, to be revoked' 'tally key data revoke 9'

# A slip in the settings must not keep a key alive.
echo '[no such section]' > data/tally.conf
expect 0 'whatever the settings' "$TALLY" key data revoke 9
: > data/tally.conf

expect 4 'no such key to revoke' "$TALLY" key data revoke 99
expect 4 'nor to rotate' "$TALLY" key data rotate 99
complains 'and how to find those there are' 'key data list'
for id in x 1x -1 '' 99999999999999999999; do
    expect 2 "no id: ${id@Q}" "$TALLY" key data revoke -- "$id"
done
expect 2 'no name' "$TALLY" key data add --role writer
expect 2 'an empty name' "$TALLY" key data add --name '' --role writer
expect 2 'no role' "$TALLY" key data add --name x
expect 2 'a role there is not' "$TALLY" key data add --name x --role none
complains 'which there are' 'admin, auditor or writer'
expect 2 'no list of trails' "$TALLY" key data add --name x --role writer --trails main,,x
expect 2 'an admin for some trails' "$TALLY" key data add --name x --role admin --trails main
expect 2 'an option of another verb' "$TALLY" key data revoke 8 --overlap 1h
complains 'is named' '--overlap'
expect 2 'no verb' "$TALLY" key data
expect 2 'a verb there is not' "$TALLY" key data remove 1
expect 2 'too much' "$TALLY" key data list 1
expect 2 'too little' "$TALLY" key data revoke
expect 2 'no format' "$TALLY" key data list --format xml
expect 3 'no folder' "$TALLY" key nothing list
mv data/tally.db away
expect 3 'no keys' "$TALLY" key data list
complains 'and the cure' 'backup'

finish
