#!/bin/bash
# A unix socket beside the address, or alone: who may, what is said of whom, and what becomes of its file.
. "$(dirname "$0")/lib.sh"

# await COMMAND...: within a minute it succeeds.
await() {
    local tries=0
    until "$@" > /dev/null 2>&1; do
        [ $((tries += 1)) -le 1200 ] || return 1
        sleep 0.05
    done
}

# over CODE TEXT PATH [OPTION...]: a request over the socket; what came is in `out`.
over() {
    local wanted=$1 text=$2 path=$3
    shift 3
    same "$text" "$(curl -sS --unix-socket "$socket" -o out -D headers -w '%{http_code}' \
        ${key:+-H "Authorization: Bearer $key"} "$@" "http://localhost$path" 2> err)" "$wanted"
}

make_served data
socket=$scratch/it.sock
me=unix:$(id -u)

# ---- beside the address ----

umask 0
serve data --socket "$socket"
umask 022
await grep -q '^listening on unix:' serve.out
same 'both are said, a line each' "$(sed "s#$url#URL#" serve.out)" "listening on URL
listening on unix:$socket"
same 'the group may connect, and nobody else' "$(stat -c %A "$socket")" srw-rw----
over 200 'it answers' /api/trails
fetch 200 'and so does the address' /api/trails
over 200 'whether it is alive' /livez
over 200 'whether it takes work' /readyz
over 200 'whatever the Host' /api/trails -H 'Host: audit.example'
admin=$key
key= over 401 'not without a key' /api/trails
key=tally_0123456789012345678901234567890123456789012 over 401 'nor with a wrong one' /api/trails
key= over 200 'measurements take no key, as on loopback' /metrics
key= over 401 'but through a proxy they do' /metrics -H 'X-Forwarded-For: 192.0.2.1'

over 201 'an event' /api/events -H 'Content-Type: application/json' -d '{"action":"a.b","id":"e-1"}'
head -c 1000000 /dev/zero | tr '\0' x | jq -cR '{action: "long.one", id: "e-2", details: {text: .}}' > long.json
over 201 'a body of 1 MB' /api/events -H 'Content-Type: application/json' --data-binary @long.json
over 200 'comes back whole' '/api/events?q=action:long.one'
same 'byte for byte' "$(jq -r '.data[0].details.text | length' out)" 1000000
head -c 17000000 /dev/zero > zeros
over 413 'what is too large is refused' /api/events -H 'Content-Type: application/json' \
    --data-binary @zeros -H Expect:
jq -e '.status == 413' out > /dev/null && pass 'and says so' || fail 'and says so'

# Who it was.
found() {
    "$TALLY" query data --trail tally --format ndjson -- "$@" 2> /dev/null
}
await eval 'found action:key.new_address | grep -q unix:'
same 'the trail tally has the user in place of the address' \
    "$(found action:key.new_address ip_address:unix:* | jq -r .ip_address | sort -u)" "$me"
same 'a refusal, too' "$(found event_type:access_denied ip_address:unix:* | jq -r .ip_address | sort -u)" "$me"
same 'and its start has the settings' \
    "$(found action:server.start | jq -r '.details.settings["server.socket"].after')" "$socket"
await eval '"$TALLY" key data list | grep -q "$me"'
"$TALLY" key data list | grep -q "$me" && pass 'where a key was used last' || fail 'where a key was used last'

# ---- the command line ----

export TALLY_KEY=$admin
expect 0 'recording over the socket' "$TALLY" record "unix:$socket" --action c.d --user-id ann
expect 0 'asking' "$TALLY" query "unix:$socket" user_id:ann --format ndjson
says 'it is found' '"action":"c.d"'
expect 0 'verifying' "$TALLY" verify "unix:$socket"
"$TALLY" export "$url" > by-address
"$TALLY" export "unix:$socket" > by-socket
cmp -s by-address by-socket && pass 'an export is the same either way' || fail 'an export is the same either way'
expect 3 'a socket that is not there' "$TALLY" query "unix:$scratch/no.sock"
complains 'is said to be so' 'unix:.*no.sock: No such file'
expect 2 'no path' "$TALLY" query unix:
expect 2 'a path that no socket can have' "$TALLY" query "unix:/$(printf '%0200d' 1)"
complains 'its size is said' '1 to 107 bytes'
expect 2 'what needs the folder' "$TALLY" trail "unix:$socket" rebuild
complains 'says so' 'data folder itself'

# ---- a living one, a dead one, and others ----

