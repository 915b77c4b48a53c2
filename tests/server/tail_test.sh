#!/bin/bash
# Following a trail: server-sent events, and `tally tail` on a folder and on a server.
. "$(dirname "$0")/lib.sh"
make_served data
dir=data
"$TALLY" bench --emit 40 | "$TALLY" record data > /dev/null
cat >> data/tally.conf << 'END'
[server]
tails = 3
END

# follow NAME PATH [HEADER...]: a client in the background, its answer in the file NAME.
follow() {
    local name=$1 path=$2 headers=()
    shift 2
    for header in "$@"; do
        headers+=(-H "$header")
    done
    curl -sSN -H "Authorization: Bearer $key" "${headers[@]}" "$url$path" > "$name" 2> "$name.err" &
    eval "$name=$!"
}

# until_there NAME PATTERN: waits until the file has a line like it.
until_there() {
    local tries=0
    until grep -Eq -- "$2" "$1" 2> /dev/null; do
        if [ $((tries += 1)) -gt 200 ]; then
            fail "$1 has $2"
            sed 's/^/#   /' "$1" | tail -5
            return 1
        fi
        sleep 0.05
    done
    pass "$1 has $2"
}
indexes() {
    sed -n 's/^data: {"index":\([0-9]*\),.*/\1/p' "$1" | paste -sd' '
}

serve data
follow all '/api/tail?last=2'
follow some '/api/tail?q=action:tail.run'
until_there all '^data: \{"index":40,'
until_there some '^id: 40$'
send 201 'an entry' /api/events '{"action":"tail.run","message":"two\nlines"}'
send 201 'another' /api/events '{"action":"other.run"}'
until_there all '^data: \{"index":42,'
until_there some '^data: \{"index":41,'
same 'the last two, then what comes' "$(indexes all)" '39 40 41 42'
same 'only what matches' "$(indexes some)" '41'
same 'the data is the entry' "$(sed -n 's/^data: //p' some | jq -c '[.action, .message]')" '["tail.run","two\nlines"]'

# Where it goes on.
follow third '/api/tail?after=3' 'Last-Event-ID: 40'
until_there third '^data: \{"index":42,'
same 'Last-Event-ID counts before after' "$(indexes third)" '41 42'
fetch 429 'more than may follow' /api/tail
kill "$third" "$some"
wait "$third" "$some" 2> /dev/null
tries=0
until ask /metrics && grep -q '^tally_tails 1$' out; do
    [ $((tries += 1)) -gt 100 ] && break
    sleep 0.1
done
same 'who left follows no more' "$(grep '^tally_tails ' out)" 'tally_tails 1'

# Refusals.
code=$(curl -sS -o out -w '%{http_code}' -H "Authorization: Bearer $key" -H 'Last-Event-ID: x' "$url/api/tail")
same 'an id that is none' "$code" 400
code=$(curl -sS -o out -w '%{http_code}' -H "Authorization: Bearer $key" -H 'Last-Event-ID: 43' "$url/api/tail")
same 'an id that the trail does not have yet' "$code $(picked .detail | grep -c 'entry 43 .* 43 entries so far')" '400 1'
fetch 400 'an entry that it does not have' /api/tail after=43
fetch 400 'a filter that is none' /api/tail q=usr:x
fetch 400 'a parameter that is none' /api/tail since=3
fetch 404 'a trail that is not there' /api/tail trail=nowhere
code=$(curl -sS -o out -w '%{http_code} %{content_type}' -I -H "Authorization: Bearer $key" "$url/api/tail")
same 'HEAD has no body and no end' "$code" '200 text/event-stream; charset=utf-8'
fetch 200 'the reading' /api/events trail=tally order=-index q=event_type:audit_read limit=1
same 'is on record' "$(picked '.data[0].details.route')" '"/api/tail"'

# A key that is revoked.
admin=$key
as auditor
id=$("$TALLY" key data list --format json | jq -r '[.data[] | select(.role == "auditor")][0].id')
follow revoked '/api/tail?last=1'
until_there revoked '^data: '
"$TALLY" key data revoke "$id" > /dev/null
until_there revoked '^event: end$'
wait "$revoked"
same 'its stream ends well' "$?" 0
key=$admin

