#!/bin/bash
# health_test.sh - /livez, /readyz, /metrics, /api/doctor, /openapi.json and /docs.
. "$(dirname "$0")/lib.sh"
make_served data
"$TALLY" key data add --name reader --role auditor > reader.key
"$TALLY" key data add --name app --role writer > writer.key
auditor=$(grep -o 'tally_[A-Za-z0-9_-]*' reader.key)
writer=$(grep -o 'tally_[A-Za-z0-9_-]*' writer.key)
admin=$key
export BROKEN_DISK=$scratch/disk ASAN_OPTIONS=verify_asan_link_order=0
LD_PRELOAD=$BROKEN_DISK_LIBRARY serve data

key=
fetch 200 'it lives' /livez
same 'in a word' "$(cat out)" '{"status":"ok"}'
fetch 200 'it is ready' /readyz
same 'in a word' "$(cat out)" '{"status":"ready"}'
fetch 400 'they take nothing' /livez verbose=1
fetch 200 'the description' /openapi.json
same 'of this interface' "$(picked '[.openapi, .info.title, (.paths["/api/events"] | keys)]')" \
    '["3.1.0","Tallystick",["get","post"]]'
fetch 303 'who asks for nothing' /
head_is 'is led to the page' Location docs
says 'in words, too' '/docs'
fetch 200 'the page' /docs
head_is 'is HTML' Content-Type 'text/html; charset=utf-8'
same 'and no address, which might be another server' "$(grep -Ec '127\.0\.0\.1|localhost|:[0-9]{4}/' out)" 0
says 'with its routes' '<article id="recordEvents">' '<article id="showDocs">'
same 'and a policy that lets in nothing but its style' "$(sed -nE 's/^Content-Security-Policy: //Ip' headers | grep -c "^default-src 'none'; style-src 'sha256-[^']*'; ")" 1

# ---- metrics ----
value() {
    sed -n "s/^$1 //p" out
}
key=$writer
send 201 'three events' /api/events '[{"action":"a"},{"action":"b"},{"action":"c","id":"x"}]'
send 200 'one of them again' /api/events '{"action":"c","id":"x"}'
send 400 'one that is none' /api/events '{"status":7}'
fetch 403 'a writer does not see metrics' /metrics
key=$auditor
fetch 200 'an auditor does' /metrics
key=
fetch 200 'and whoever is on the machine' /metrics
head_is 'in the format that Prometheus asks for' Content-Type 'text/plain; version=0.0.4; charset=utf-8'
same 'recorded' "$(value tally_entries_recorded_total)" 3
same 'repeated' "$(value tally_events_repeated_total)" 1
same 'refused' "$(value tally_events_refused_total)" 1
same 'commits timed' "$(value tally_commit_seconds_count)" 2
same 'the size of a trail' "$(value 'tally_trail_entries{trail="main"}')" 4
same 'its poison' "$(value 'tally_trail_poisoned{trail="main"}')" 0
same 'the version' "$(grep -c '^tally_build_info{version="[0-9.]*"} 1$' out)" 1
same 'memory' "$([ "$(value process_resident_memory_bytes | cut -d. -f1)" -gt 1000000 ] && echo plausible)" plausible
same 'each name has one TYPE' "$(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' out | sort | uniq -d)" ''
same 'and each sample one' "$(sed -nE 's/^([a-z_]+)(\{.*\})? .*/\1/p' out | sed -E 's/_(bucket|sum|count)$//' | sort -u)" \
    "$(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' out | sed -E 's/_(bucket|sum|count)$//' | sort -u)"

for name in $(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' out); do
    grep -q "^| \`$name\` |" "$source_root/docs/operations.md" || echo "$name"
done > undescribed
same 'all are described in docs/operations.md' "$(cat undescribed)" ''

for proxy in 'X-Forwarded-For: 192.0.2.1' 'Forwarded: for=192.0.2.1' 'Via: 1.1 proxy'; do
    same "but not through a proxy (${proxy%%:*})" \
        "$(curl -sS -o proxied -w '%{http_code}' -H "$proxy" "$url/metrics")" 401
done

# Whoever may use one trail learns the name of no other.
as auditor --trails tally
fetch 200 'an auditor of one trail sees metrics' /metrics
same 'of that trail' "$(sed -nE 's/^tally_trail_entries\{(.*)\} .*/\1/p' out)" 'trail="tally"'

# ---- doctor ----
key=$auditor
fetch 403 'an auditor is no doctor' /api/doctor
key=$admin
fetch 200 'an admin is' /api/doctor
same 'in grades' "$(picked '[.data[].grade] - ["note", "warning", "fault"]')" '[]'
chmod 0644 data/tally.db
printf '[server]\nlissen = x\n' > data/tally.conf
chmod 0600 data/tally.conf
"$TALLY" record "$url" --key "$writer" --action a.b --group-id ann@example.org > /dev/null
fetch 200 'again' /api/doctor
found() {
    picked ".data[] | select(.where == \"$1\") | .finding + \"; \" + .cure"
}
same 'rights' "$(found tally.db)" '"others may use it (mode 0644); chmod go= it"'
same 'settings' "$(found 'tally.conf, line 2' | grep -c lissen)" 1
same 'persons in a public field' "$(found main | grep -c group_id)" 1
same 'no trail is opened a second time' "$(grep -c 'another process' out)" 0
same 'nothing of its own is left' "$(ls data | grep -c doctor)" 0

# ---- a disk that is slow, and one that breaks ----
printf 'slow /data/' > disk
fetch 200 'on a slow disk' /api/doctor
same 'it is said to be so' "$(found disk | grep -c 'a sync takes [0-9]* ms')" 1
rm disk
fetch 200 'else' /api/doctor
same 'not' "$(found disk)" ''
printf 'sync /trails/main/' > disk
key=$writer
send 503 'a write that is in doubt' /api/events '{"action":"a"}'
rm disk
fetch 503 'then it is not ready' /readyz
same 'and says no more than that' "$(cat out)" '{"status":"not ready","reasons":["poisoned"]}'
head_is 'nor when, but that it may be' Retry-After 1
fetch 200 'it lives all the same' /livez
key=$admin
fetch 200 'the doctor' /api/doctor
same 'knows why' "$(picked '.data[] | select(.where == "main" and .grade == "fault") | .cure')" '"mend the cause and open it again"'
fetch 200 'and metrics' /metrics
same 'show it' "$(value 'tally_trail_poisoned{trail="main"}')" 1

# ---- ending ----
stop
: > data/tally.conf
TALLY_SERVER_DRAIN_S=3 serve data
key=$writer
send 201 'a trail that was poisoned is opened anew by a new start' /api/events '{"action":"a"}'
kill -TERM "$server"
for _ in $(seq 40); do
    ask /readyz
    [ "$code" = 503 ] && break
    sleep 0.05
done
same 'told to end, it is not ready' "$(cat out)" '{"status":"not ready","reasons":["draining"]}'
send 201 'and still takes what comes' /api/events '{"action":"came.late"}'
same 'on connections that end' "$(tr -d '\r' < headers | grep -ci '^connection: close')" 1
wait "$server"
same 'until it ends' "$?" 0
server=
expect 0 'all of it is there' "$TALLY" query data action:came.late --format ndjson
same 'the last one, too' "$(grep -c came.late out)" 1

finish
