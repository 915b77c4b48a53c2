#!/bin/bash
# What stands in the trail `tally`: what the server does, and what it lets others do.
. "$(dirname "$0")/lib.sh"

# diary FILTER...: the entries of the trail `tally` that match, oldest first, a line each.
diary() {
    "$TALLY" query data --trail tally --order time --limit 1000 --format ndjson -- "$@" 2> /dev/null
}

# noted TEXT COUNT FILTER...: within five seconds there are so many such entries; they are in $found.
noted() {
    local text=$1 count=$2 tries=0
    shift 2
    until found=$(diary "$@") && [ "$(grep -c . <<< "$found")" -ge "$count" ] || [ $((tries += 1)) -gt 100 ]; do
        sleep 0.05
    done
    same "$text" "$(grep -c . <<< "$found")" "$count"
}

# has TEXT JQ-CONDITION: holds for all that noted() found.
has() {
    if [ -n "$found" ] && jq -es "all($2)" <<< "$found" > /dev/null; then
        pass "$1"
    else
        fail "$1"
        echo "#   not all of them: $2"
        head -3 <<< "$found" | sed 's/^/#   /'
    fi
}

make_served data
admin=$key
writer=$("$TALLY" key data add --name portal --role writer | sed -n 's/^key: //p')
auditor=$("$TALLY" key data add --name ann --role auditor | sed -n 's/^key: //p')
"$TALLY" trail data create other > /dev/null

export BROKEN_DISK=$scratch/disk ASAN_OPTIONS=verify_asan_link_order=0
broken_serve() {
    LD_PRELOAD=$BROKEN_DISK_LIBRARY serve "$@"
}
broken_serve data --listen 127.0.0.1:0

# The server itself.
noted 'the start' 1 action:server.start
has 'is the system'"'"'s' '.actor_type == "system" and .status == "success" and .service == "tally" and .writer == "tally"'
has 'with version and address' ".details.version != null and .details.url == \"$url\""

