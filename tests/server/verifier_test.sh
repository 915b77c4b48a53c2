#!/bin/bash
# The server finds out by itself that somebody has changed what it keeps.
. "$(dirname "$0")/lib.sh"

# await TEXT COMMAND...: within fifteen seconds the command succeeds.
await() {
    local text=$1 tries=0
    shift
    until "$@"; do
        if [ $((tries += 1)) -gt 150 ]; then
            fail "$text"
            return
        fi
        sleep 0.1
    done
    pass "$text"
}
# counted NAME LEAST: the metric is at least so much.
counted() {
    local count
    count=$(curl -sS "$url/metrics" | sed -n "s/^$1 //p")
    [ "${count:-0}" -ge "$2" ]
}
violations() {
    [ "$("$TALLY" query data --trail tally --format ndjson event_type:security_violation | tee found | grep -c .)" -ge "$1" ]
}
intact='tally_verifications_total{verdict="intact"}'
failed='tally_verifications_total{verdict="other"}'

make_served data
"$TALLY" trail data create other > /dev/null
export TALLY_STORAGE_HEAD_ENTRIES=200
TALLY_VERIFY_EVERY_S=1 serve data
for ((i = 0; i < 1000; i += 200)); do
    events 200 "$i" > many
    send 201 'events' '/api/events?trail=other' @many application/x-ndjson
done
sealed() { compgen -G 'data/trails/other/segments/*' > /dev/null; }
await 'some are sealed' sealed
await 'verified, round after round' counted "$intact" 6
counted "$failed" 1 && fail 'and nothing is amiss' || pass 'and nothing is amiss'
grep -q critical serve.err && fail 'nor said to be' || pass 'nor said to be'

file=$(ls -S data/trails/other/segments/* | head -n 1)
flip "$file" $(($(stat -c %s "$file") / 2))
await 'a bit that is flipped is found' grep -q 'critical verification failed.*trail=other' serve.err
await 'counted' counted "$failed" 1
await 'and on record' violations 1
same 'with the trail and what was found' "$(jq -r '[.severity,.resource_type,.resource_id,.details.verdict,.actor_type] | join(" ")' found | head -n 1)" \
    'critical trail other tampered system'
same 'and the file' "$(jq -r .details.file found | head -n 1)" "${file#data/}"
await 'it is found again' violations 2
before=$(curl -sS "$url/metrics" | sed -n "s/^$intact //p")
await 'other trails are intact' counted "$intact" $((before + 2))
fetch 200 'the server goes on' /api/trails
send 201 'also with the trail' '/api/events?trail=other' '{"action":"a.b"}'
flip "$file" $(($(stat -c %s "$file") / 2))
stop
same 'an end as it should be' "$?" 0
expect 0 'the bit as it was, all is intact' "$TALLY" verify data

finish