"$TALLY" init other > /dev/null
expect 3 'a living one is left' timeout 20 "$TALLY" serve --data other --listen none --socket "$socket"
complains 'and the cure is said' "$socket is another program's" 'name another path'
over 200 'its server goes on' /livez

kill -KILL "$server"
{ wait "$server"; } 2> /dev/null
server=
[ -S "$socket" ] && pass 'a server that is killed leaves its file' || fail 'a server that is killed leaves its file'
expect 3 'where nobody listens' "$TALLY" query "unix:$socket"
complains 'is said to be so' 'refused'

serve data --listen none --socket "$socket"
same 'it is replaced; none: there is no address' "$(cat serve.out)" "listening on unix:$socket"
over 200 'it answers' /api/trails
stop && pass 'it ends well' || fail 'it ends well'
[ -e "$socket" ] && fail 'and takes the file along' || pass 'and takes the file along'

TALLY_SERVER_SOCKET_MODE=0600 serve data --listen none --socket "$socket"
same 'for its user alone' "$(stat -c %a "$socket")" 600
mv "$socket" elsewhere.sock
"$TALLY" serve --data other --listen none --socket "$socket" > other.out 2> other.err &
other=$!
await grep -q listening other.out
stop
[ -S "$socket" ] && pass 'a file that is another server'"'"'s by now is left' ||
    fail 'a file that is another server'"'"'s by now is left'
kill -TERM "$other"
wait "$other"
[ -e "$socket" ] && fail 'until that one ends' || pass 'until that one ends'
rm -f elsewhere.sock

echo text > file.sock
expect 2 'where a file is' timeout 20 "$TALLY" serve --data data --listen none --socket file.sock
complains 'it is said' 'file.sock is there and is no socket'
same 'and left' "$(cat file.sock)" text
expect 2 'a path that is too long' timeout 20 "$TALLY" serve --data data --socket "/tmp/$(printf '%0200d' 1)"
complains 'how long it may be is said' '107 bytes'
expect 3 'a folder that is not there' timeout 20 "$TALLY" serve --data data --listen none --socket no/it.sock
complains 'it is named' 'no/it.sock'
expect 2 'neither an address nor a socket' timeout 20 "$TALLY" serve --data data --listen none
complains 'what to set is said' '--listen, --socket'
TALLY_SERVER_LISTEN=none expect 2 'which a check says, too' "$TALLY" serve --data data --check

# ---- as a setting ----

printf '[server]\nlisten = none\nsocket = it.sock\nidle_timeout_s = 1\n' > data/tally.conf
: > serve.out # what the one before wrote is not to be taken for this one's
"$TALLY" serve --data data > serve.out 2> serve.err &
server=$!
socket=data/it.sock
await grep -q listening serve.out
same 'a relative path counts from the folder' "$(cat serve.out)" "listening on unix:data/it.sock"
over 200 'it answers' /api/trails

# A client that asks for much and takes nothing holds nobody up for ever.
python3 - "$socket" "$admin" << 'END' && pass 'who takes nothing is cut off' || fail 'who takes nothing is cut off'
import select, socket, sys, time

line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
ask = f"GET /api/export?format=ndjson HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sys.argv[2]}\r\n\r\n"
line.sendall(ask.encode())
poll = select.poll()
poll.register(line, 0)
until = time.monotonic() + 60
while time.monotonic() < until:
    if poll.poll(100):
        sys.exit(0)  # hung up, though nothing was read
sys.exit(1)
END
stop && pass 'it ends well' || fail 'it ends well'

# ---- beside TLS ----

if command -v openssl > /dev/null; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=it \
        -addext 'subjectAltName=IP:127.0.0.1' -keyout tls.key -out tls.pem 2> /dev/null
    rm data/tally.conf
    socket=$scratch/it.sock
    TALLY_SERVER_TLS_CERTIFICATE=$scratch/tls.pem TALLY_SERVER_TLS_KEY=$scratch/tls.key \
        serve data --socket "$socket"
    over 200 'beside TLS the socket is plain' /api/trails
    grep -qi '^strict-transport-security' headers && fail 'and asks for no TLS' || pass 'and asks for no TLS'
    same 'the address is not' "$(curl -sS --cacert tls.pem -o out -w '%{http_code}' \
        -H "Authorization: Bearer $key" "$url/api/trails" 2> err)" 200
    stop && pass 'both end well' || fail 'both end well'
else
    skip 'beside TLS' 'openssl is needed'
fi

finish
