#!/bin/bash
# What is erased is gone, on record, and breaks no proof.
. "$(dirname "$0")/lib.sh"

make_data data
{
    echo '{"action":"a.b","id":"keep","user_id":"stays","message":"KEPT-WORDS"}'
    echo '{"action":"a.b","id":"gone","user_id":"forgotten","message":"SECRET-WORDS"}'
    events 400
} | "$TALLY" record data --format ndjson > /dev/null
"$TALLY" prove data 2 --output before.proof
expect 0 'erased' "$ERASE" data 'asked for by the person' 2 5 6 7

expect 0 'verified' "$TALLY" verify data
says 'with what is erased counted' 'intact up to size 404, .*; 4 erased or expired on record'
same 'no file has the words any more' "$(grep -rlaE 'SECRET-WORDS|forgotten' data)" ''
expect 0 'what is public is still found' "$TALLY" query data id:gone --format ndjson
same 'and nothing of what was private' "$(grep -cE 'SECRET|forgotten|message|user_id' out)" 0
says 'which is said' '"erased":true\}$'
expect 0 'in a table it is said' "$TALLY" query data id:gone
says 'so' '\(erased\)'
expect 0 'it is on record' "$TALLY" query data control.type:erased --format ndjson
says 'with its reason and the entries' 'asked for by the person' '\[2,2\],\[5,7\]'

expect 0 'a proof from before still holds' "$TALLY" prove --check before.proof --vkey "$vkey"
expect 0 'a new one as well' "$TALLY" prove data 2 --output after.proof
expect 0 'and checks' "$TALLY" prove --check after.proof --vkey "$vkey"
expect 0 'evidence' "$TALLY" export data --format evidence --control --output evidence.jsonl
same 'of what is erased, too' "$(grep -c '"private":null,"salt":null' evidence.jsonl)" 4
if command -v python3 > /dev/null; then
    stranger() { python3 "$source_root/tests/stranger.py" "$@"; }
    expect 0 'a stranger agrees' stranger "$vkey" < evidence.jsonl
    says 'on every entry' '^404 entries proved, 4 of them erased; they are the whole tree of size 404$'
    sed '9s/"private":"\([^"\\]\|\\.\)*","salt":"[^"]*"/"private":null,"salt":null/' evidence.jsonl > hidden.jsonl
    same 'one more is hidden' "$(grep -c '"private":null' hidden.jsonl)" 5
    stranger "$vkey" < hidden.jsonl > out 2> err && fail 'noticed: missing without a record' || pass 'noticed: missing without a record'
else
    skip 'a stranger agrees' 'no python3'
fi
expect 0 'recording goes on' "$TALLY" record data --action a.b
expect 0 'the erased id is still known' "$TALLY" record data < <(events 1 3)
says 'as repeated' 'true'

finish
