#!/bin/bash
. "$(dirname "$0")/lib.sh"
make_data data

# One event from options.
expect 0 'an event from options' "$TALLY" record data --action user.login --user-id u1 --status success
says 'a receipt: index, leaf' '^ +1 +[0-9a-f]{64} +false$'
expect 0 'the other spelling, numbers, objects' "$TALLY" record data --action=a.b --user_id u2 --status-code 404 \
    --response-time-ms 12.50 --details '{"n": 1e-7, "s": "ü"}' --format ndjson
says 'a receipt as JSON' '^\{"index":2,"leaf":"[0-9a-f]{64}","repeated":false\}$'
expect 0 'it is found' "$TALLY" query data user_id:u2 --format ndjson
says 'numbers keep their token' '"response_time_ms":12\.50' '"n":1e-7' '"status_code":404'
says 'what is known is filled in' '"status":"failure"'
expect 0 'the leaf is the hash of the public part' "$TALLY" export data user_id:u2 --format evidence
public=$(sed -E 's/.*"public":"(([^"\\]|\\.)*)".*/\1/; s/\\"/"/g; s/\\\\/\\/g' out)
same 'sha256sum agrees' "$(printf '\0%s' "$public" | sha256sum | cut -d' ' -f1)" "$(sed -E 's/.*"leaf":"([0-9a-f]*)".*/\1/' out)"

expect 2 'a text for a number' "$TALLY" record data --action a.b --status-code many
complains 'its place is named' '/status_code'
expect 2 'an unknown value' "$TALLY" record data --action a.b --severity extreme
complains 'what would be accepted, without a column of what nobody typed' '^tally: /severity: .*low'
expect 2 'JSON that is none' "$TALLY" record data --action a.b --details '{"a":}'
complains 'where in it' '--details: .*column'
expect 2 'an object that is none' "$TALLY" record data --action a.b --details '[1]'
expect 2 'no action, no type' "$TALLY" record data --user-id u1
expect 2 'no UTF-8' "$TALLY" record data --action a.b --message $'\xff'
expect 2 'what only the trail sets' "$TALLY" record data --action a.b --writer me
expect 2 'options and files' "$TALLY" record data --action a.b some-file
expect 2 'no folder' "$TALLY" record
expect 3 'no data folder there' "$TALLY" record nothing --action a.b
complains 'how to make one' 'tally init nothing'
expect 3 'no such trail' "$TALLY" record data --trail other --action a.b
complains 'how to make it' 'tally trail data create other'
expect 2 'no trail name' "$TALLY" record data --trail Other --action a.b
same 'none of these was stored' "$(size_of data)" 3

# Many events.
events 3 > three.json
expect 0 'from a file' "$TALLY" record data three.json
same 'a receipt each' "$(grep -c false out)" 3
expect 0 'from standard input' "$TALLY" record data < <(events 2 3)
same 'a receipt each, again' "$(grep -c false out)" 2
expect 0 'from standard input by name, and a file' "$TALLY" record data - three.json < <(events 1 5)
same 'what was stored is repeated, with its receipt' "$(grep -c true out)" 3
same 'and not stored again' "$(size_of data)" 9
expect 0 'an array' "$TALLY" record data <<< '[{"action":"a.b","id":"x1"},{"action":"a.b","id":"x2"}]'
expect 0 'one after another' "$TALLY" record data <<< '{"action":"a.b","id":"x3"}{"action":"a.b","id":"x4"}'
expect 0 'gzip' "$TALLY" record data < <(echo '{"action":"a.b","id":"x5"}' | gzip)
expect 0 'nothing' "$TALLY" record data < /dev/null
same 'all there' "$(size_of data)" 14

expect 2 'the same id, other content' "$TALLY" record data <<< '{"action":"a.c","id":"x1"}'
complains 'the entry that has it' 'entry 9 '
expect 2 'twice in one input' "$TALLY" record data <<< '{"action":"a.b","id":"y"} {"action":"a.c","id":"y"}'
expect 3 'no such file' "$TALLY" record data no-such-file
expect 2 'gzip that is cut short' "$TALLY" record data < <(events 100 5000 | gzip | head -c 100)
same 'still all there' "$(size_of data)" 14

