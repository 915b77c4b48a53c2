#!/bin/bash
. "$(dirname "$0")/lib.sh"
make_data data
events 10 | "$TALLY" record data > /dev/null

expect 0 'the trails' "$TALLY" trail data list
says 'with size and origin' '^main +11 +tally-'
expect 0 'a new one' "$TALLY" trail data create tenant-7 --origin example.org/tenant-7 --public user_id
says 'has a key of its own' '^vkey: example.org/tenant-7\+'
expect 3 'not twice' "$TALLY" trail data create tenant-7
expect 3 'nor another one of its origin' "$TALLY" trail data create tenant-9 --origin example.org/tenant-7
complains 'it says what to do' 'origin example.org/tenant-7: give one of its own'
same 'and nothing of it is left' "$(ls data/trails data/keys | grep -c tenant-9)" 0
for name in '' Tenant _x -x a.b "$(printf 'a%.0s' $(seq 64))"; do
    expect 2 "no name: ${name@Q}" "$TALLY" trail data create -- "$name"
done
expect 0 'an event into it' "$TALLY" record data --trail tenant-7 --action a.b --user-id u1
expect 0 'trails are apart' "$TALLY" query data --trail tenant-7 --format ndjson
same 'one entry here' "$(grep -c . out)" 1
expect 0 'described' "$TALLY" trail data info --trail tenant-7
says 'in lines' '^origin: example.org/tenant-7$' '^size: 2$' '^private_fields: user_email '
expect 0 'as JSON' "$TALLY" trail data info --format json
says 'numbers as such' '"size":11' '"signed_size":11'
expect 0 'what columns take' "$TALLY" trail data sizes
complains 'or that nothing is sealed' 'segment'
expect 0 'rebuilt' "$TALLY" trail data rebuild
expect 0 'and intact' "$TALLY" verify data

expect 2 'no verb' "$TALLY" trail data
expect 2 'a verb there is not' "$TALLY" trail data remove
expect 2 'too much' "$TALLY" trail data info main
expect 2 'no name' "$TALLY" trail data create
expect 3 'no such trail' "$TALLY" trail data info --trail nothing
expect 3 'no folder' "$TALLY" trail nothing list

finish
