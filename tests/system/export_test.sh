#!/bin/bash
. "$(dirname "$0")/lib.sh"
make_data data
data_vkey=$vkey
{
    echo '{"action":"a.b","user_id":"=cmd|calc","message":"say \"hi\", twice\nover","details":{"n":1.10,"e":1e-7,"big":12345678901234567890}}'
    echo '{"action":"a.b","user_id":"＝full","message":" =blank","service":"","response_time_ms":0.50}'
    echo '{"action":"a.b","user_id":"\u001b\u202e\u2028ü🦊","timestamp":"2026-01-01T00:00:00.120+02:00","status_code":200}'
} | "$TALLY" record data > /dev/null
"$TALLY" bench --emit 3000 | "$TALLY" record data --format ndjson > /dev/null

# NDJSON, and round.
expect 0 'NDJSON is the default' "$TALLY" export data
same 'an entry a line, control entries left out' "$(grep -c . out)" 3003
same 'in order of index' "$(sed -E 's/^\{"index":([0-9]+),.*/\1/' out | head -n 3 | paste -sd' ')" '1 2 3'
says 'numbers with their tokens' '"n":1\.10' '"e":1e-7' '"big":12345678901234567890' '"response_time_ms":0\.50'
says 'escaped so that it may be shown' '"user_id":"\\u001b\\u202e\\u2028ü🦊"'
cp out first.ndjson
make_data copy
expect 0 'it can be imported' "$TALLY" import copy --map tallystick first.ndjson
says 'all of it' 'imported 3003, repeated 0, skipped 0, refused 0'
"$TALLY" export copy > second.ndjson
members() { sed -E 's/"index":[0-9]+,//; s/,"(received|writer|private)":"[^"]*"//g; s/,"v":1//' "$1"; }
same 'and is the same trail, member by member' "$(members first.ndjson | sha256sum)" "$(members second.ndjson | sha256sum)"
expect 0 'with control entries' "$TALLY" export data --control
cp out control.ndjson
expect 0 'those are left out again' "$TALLY" import copy --map tallystick control.ndjson
says 'and everything else is known' 'imported 0, repeated 3003, skipped 1, refused 0'
expect 0 'a filter' "$TALLY" export data 'user:"＝full"' --format ndjson
same 'selects' "$(grep -c . out)" 1

# CSV.
expect 0 'CSV' "$TALLY" export data --format csv
header=$(head -n 1 out | tr -d '\r')
says 'formulas are guarded' ",'=cmd\|calc," ",'＝full," "\"' =blank\""
says 'quotes are doubled, line ends kept' '"say ""hi"", twice$'
expect 0 'CSV of nothing' "$TALLY" export data user:nobody --format csv
same 'has the same header' "$(tr -d '\r' < out)" "$header"
expect 0 'raw CSV' "$TALLY" export data --format csv --raw
says 'is as it is' ',=cmd\|calc,' ',＝full,'
if command -v sqlite3 > /dev/null; then
    sqlite3 :memory: '.mode csv' '.import out trail' \
        "select count(*), sum(user_id = '=cmd|calc'), sum(message like 'say \"hi\", twice%over') from trail" > rows
    same 'another program reads it' "$(tr -d '\r' < rows)" '3003,1,1'
else
    skip 'another program reads it' 'no sqlite3'
fi

if script -qec true /dev/null > /dev/null 2>&1; then
    same 'nothing at all is said at a terminal' "$(typed "$TALLY" export data user=nobody)" \
        "tally: nothing was found"$'\n'"tally: words and signs of other languages are text here: did you mean user:nobody"
    same 'also where it goes to a file' "$(typed "$TALLY" export data user:nobody --format csv --output empty.csv)" 'tally: nothing was found'
    same 'which is there' "$(grep -c . empty.csv)" 1
    same 'not where there is something' "$(typed "$TALLY" export data 'user:"＝full"' --output one | wc -c)" 0
else
    skip 'nothing at all is said at a terminal' 'no terminal to be had'
fi
expect 0 'nothing found is no failure' "$TALLY" export data user:nobody
same 'and a program is told nothing' "$out$err" ''

