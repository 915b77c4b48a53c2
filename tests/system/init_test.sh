#!/bin/bash
. "$(dirname "$0")/lib.sh"

expect 0 'a data folder is made' "$TALLY" init data
says 'the keys are printed, a line each' '^admin key: tally_[A-Za-z0-9_-]{43}$' '^vkey: [^+ ]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$'
same 'and nothing else' "$(grep -c . out)" 2
key=$(sed -n 's/^admin key: //p' out)
same 'folders are for their owner alone' "$(find data -type d ! -perm 0700)" ''
same 'and so are files' "$(find data -type f ! -perm 0600)" ''
same 'what DESIGN promises is there' "$(cd data && ls -d tally.conf tally.db keys/main trails/main)" "$(printf '%s\n' keys/main tally.conf tally.db trails/main)"
same 'the admin key is in no file' "$(grep -rlF "${key#tally_}" data)" ''
expect 0 'the first entry is the trail'"'"'s own' "$TALLY" query data control.type:created --format ndjson
says 'it names the private fields' '"control":\{.*user_id'

expect 3 'a folder that holds something is left alone' "$TALLY" init data
complains 'and the way on is said' 'new or empty'
mkdir empty
expect 0 'an empty folder is taken' "$TALLY" init empty
expect 3 'a folder that cannot be made' "$TALLY" init missing/parent/data
same 'nothing is told of remains that there are not' "$(grep -c 'not whole' err)" 0
expect 2 'no folder named' "$TALLY" init
complains 'usage is said' 'tally init DIR'
expect 2 'too many' "$TALLY" init a b
expect 2 'a URL' "$TALLY" init http://localhost:7878

expect 0 'an origin is taken' "$TALLY" init named --origin example.org/audit
says 'the key has its name' '^vkey: example.org/audit\+'
for origin in '' 'with blank' 'with+plus' "$(printf 'line\nend')"; do
    expect 2 "no origin: ${origin@Q}" "$TALLY" init refused --origin "$origin"
done
same 'what is refused makes nothing' "$(ls -d refused 2>&1 | grep -c 'No such')" 1

expect 0 'fields are moved' "$TALLY" init moved --public ip_address --private group_id --private=service
"$TALLY" record moved --action a.b --ip-address 192.0.2.7 --group-id staff > /dev/null
expect 0 'evidence of the entry' "$TALLY" export moved --format evidence
says 'a field made public is in the public part' '"public":"[^}]*ip_address'
says 'a field made private in the private part' '"private":"[^}]*group_id'
for field in id timestamp v nothing ''; do
    expect 2 "cannot be moved: ${field@Q}" "$TALLY" init refused --private "$field"
done

finish
