#!/bin/bash
# Exports: the bytes that the command line writes to a file, streamed, and on record twice.
. "$(dirname "$0")/lib.sh"
make_served data
{
    echo '{"action":"a.b","user_id":"=cmd|calc","message":"say \"hi\", twice\nover"}'
    echo '{"action":"a.b","user_id":"\u001b\u202e\u2028ü","timestamp":"2026-01-01T00:00:00.120+02:00"}'
} | "$TALLY" record data > /dev/null
"$TALLY" bench --emit 20000 | "$TALLY" record data --format ndjson > /dev/null
serve data

# alike TEXT PARAMETERS... -- ARGUMENTS...: the answer is the file that `tally export` writes.
alike() {
    local text=$1 parameters=()
    shift
    while [ "$1" != -- ]; do
        parameters+=("$1")
        shift
    done
    shift
    fetch 200 "$text" /api/export "${parameters[@]}"
    expect 0 "$text, by the command line" "$TALLY" export data --output file "$@"
    ask /api/export "${parameters[@]}"
    same 'is that file' "$(sha256sum < out)" "$(sha256sum < file)"
}
alike 'CSV is the default' -- --format csv
head_is 'its type' Content-Type 'text/csv; charset=utf-8; header=present'
head_is 'its name' Content-Disposition 'attachment; filename="main.csv"'
same 'formulas are guarded' "$(grep -c "'=cmd|calc" out)" 1
alike 'raw CSV' raw=true -- --format csv --raw
same 'as they are' "$(grep -c ',=cmd|calc' out)" 1
alike 'NDJSON' format=ndjson -- --format ndjson
head_is 'its type' Content-Type application/x-ndjson
head_is 'its name' Content-Disposition 'attachment; filename="main.ndjson"'
same 'all of it' "$(grep -c . out)" 20002
alike 'a filter' format=ndjson q=status:failure control=true -- --format ndjson status:failure --control
alike 'evidence' format=evidence q=index:5000..5099 -- --format evidence index:5000..5099
if command -v python3 > /dev/null; then
    cp out evidence
    expect 0 'a stranger agrees' python3 "$source_root/tests/stranger.py" "$vkey" < evidence
else
    skip 'a stranger agrees' 'no python3'
fi
send 201 'an entry' /api/events '{"action":"late.comer"}'
fetch 200 'evidence of it, at once' /api/export format=evidence action=late.comer
same 'is there' "$(grep -c . out)" 1
fetch 200 'nothing found' /api/export q=user:nobody
same 'is a header' "$(grep -c . out)" 1

# On record: before, and after with what became of it.
fetch 200 'an export' /api/export format=ndjson action=late.comer
id=$(sed -nE 's/^X-Request-Id: //Ip' headers)
ask /api/events trail=tally order=index request_id="$id"
same 'it is on record twice, the second time with its rows' \
    "$(picked '.data[] | [.event_type, .status, .details.format, .details.filter, .details.rows]')" \
    '["audit_export","success","ndjson","action:\"late.comer\"",null] ["audit_export","success","ndjson","action:\"late.comer\"",1]'

# A client that leaves: also on record.
id=gone-away
curl -sS -H "Authorization: Bearer $key" -H "X-Request-Id: $id" "$url/api/export?format=ndjson" 2> /dev/null | head -c 1000 > /dev/null
for _ in {1..100}; do
    ask /api/events trail=tally request_id="$id" 'q=details.rows:*'
    [ "$(picked '.data | length')" = 1 ] && break
    sleep 0.1
done
same 'a client that leaves is on record' "$(picked '.data[0].status')" '"error"'

# No body is asked for: nothing is exported.
same 'HEAD' "$(curl -sS -I -H "Authorization: Bearer $key" -H 'X-Request-Id: only-head' "$url/api/export" | sed -nE '1s/^HTTP[^ ]* ([0-9]*).*/\1/p')" 200

ask /api/events trail=tally request_id=only-head
same 'nor put on record' "$(picked .data)" '[]'

for parameters in format=xml raw=maybe limit=5 order=time nothing=1 'q=user_ID:x'; do
    fetch 400 "refused: $parameters" /api/export "$parameters"
done
fetch 404 'a trail there is not' /api/export trail=nothing

finish