# A bad event among many: exit status 2 means that nothing was stored.
{ events 2500 1000; echo '{"user_id":"no action"}'; events 10 9000; } > bad.json
expect 2 'a bad event late in a file' "$TALLY" record data bad.json
complains 'file and line' 'bad.json: line 2501'
same 'nothing was stored' "$(size_of data)" 14
expect 2 'in a second file' "$TALLY" record data three.json bad.json
expect 2 'on redirected standard input' "$TALLY" record data < bad.json
same 'nothing was stored either' "$(size_of data)" 14
{ head -n 10 bad.json; echo '{"a":'; head -n 20 bad.json; } > begun.json # comes in one piece, through a pipe
expect 2 'at the beginning of a pipe' "$TALLY" record data < <(cat begun.json)
same 'nothing was stored from it' "$(size_of data)" 14
expect 3 'late in a pipe' "$TALLY" record data < <(cat bad.json)
complains 'how much is stored' 'line 2501' '2500 events before it are stored'
same 'that much is' "$(size_of data)" 2514

# A large file: validated as a whole, then stored in batches.
events 3000 20000 > many.json
expect 0 'more than a batch' "$TALLY" record data many.json --format csv
same 'a receipt each in CSV' "$(grep -c ',false' out)" 3000
same 'with a header' "$(head -n 1 out | tr -d '\r')" 'index,leaf,repeated'
expect 0 'again' "$TALLY" record data many.json --format json
same 'all repeated' "$(grep -c '"repeated":true' out)" 3000

# Receipts come while a pipe stays open.
mkfifo pipe
"$TALLY" record data - --format ndjson < pipe > live.out &
writer=$!
exec 3> pipe
events 1 30000 >&3
await test -s live.out
same 'a receipt before the input ends' "$(grep -c index live.out)" 1
exec 3>&-
wait $writer
same 'and the command ends with its input' $? 0

# One writer at a time.
"$TALLY" record data - > holder.out < pipe &
holder=$!
exec 3> pipe
events 1 40000 >&3
await test -s holder.out
expect 3 'a second writer is refused' "$TALLY" record data --action a.b
complains 'it is told who writes, and what to do' "$(pgrep -P $$ -x tally | head -n 1)|process|pid" 'record'
expect 0 'reading goes on meanwhile' "$TALLY" query data id:e-30000
exec 3>&-
wait $holder

# A reader that closes the pipe changes nothing.
"$TALLY" record data --format ndjson < <(events 5000 50000) | head -n 1 > first.out
same 'the first receipt' "$(wc -l < first.out)" 1
expect 0 'all events are stored nevertheless' "$TALLY" query data id:e-54999 --format ndjson
says 'the last one too' 'e-54999'

# More lies between than the program knows ids of.
: "${FORGETFUL:?the program with a short memory}"
make_data long
events 3 > old.json
expect 0 'old events' "$FORGETFUL" record long old.json
for from in 1000 2000 3000 4000; do
    expect 0 'and many newer ones' "$FORGETFUL" record long <(events 300 $from)
done
size=$(size_of long)
expect 0 'the old ones again' "$FORGETFUL" record long --again old.json --format ndjson
same 'are found, however old' "$(grep -c '"repeated":true' out)" 3
same 'and not stored' "$(size_of long)" "$size"
expect 2 'others with their ids' "$FORGETFUL" record long --again --action test.other --id e-1
complains 'are refused' 'e-1|other content'

# Nothing at all.
expect 0 'an empty pipe is no failure' "$TALLY" record data < /dev/null
same 'and a program is told nothing' "$out$err" ''
if script -qec true /dev/null > /dev/null 2>&1; then
    : > empty.json
    same 'who sits at a terminal is told' "$(typed "$TALLY" record data empty.json)" 'tally: no event came in: nothing is recorded'
    same 'not where one came' "$(typed "$TALLY" record data --action test.run | grep -c '^tally:')" 0
else
    skip 'who sits at a terminal is told' 'no terminal to be had'
fi

finish