# Evidence, and the stranger.
expect 0 'evidence' "$TALLY" export data --format evidence --control --output evidence.jsonl
same 'goes to a file of its owner' "$(stat -c %a evidence.jsonl)" 600
same 'that appears whole' "$(ls evidence.jsonl.part 2> /dev/null)" ''
if command -v python3 > /dev/null; then
    stranger() { python3 "$source_root/tests/stranger.py" "$@"; }
    expect 0 'a stranger agrees' stranger "$data_vkey" < evidence.jsonl
    says 'on every entry' '^3004 entries proved, 0 of them erased; they are the whole tree of size 3004$'
    expect 0 'on a selection, too' stranger "$data_vkey" < <(sed -n '10,20p' evidence.jsonl)
    # What is changed and where: each must be noticed.
    changes=(
        's/"action\\":\\"a.b/"action\\":\\"a.c/|public part'
        's/"private":"\{\\"d/"private":"{\\"e/|private part'
        's/"salt":"./"salt":"_/|salt'
        's/"index":7,/"index":8,/|index'
        's/"proof":\["[^"]*",/"proof":[/|a proof that is too short'
        's/\\n3004\\n/\\n3005\\n/|the size that is signed'
        's/^(.*"checkpoint":".*)(....)\\n"/\1AAA=\\n"/|signature'
    )
    for change in "${changes[@]}"; do
        sed -E "${change%|*}" evidence.jsonl > changed.jsonl
        if cmp -s changed.jsonl evidence.jsonl; then
            fail "the change was made: ${change#*|}"
        else
            stranger "$data_vkey" < changed.jsonl > out 2> err && fail "noticed: ${change#*|}" || pass "noticed: ${change#*|}"
        fi
    done
    make_data other
    stranger "$vkey" < evidence.jsonl > /dev/null 2> err && fail 'noticed: another key' || pass 'noticed: another key'
else
    skip 'a stranger agrees' 'no python3'
fi

# Slips.
expect 2 'a format there is not' "$TALLY" export data --format yaml
expect 2 'a filter that is none' "$TALLY" export data 'user:'
expect 3 'a file that cannot be made' "$TALLY" export data --output missing/file

# What is no file is not replaced by one.
"$TALLY" export data > whole
mkfifo pipe
timeout 60 cat pipe > piped &
expect 0 'into a named pipe' "$TALLY" export data --output pipe
wait $!
same 'what comes out' "$(cmp piped whole && stat -c %F pipe)" 'fifo'
echo old > target
ln -s target link
expect 0 'through a link' "$TALLY" export data --output link
same 'into what it names' "$(cmp target whole && stat -c %F link)" 'symbolic link'
expect 0 'to standard output by its name' "$TALLY" export data --output /proc/self/fd/1
same 'all of it' "$(cmp out whole && echo all)" all
mkdir folder
expect 3 'a folder' "$TALLY" export data --output folder
same 'no beginnings are left' "$(ls -d ./*.part 2> /dev/null)" ''
expect 3 'no folder there' "$TALLY" export nothing

# interrupted FILE COMMAND...: interrupts it while it writes the file, which is a pipe whose reader has
# stopped, in each of the ways there are.
interrupted() {
    local file=$1 way reader writer
    shift
    for way in INT TERM HUP; do
        mkfifo "$file"
        { head -c 1 > begun && exec sleep 600; } < "$file" &
        reader=$!
        env --default-signal="$way" "$@" > out 2> err & # which the shell, or nohup, has ignored
        writer=$!
        await [ -s begun ]
        kill -$way $writer
        wait $writer
        same "interrupted ($way): $2" "$? $(cat out err)" "$((128 + $(kill -l $way))) "
        same 'no beginnings are left' "$(ls -d "$file" 2> /dev/null)" ''
        kill $reader
        wait $reader 2> /dev/null
        rm -f "$file" begun
    done
}
interrupted begun.ndjson.part "$TALLY" export data --output begun.ndjson
same 'nor does it appear' "$(ls begun.ndjson 2> /dev/null)" ''
(trap '' TERM; "$TALLY" export data --output ignored.ndjson & kill $!; wait $!)
same 'an interruption that is ignored' "$(cmp ignored.ndjson whole && echo same)" same
if [ -e /dev/full ]; then
    "$TALLY" export data > /dev/full 2> err
    same 'a full disk is said' "$? $(grep -c 'No space' err)" '3 1'
fi
echo old > kept
expect 2 'a file is not touched by a command that fails' "$TALLY" export data 'user:' --output kept
same 'it is as it was' "$(cat kept)" old

finish
