#!/bin/bash
. "$(dirname "$0")/lib.sh"
make_data data --origin example.org/verify
events 300 | "$TALLY" record data --format ndjson > /dev/null

expect 0 'an intact trail' "$TALLY" verify data
says 'up to its size, by its key' '^main: intact up to size 301, signed by example.org/verify\+[0-9a-f]{8}$'
says 'first sight is said, with the key' 'first sight' "${vkey//+/\\+}"
expect 0 'the second time' "$TALLY" verify data
same 'no first sight' "$(grep -c 'first sight' out)" 0
expect 0 'as JSON' "$TALLY" verify data --format json
says 'all of it' '"trail":"main"' '"verdict":"intact"' '"size":301' '"entries":301' '"first_sight":false'
expect 0 'by its key' "$TALLY" verify data --vkey "$vkey"
cp -a data pristine

# Another key.
"$TALLY" init other --origin example.org/verify > other.keys
other=$(sed -n 's/^vkey: //p' other.keys)
expect 1 'by another key of that name' "$TALLY" verify data --vkey "$other"
expect 2 'no key' "$TALLY" verify data --vkey nothing

# A checkpoint from before.
cp data/trails/main/checkpoint then
events 50 1000 | "$TALLY" record data > /dev/null
expect 0 'it has grown out of an old checkpoint' "$TALLY" verify data --since then
cp data/trails/main/checkpoint now
rm -r data && cp -a pristine data
expect 1 'a newer checkpoint shows that the tail was cut' env XDG_STATE_HOME="$scratch/fresh" "$TALLY" verify data --since now
expect 1 'and so does what was seen last' "$TALLY" verify data
says 'rolled back' '301.*351|351.*301'
sed 's/^[0-9]*$/299/' then > forged
expect 1 'a checkpoint that nobody signed' env XDG_STATE_HOME="$scratch/fresh" "$TALLY" verify data --since forged
echo nothing > nothing.note
expect 2 'no checkpoint' "$TALLY" verify data --since nothing.note
expect 3 'no such file' "$TALLY" verify data --since missing.note
rm -r state

# All signed anew with another key.
cp -a pristine resigned
expect 0 'seen' "$TALLY" verify resigned
rm -rf resigned && cp -a other resigned
events 300 | "$TALLY" record resigned > /dev/null
expect 1 'another history under the same name' "$TALLY" verify resigned
rm -r state

# Every file, a bit in it: found, with its name or its entry, and never mistaken for another thing.
"$TALLY" trail data info > /dev/null
for file in $(cd pristine && find trails -type f ! -name lock | sort); do
    size=$(stat -c %s "pristine/$file")
    used=$(tr '\0' '\n' < "pristine/$file" | awk 'NF { n += length($0) + 1 } END { print n }')
    for part in 0 1 2 3; do
        offset=$((${used:-0} * part / 4))
        [ "$offset" -lt "$size" ] || continue
        rm -rf damaged && cp -a pristine damaged
        flip "damaged/$file" "$offset"
        "$TALLY" verify damaged > out 2> err
        status=$?
        if [ $status -eq 1 ] || [ $status -eq 3 ]; then
            pass "noticed: $file, byte $offset (status $status)"
        else
            fail "noticed: $file, byte $offset"
            show
        fi
        rm -rf state
    done
done

# Files swapped, cut, gone.
rm -rf damaged && cp -a pristine damaged
first=$(find damaged/trails/main/journal -type f | sort | head -n 1)
truncate -s 1000 "$first"
expect 1 'a journal that was cut' "$TALLY" verify damaged
rm -rf damaged && cp -a pristine damaged
cp -a other/trails/main/journal/. damaged/trails/main/journal/
"$TALLY" verify damaged > out 2> err
[ $? -ne 0 ] && pass 'the journal of another trail' || fail 'the journal of another trail'
rm -rf damaged && cp -a pristine damaged
rm damaged/trails/main/checkpoint
"$TALLY" verify damaged > out 2> err
[ $? -ne 0 ] && pass 'no checkpoint is no pass' || fail 'no checkpoint is no pass'

# Several trails: the worst counts, and a key is for its own trail.
rm -rf data && cp -a pristine data
second=$("$TALLY" trail data create second | sed -n 's/^vkey: //p')
expect 0 'both intact' "$TALLY" verify data
says 'both named' '^main: intact' '^second: intact'
expect 0 'a key is held against the trail of its name' "$TALLY" verify data --vkey "$second"
expect 0 'one of them' "$TALLY" verify data --trail second
same 'and only that' "$(grep -c '^main:' out)" 0
cp -a data renamed
mv renamed/trails/main renamed/trails/third
mv renamed/trails/second renamed/trails/main
expect 1 'under the name of another' "$TALLY" verify renamed --trail main --vkey "$vkey"
expect 3 'a name that is left' "$TALLY" verify renamed --trail second --vkey "$second"
"$TALLY" trail data create third > /dev/null
flip data/trails/second/journal/"$(ls data/trails/second/journal | head -n 1)" 200
"$TALLY" verify data > out 2> err
same 'one is bad: the worst counts' "$?" 1
says 'each has its verdict' '^main: intact' '^second: tampered' '^third: intact'

# A folder's name says nothing but itself: no line of its own, and nothing to a terminal.
rm -rf data && cp -a pristine data
mkdir "data/trails/$(printf 'odd\033[2J\nfine: intact')"
expect 3 'a name that is no trail name' "$TALLY" verify data
same 'makes no line of its own' "$(grep -c '^fine: intact' out)" 0
same 'and no escape sequence' "$(grep -c "$(printf '\033')" out)" 0

# A pipe in place of a file is not waited for.
for file in tally.conf trails/main/manifest trails/main/checkpoint; do
    rm -rf data && cp -a pristine data
    rm "data/$file" && mkfifo "data/$file"
    expect 3 "a pipe in place of $file" timeout 30 "$TALLY" verify data
done

# Nothing to check is not a pass.
expect 3 'a trail that is not there' "$TALLY" verify data --trail nothing
expect 2 'no trail name' "$TALLY" verify data --trail Third
mkdir -p empty/trails empty/keys
expect 3 'no trails' "$TALLY" verify empty
expect 3 'no folder' "$TALLY" verify nothing
expect 2 'no folder named' "$TALLY" verify

# The memory of verdicts.
rm -rf state
expect 0 'remembered' "$TALLY" verify pristine
memory=$(find state -type f)
flip "$memory" 30
expect 3 'a damaged memory is no pass' "$TALLY" verify pristine
complains_or_says=$(cat out err)
same 'its file is named' "$(grep -c "$memory" <<< "$complains_or_says")" 1
expect 0 'unless the key is given' "$TALLY" verify pristine --vkey "$vkey"
expect 0 'without a place to remember' env -u HOME -u XDG_STATE_HOME "$TALLY" verify pristine
complains 'it says so' 'cannot be remembered'

finish
