#!/bin/bash
. "$(dirname "$0")/lib.sh"

commands='init serve record import query tail stats export verify prove trail key doctor bench demo help'
expect 0 'the list of commands' "$TALLY" help
same 'fits' "$(($(wc -L < out) <= 80))" 1
for command in $commands; do
    says "it has $command" "^  tally $command "
done
for command in $commands; do
    expect 0 "help $command" "$TALLY" help "$command"
    cp out by-name
    says 'usage and options' "^tally $command" '^Options:'
    expect 0 "$command --help" "$TALLY" "$command" --help
    same 'says the same' "$(cmp out by-name && echo same)" same
    same 'fits' "$(($(wc -L < out) <= 80))" 1
    COLUMNS=60 "$TALLY" help "$command" > narrow
    same 'also a narrow terminal' "$(($(wc -L < narrow) <= 60))" 1
    same 'with every word' "$(tr -s ' \n' '\n' < narrow | cksum)" "$(tr -s ' \n' '\n' < out | cksum)"
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
complains 'the way on' 'times stand in the filter, timestamp:FROM..TO'
expect 2 'one that is like no field either' "$TALLY" query data --colour red
complains 'the way on' 'no such option; see'
expect 2 'a field as an option' "$TALLY" query data --user-id=bob
complains 'what was meant' 'did you mean user_id:bob$'
expect 2 'without its value' "$TALLY" stats data --user bob
complains 'what was meant' 'did you mean user:VALUE$'
expect 2 'a term as elsewhere, negated' "$TALLY" query data -user=bob
complains 'what was meant' '-user=bob is no option' 'did you mean -user:bob$'
expect 2 'with another sign' "$TALLY" export data '-status>=500'
complains 'what was meant' 'did you mean -status_code:>=500$'
expect 2 'a word with a minus' "$TALLY" query data timeout -retry
complains 'how it is asked for' '-retry: .* found by `-- -retry`'
expect 2 'an option with one minus' "$TALLY" query data -limit 5
complains 'how it is written' '-limit: options of `tally query` begin with two minuses'
expect 2 'a value for none' "$TALLY" query data --control=yes
complains 'which is said' '--control takes no value'
expect 2 'no value for one' "$TALLY" tail data -n
complains 'which is said' '-n: a value is missing'
expect 2 'help on two' "$TALLY" help init record

# Each operand that is missing has a name, and the usage is shown.
for row in 'init|DIR is missing' 'prove|WHERE is missing' 'prove data|INDEX is missing' 'verify|WHERE is missing' \
    'import|WHERE is missing' 'import data|FILE is missing' 'trail|WHERE is missing' 'trail list|WHERE is missing' \
    'trail data|what to do is missing' 'trail data create|NAME is missing' 'key add|WHERE is missing' \
    'key data|what to do is missing' 'key data revoke|ID is missing' 'record|WHERE is missing' \
    'verify a b|"b" is an operand too many' 'trail data list b|"b" is an operand too many' \
    'serve b|"b" is an operand too many'; do
    read -ra words <<< "${row%|*}"
    expect 2 "tally ${row%|*}" "$TALLY" "${words[@]}"
    complains 'what is wrong, and the usage' "^tally: ${row#*|}" "^tally: usage: tally ${words[0]} .*\`tally help ${words[0]}\`"
done

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

# A disk that is full is named as what it is, by every command.
if [ -e /dev/full ]; then
    full='tally: standard output: No space left on device'
    for row in '--version' 'help' 'help query' 'query data' 'query data --format json' 'query data --explain' \
        'export data' 'export data --format csv' 'export data --format evidence' 'tail data' 'tail data -f' 'stats data' \
        'stats data --by action --format csv' 'verify data' 'prove data 3' 'trail data list' 'trail data info' \
        'key data list' 'serve --data data --check' 'bench --emit 3'; do
        read -ra words <<< "$row"
        timeout 60 "$TALLY" "${words[@]}" > /dev/full 2> err
        same "a full disk: tally $row" "$? $(cat err)" "3 $full"
    done
    "$TALLY" init lost > /dev/full 2> err
    same 'a key that nobody has seen' "$? $(grep -cxF "$full" err) $(grep -c 'nobody has seen the admin key' err)" '3 1 1'
    before=$(size_of data)
    events 2000 5000 | "$TALLY" record data > /dev/full 2> err
    same 'receipts that nobody has' "$? $(grep -cxF "$full" err) $(grep -c 'the events are stored' err)" '3 1 1'
    same 'of events that are stored' "$(($(size_of data) - before))" 2000
else
    skip 'a full disk' 'no /dev/full'
fi

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
mkdir interrupted
"$TALLY" bench --events 100000000 --folder interrupted > out 2> err &
bench=$!
for _ in $(seq 600); do
    [ -n "$(ls interrupted/*/trails/main/journal 2> /dev/null)" ] && break
    sleep 0.1
done
kill $bench
wait $bench
same 'a measurement that is interrupted' "$? $(cat err)" '3 tally: interrupted'
same 'leaves nothing either' "$(ls interrupted)" ''

finish