# Keys.
send 201 'an event' /api/events '{"action":"a.b","id":"e-1"}'
noted 'a key from a new address' 1 action:key.new_address
has 'which key, whose, from where' '.ip_address == "127.0.0.1" and .resource_id == "key:1" and .user_id == "admin" and .session_id == "key:1"'
fetch 200 'the same again' /api/trails
curl -sS -o /dev/null --interface 127.0.0.2 -H "Authorization: Bearer $admin" "$url/api/trails"
curl -sS -o /dev/null --interface 127.0.0.2 -H "Authorization: Bearer $admin" "$url/api/trails"
noted 'another address is another entry, once' 2 action:key.new_address
has 'of this key' '.resource_id == "key:1"'
key=tally_0123456789012345678901234567890123456789012
fetch 401 'a wrong key' /api/events user_id=secret-user
noted 'is noted' 1 event_type:access_denied details.reason:'"no such key"'
has 'with address, request and route' '.ip_address == "127.0.0.1" and .request_id != null and .details.route == "listEvents" and .status == "failure"'
has 'but nobody is said to have been it' '.user_id == null and .actor_type != "system"'
same 'the request is the one that was answered' "$(jq -r .request_id <<< "$found")" "$(jq -r .request_id out)"
key=$writer
fetch 403 'a wrong role' /api/events
noted 'is noted' 1 event_type:access_denied details.reason:role
has 'with who it was' '.user_id == "portal" and .session_id == "key:2" and .details.route == "listEvents"'
send 409 'a conflict' /api/events '{"action":"x.y","id":"e-1"}'
noted 'is noted' 1 action:event.conflict
has 'with what it met' '.status == "failure" and .user_id == "portal" and .details.trail == "main" and .details.index == 1'
same 'keys are not written down' "$(grep -rlF -e "$key" -e "${key#tally_}" -e 0123456789012345678901234567890123456789012 data | wc -l)" 0

# Changes to keys: whose, which, and never the key.
key=$admin
send 201 'a key made over HTTP' /api/keys '{"name":"new","role":"writer","trails":["main"]}'
made=$(jq -r .key out) id=$(jq -r .id out)
noted 'is noted' 1 event_type:api_key_create resource_id:"key:$id"
has 'with who made it and what it is for' '.user_id == "admin" and .resource_type == "key" and .ip_address == "127.0.0.1" and .details.role == "writer"'
send 201 'rotated' "/api/keys/$id/rotate" '{}'
made="$made $(jq -r .key out)"
noted 'that, too' 1 action:api_key.rotate resource_id:"key:$id"
code=$(curl -sS -o out -w '%{http_code}' -X DELETE -H "Authorization: Bearer $key" "$url/api/keys/$id")
same 'revoked' "$code" 204
noted 'and that' 1 event_type:api_key_revoke resource_id:"key:$id"
for text in $made; do
    grep -rqF "${text#tally_}" data serve.err && fail 'keys are not written down' || pass 'keys are not written down'
done

# Reading: once in ten minutes for who reads what where.
key=$auditor
reads() {
    noted "$1" "$2" event_type:audit_read details.route:/api/events
}
fetch 200 'a list' /api/events q=action:a.b
reads 'is noted before it is answered' 1
has 'with who, which trail, which filter' '.user_id == "ann" and .resource_type == "trail" and .resource_id == "main" and (.details.filter | test("a.b")) and .ip_address == "127.0.0.1"'
fetch 200 'the same again' /api/events q=action:a.b
fetch 200 'another page of it' /api/events q=action:a.b limit=1
fetch 200 'another filter' /api/events q=action:x.y
reads 'is another reading' 2
fetch 200 'another trail' /api/events q=action:a.b trail=other
reads 'too' 3
key=$admin
fetch 200 'somebody else' /api/events q=action:a.b
reads 'too' 4
fetch 200 'an entry' /api/events/1
noted 'is one that is read' 1 event_type:audit_read 'details.route:"/api/events/*"'

# Exports: before and after.
key=$auditor
fetch 200 'an export' /api/export format=ndjson
noted 'begins and ends' 2 event_type:audit_export
same 'the end has the rows' "$(jq -c .details.rows <<< "$found" | paste -sd' ')" "null $(grep -c . out)"
has 'and it is whose it is' '.user_id == "ann" and .resource_id == "main" and .status == "success"'

# What is cut is not said to have been sent.
key=$writer
seq -f '{"action":"many.events","message":"some text that takes room %.0f"}' 60000 > many
send 201 'many events' /api/events @many application/x-ndjson
curl -sS -H "Authorization: Bearer $auditor" "$url/api/export?format=evidence" 2> /dev/null | head -c 100 > part
noted 'an export that its client leaves' 1 event_type:audit_export status:error
has 'ends with fewer rows' '.details.rows < 60000'

# Reloads.
kill -HUP "$server"
noted 'settings read anew' 1 event_type:config_change status:success
has 'are the system'"'"'s doing' '.actor_type == "system"'
echo 'nonsense = 1' >> data/tally.conf
kill -HUP "$server"
tries=0
until grep -q 'reload refused' serve.err || [ $((tries += 1)) -gt 50 ]; do sleep 0.1; done
sed -i '$d' data/tally.conf # or no command would read the folder
noted 'bad settings' 1 event_type:config_change status:failure
has 'are told of with what is wrong' '.message | test("nonsense|section")'
grep -Eq 'reload refused.*line=' serve.err && pass 'and the log says where' || fail 'and the log says where'
key=$auditor
fetch 200 'the server goes on' /api/trails

# What cannot be put on record is not shown.
echo -n 'sync /trails/tally/' > disk
fetch 503 'a list that cannot be noted' /api/events q=action:n.1
fetch 503 'an export' /api/export q=action:n.2
fetch 503 'an entry' /api/events/2
fetch 503 'a proof' /api/events/2/proof
fetch 503 'statistics' /api/stats q=action:n.3
fetch 503 'rows' /audit-logs action=n.4
key=$admin
before=$("$TALLY" key data list --format ndjson | grep -c .)
send 503 'nor is a key made' /api/keys '{"name":"unseen","role":"auditor"}'
same 'none that is good' "$("$TALLY" key data list --format ndjson | grep -c .)" "$before"
same 'nothing of an entry in it' "$(grep -c some.text out)" 0
key=$writer
send 201 'events are taken all the same' /api/events '{"action":"a.c"}'
fetch 403 'a refusal' /api/events
: > disk
sleep 0.3
key=$auditor
fetch 503 'the disk is well, but in doubt' /api/events q=action:n.5
kill -HUP "$server"
tries=0
until ask /api/events q=action:n.6 && [ "$code" = 200 ] || [ $((tries += 1)) -gt 50 ]; do sleep 0.1; done
same 'opened anew, reading goes on' "$code" 200
noted 'what was lost meanwhile is counted' 1 action:audit.gap
has 'and how much' '.details.dropped >= 1 and .status == "error"'

# A crash.
export TALLY_STORAGE_CHECKPOINT_INTERVAL_MS=60000
stop
noted 'the end' 1 action:server.stop
serve data
key=$writer
before=$(diary action:trail.recover | grep -c .)
send 201 'an event that nothing has signed' /api/events '{"action":"a.d","id":"last"}'
kill -KILL "$server"
wait "$server" 2> /dev/null
server=
unset TALLY_STORAGE_CHECKPOINT_INTERVAL_MS
serve data
noted 'the recovery of both trails' $((before + 2)) action:trail.recover
found=$(tail -n 2 <<< "$found")
same 'main and tally' "$(jq -r .details.trail <<< "$found" | sort | paste -sd' ')" 'main tally'
has 'with what was found' '.details.unsigned >= 1 and .details.cut_bytes == 0'
expect 0 'what was acknowledged is there' "$TALLY" query data id:last --format ndjson
says 'all of it' '"a.d"'
stop
same 'a good end' "$?" 0
expect 0 'all is intact' "$TALLY" verify data

finish