# The command line, across a restart of the server.
TALLY_KEY=$key "$TALLY" tail "$url" --follow --lines 1 --format ndjson 'action:tail.run' > cli.out 2> cli.err &
cli=$!
until_there cli.out '"index":41,'
port=${url##*:}
stop
same 'a server that is followed stops' "$?" 0
until_there all '^event: end$'
"$TALLY" record data --action tail.run --message 'while it was away' > /dev/null
serve data --listen "127.0.0.1:$port"
until_there cli.out 'while it was away'
send 201 'an entry' /api/events '{"action":"tail.run","message":"when it was back"}'
until_there cli.out 'when it was back'
same 'each once' "$(jq -c .index cli.out | paste -sd' ')" '41 43 44'
{ kill -KILL "$server" && wait "$server"; } 2> /dev/null
until_there cli.err 'the connection broke'
"$TALLY" record data --action tail.run --message 'while it was dead' > /dev/null
serve data --listen "127.0.0.1:$port"
until_there cli.out 'while it was dead'
same 'a server that was killed is said once' "$(grep -c 'connection broke' cli.err)" 1
kill "$cli"
wait "$cli" 2> /dev/null
expect 0 'the last ones of a server' env TALLY_KEY="$key" "$TALLY" tail "$url" -n 2 --format json
cp out remote.json
stop
expect 0 'and of the folder' "$TALLY" tail data -n 2 --format json
same 'are the same' "$(jq -c .data out)" "$(jq -c .data remote.json)"
expect 2 'a document that never ends' "$TALLY" tail data -f --format json
expect 2 'nothing at all' "$TALLY" tail data -n 0
expect 3 'a server that is not there' env TALLY_KEY="$key" "$TALLY" tail "$url" -f

# A folder, followed while others write to it.
"$TALLY" tail data -f -n 1 --format csv > folder.out 2> folder.err &
cli=$!
until_there folder.out 'while it was dead'
"$TALLY" record data --action tail.run --message 'from another process' > /dev/null
until_there folder.out 'from another process'
kill "$cli"
wait "$cli" 2> /dev/null

# A client that takes nothing is told, behind what it was sent, and the stream ends. It takes more than
# the system keeps for it.
sed -i '/^tails/a send_timeout_s = 8' data/tally.conf
serve data
head -c 100000 /dev/zero | tr '\0' x > long
for _ in {1..150}; do
    printf '{"action":"tail.run","details":{"a":"'
    cat long
    echo '"}}'
done > body
exec 3<> "/dev/tcp/127.0.0.1/${url##*:}"
printf 'GET /api/tail?after=0 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n' "$key" >&3
code=$(curl -sS -o out -w '%{http_code}' -H "Authorization: Bearer $key" -H 'Content-Type: application/x-ndjson' \
    --data-binary @body "$url/api/events")
same 'much comes' "$code" 201
sleep 6
timeout 20 cat <&3 > slow.out &
until_there slow.out '^event: lagging'
wait $!
exec 3>&-
same 'the stream ends with that' "$(tail -c 200 slow.out | tr -d '\r' | grep -c '^data: {"detail":"more comes')" 1
if [ "$(indexes slow.out | wc -w)" -lt 190 ]; then
    pass 'before all was sent'
else
    skip 'before all was sent' 'the system kept all of it'
fi
stop

# Whoever is cut off again and again, while entries come and are sealed, sees each once: what counts is an event
# that came whole, up to its blank line.
export TALLY_STORAGE_HEAD_ENTRIES=60
serve data
for i in {1..40}; do
    printf '{"action":"law.run","message":"%s"}\n' $(seq $((RANDOM % 50 + 1))) > body
    curl -sS -o sent -H "Authorization: Bearer $key" -H 'Content-Type: application/x-ndjson' --data-binary @body "$url/api/events"
    sleep 0.05
done &
writer=$!
last=0 cuts=0 behind=
: > seen
until [ -n "$behind" ] && [ "$last" = "$behind" ] || [ $((cuts += 1)) -gt 400 ]; do
    curl -sSN -m "$(printf '0.%02d' $((RANDOM % 20 + 2)))" -H "Authorization: Bearer $key" -H "Last-Event-ID: $last" \
        "$url/api/tail?q=action:law.run" > piece 2> piece.err
    last=$(awk -v last="$last" '/^id: / { id = $2 } /^data: / { data = 1 }
        /^$/ { if (data) print id >> "seen"; if (id != "") last = id; data = 0 } END { print last }' piece)
    kill -0 "$writer" 2> /dev/null && continue
    ask /trails/main/checkpoint
    behind=$(($(sed -n 2p out) - 1))
done
wait "$writer"
"$TALLY" query "$url" --key "$key" --limit 1000 --order index --format ndjson 'action:law.run' > law.1
sed -n 's/^{"index":\([0-9]*\),.*/\1/p' law.1 > wanted
if [ "$(wc -l < wanted)" = 1000 ]; then
    "$TALLY" query "$url" --key "$key" --limit 1000 --order index --format ndjson "action:law.run index:>$(tail -n 1 wanted)" |
        sed -n 's/^{"index":\([0-9]*\),.*/\1/p' >> wanted
fi
same 'each once, in order, across all cuts' "$(cmp seen wanted && wc -l < seen)" "$(wc -l < wanted)"
echo "# $(wc -l < seen) entries, $cuts connections"
stop
finish
