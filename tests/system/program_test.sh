#!/bin/bash
. "$(dirname "$0")/lib.sh"

commands='init serve record import query stats export verify prove trail key doctor bench demo help'
expect 0 'the list of commands' "$TALLY" help
for command in $commands; do
    says "it has $command" "^  tally $command "
done
for command in $commands; do
    expect 0 "help $command" "$TALLY" help "$command"
    cp out by-name
    says 'usage and options' "^tally $command" '^Options:'
    expect 0 "$command --help" "$TALLY" "$command" --help
    same 'says the same' "$(cmp out by-name && echo same)" same
    expect 2 "$command: an option there is not" "$TALLY" "$command" --no-such-option
done
expect 0 'every field of record' "$TALLY" help record
says 'is an option' '--user-id TEXT' '--details JSON' '--status-code NUMBER' '--severity TEXT +low, medium, high, critical'
expect 0 'its version' "$TALLY" --version
says 'is said' '^tally [0-9]+\.[0-9]+\.[0-9]+$'
expect 0 'short for help' "$TALLY" -h
expect 2 'no command' "$TALLY"
complains 'the way on' 'tally help'
expect 2 'a command there is not' "$TALLY" witness
complains 'the way on' 'tally help'
expect 2 'a command that is misspelled' "$TALLY" qurey
complains 'the one that was meant' 'did you mean `tally query`\?'
expect 2 'help on one' "$TALLY" help nothing
expect 2 'help on one that is misspelled' "$TALLY" help recrod
complains 'the one that was meant' 'did you mean `tally record`\?'
expect 2 'an option that is misspelled' "$TALLY" query data --limt=5
complains 'the one that was meant' 'did you mean --limit\?'
expect 2 'a field that is' "$TALLY" record data --uesr-id bob
complains 'the one that was meant' 'did you mean --user-id\?'
expect 2 'an option that resembles none' "$TALLY" query data --from yesterday
complains 'the way on' 'no such option; see'
expect 2 'help on two' "$TALLY" help init record

# Descriptors that are closed must not become others' numbers.
make_data data
events 10 > events.json
"$TALLY" record data events.json >&- 2> err
same 'no standard output' "$? $(grep -c 'standard output' err)" '3 1'
"$TALLY" record data <&- > out 2> err
same 'no standard input' "$? $(grep -c 'standard input' err)" '3 1'
"$TALLY" record data events.json > out 2>&-
same 'no standard error' "$? $(grep -c true out)" '0 10'
events 1500 100 > more.json
for closed in 1 2 3; do
    # One number more is free for a file of the trail each time.
    case $closed in
    1) "$TALLY" record data more.json --format ndjson >&- 2> err ;;
    2) "$TALLY" record data more.json --format ndjson <&- >&- 2> err ;;
    3) "$TALLY" record data more.json --format ndjson <&- >&- 2>&- ;;
    esac
    same "closed: $closed, no success" "$?" 3
done
expect 0 'the trail is none the worse' "$TALLY" verify data
same 'nor is its lock' "$(grep -c index data/trails/main/lock)" 0

# bench, small.
expect 0 'events to try with' "$TALLY" bench --emit 3
same 'as many as asked' "$(grep -c '^{.*}$' out)" 3
cp out first
"$TALLY" bench --emit 3 > out
same 'always the same' "$(cmp out first && echo same)" same
expect 0 'a small measurement' "$TALLY" bench --events 2000 --folder "$scratch" --format ndjson
says 'its rows' '"measure":"recording, durable"' '"measure":"verification: leaves, commitments, tree"' '"measure":"opening after a kill"' '"unit":"bytes/entry"'
same 'nothing is left' "$(ls -d "$scratch"/tally-bench.* 2> /dev/null)" ''
expect 2 'nothing to measure' "$TALLY" bench --events 0

finish
