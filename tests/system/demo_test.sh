#!/bin/bash
# The demo: what it prints is run as it stands.
. "$(dirname "$0")/lib.sh"
command -v curl > /dev/null || skip_all 'curl is not there'

# What is printed is for a shell, whatever the program and the folder are called.
ln -s "$TALLY" 'a program'
folder="demo's data"

# start: the demo in the background; $demo is its process, $story what it printed.
start() {
    : > story # what the one before said is not to be taken for this one's
    "./a program" demo --data "$folder" --events 800 > story 2> log &
    demo=$!
    await grep -q '^# Ctrl-C' story || fail 'the demo begins'
}

stop() {
    kill -INT "$demo"
    wait "$demo"
    same 'Ctrl-C ends it' "$?" 0
}

# lines FROM TO: of the story, from the one that matches to the one before the other.
lines() {
    sed -n "/$1/,/$2/p" story | sed '1d;$d'
}

# Before it is filled.
"$TALLY" demo --events 1000000 > story 2> log &
demo=$!
await [ -e demo-data.part/trails/main/journal ]
kill -TERM $demo
wait $demo
same 'a filling that is interrupted' "$? $(cat log)" '3 tally: interrupted'
same 'leaves nothing' "$(ls -d demo-data*)" ''

# The first thing a newcomer sees is no complaint, with the descriptors that a shell commonly may have.
ulimit -Sn 1024
ulimit -Hn 4096
start
same 'it has nothing to warn of' "$(grep ' warning ' log)" ''
same 'listens on loopback' "$(grep -c '^listening on http://127.0.0.1:78' story)" 1
same 'fills its folder' "$(grep -c "filling $folder" story)" 1
eval "$(grep '^export ' story)"
export TALLY_URL TALLY_KEY
expect 0 'records' bash -c "$(lines '^# record an event' '^# find')"
says 'with a receipt' '"count":1' '"leaf":"[0-9a-f]{64}"'
expect 0 'finds' bash -c "$(lines '^# find' '^# count')"
says 'who did it' '"user_id":"mallory"' 'role.change'
expect 0 'counts' bash -c "$(lines '^# count' '^# who read')"
says 'by action and day' '"by":"action"' '"buckets":'
expect 0 'its own trail' bash -c "$(lines '^# who read' '^# verify')"
says 'has the reads' 'audit.read'
expect 0 'verifies' bash -c "$(lines '^# verify' '^# somebody')"
says 'intact' 'main: intact'
expect 1 'tampers' bash -c "$(lines '^# somebody' '^# the bit put back')"
says 'found' 'main: tampered'
expect 0 'puts it back' bash -c "$(lines '^# the bit put back' '^# all routes')"
expect 0 'intact again' "$TALLY" verify "$TALLY_URL"
size=$("$TALLY" query "$TALLY_URL" --order -index --limit 1 --format ndjson | sed -E 's/.*"index":([0-9]+).*/\1/')
old=$TALLY_KEY
stop

start
same 'the second time the folder is used again' "$(grep -c filling story)" 0
eval "$(grep '^export ' story)"
expect 0 'what was recorded is there' "$TALLY" query "$TALLY_URL" user:eve --format ndjson
says 'still' "\"index\":$size,"
same 'with a new key' "$([ "$old" = "$TALLY_KEY" ] || echo new)" new
expect 3 'the old one is no good' env TALLY_KEY="$old" "$TALLY" query "$TALLY_URL"
stop

finish
