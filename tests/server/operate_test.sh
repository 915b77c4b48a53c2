#!/bin/bash
# Starting, exposing, reloading and ending a server, as an operator meets it.
. "$(dirname "$0")/lib.sh"
command -v openssl > /dev/null && command -v pgrep > /dev/null || skip_all 'openssl and pgrep are needed'

# await FILE REGEX: within ten seconds a line of the file matches.
await() {
    local tries=0
    until grep -Eq -- "$2" "$1" 2> /dev/null; do
        [ $((tries += 1)) -le 200 ] || return 1
        sleep 0.05
    done
}

# ends STATUS TEXT COMMAND...: it ends by itself, soon.
ends() {
    local wanted=$1 text=$2
    shift 2
    expect "$wanted" "$text" timeout 10 "$@"
}

# ---- a fresh folder ----

serve new
same 'a fresh folder: standard output is one line' "$(cat serve.out)" "listening on $url"
same 'its key is in a file' "$(stat -c %a new/first-run)" 600
key=$(sed -n 's/^admin key: //p' new/first-run)
grep -Eq '^vkey: ' new/first-run && pass 'with the vkey' || fail 'with the vkey'
same 'that it was made is said' "$(sed -n 1p serve.err)" "tally: there was no data folder $PWD/new: a new one was made"
grep -Eq 'new/first-run' serve.err && pass 'which standard error names' || fail 'which standard error names'
grep -qF "$key" serve.err && fail 'and the key it does not' || pass 'and the key it does not'
fetch 200 'the key is good' /api/trails
same 'folders are for their owner alone' "$(stat -c %a new new/keys new/trails | sort -u)" 700
stop
same 'an end as it should be' "$?" 0
before=$(cat new/first-run)
serve new
fetch 200 'started again, the key is the same' /api/trails
same 'and no other is made' "$(cat new/first-run)" "$before"
grep -q 'was made' serve.err && fail 'nor said to be' || pass 'nor said to be'
kill -INT "$server"
wait "$server"
same 'an interrupt ends it, too' "$?" 0
server=

ends 3 'a folder within none' "$TALLY" serve --data typo/new --listen 127.0.0.1:0
complains 'is not made' 'cannot make the folder typo/new: No such file or directory'
same 'nor what it would lie in' "$(ls -d typo 2> /dev/null)" ''

# What cannot be is refused before there is a folder.
ends 2 'no address' "$TALLY" serve --data untouched --listen here
ends 2 'keys in the clear' "$TALLY" serve --data untouched --listen 0.0.0.0:0
ends 2 'nowhere at all' "$TALLY" serve --data untouched --listen none
ends 3 'a socket that cannot be made' "$TALLY" serve --data untouched --listen 127.0.0.1:0 --socket nowhere/socket
ends 3 'a certificate that is not there' env TALLY_SERVER_TLS_CERTIFICATE=/nowhere TALLY_SERVER_TLS_KEY=/nowhere \
    "$TALLY" serve --data untouched --listen 127.0.0.1:0
ends 2 'a setting that is none' env TALLY_SERVER_THREADS=many "$TALLY" serve --data untouched --listen 127.0.0.1:0
same 'and none is made' "$(ls -d untouched 2> /dev/null)" ''

mkdir occupied
touch occupied/something
ends 3 'a folder of something else' "$TALLY" serve --data occupied --listen 127.0.0.1:0
complains 'is not touched' 'no data folder'
same 'not at all' "$(ls occupied)" something

if script -qec true /dev/null > /dev/null 2>&1; then
    script -qfc "exec '$TALLY' serve --data tty --listen 127.0.0.1:0" typed > /dev/null 2>&1 < /dev/null &
    terminal=$!
    await typed 'listening on' && pass 'at a terminal it starts, too' || fail 'at a terminal it starts, too'
    key=$(tr -d '\r' < typed | sed -n 's/^admin key: //p')
    url=$(tr -d '\r' < typed | sed -n 's/^listening on //p')
    fetch 200 'and shows the key there' /api/trails
    [ -e tty/first-run ] && fail 'and in no file' || pass 'and in no file'
    kill -TERM "$(pgrep -P "$terminal")"
    wait "$terminal"
else
    skip 'at a terminal it starts, too' 'no terminal to be had'
fi

# ---- what it cannot start with ----

make_served data
serve data
ends 3 'a port that is taken' "$TALLY" serve --data new --listen "${url#http://}"
complains 'is named, in a sentence' 'port [0-9]+ of 127.0.0.1 is taken'
ends 3 'a folder that is served already' "$TALLY" serve --data data --listen 127.0.0.1:0
complains 'by whom' 'process [0-9]+'
stop
for address in 0.0.0.0:0 '[::]:0'; do
    ends 2 "plain HTTP on $address" "$TALLY" serve --data data --listen "$address"
    complains 'is refused, with what to do' 'tls_certificate' 'insecure-http'
    same 'and does not listen' "$(cat out)" ''
done
for address in nonsense localhost:1 127.0.0.1 127.0.0.1:x 127.0.0.1:99999 '127.0.0.1:' ':80' ''; do
    ends 2 "no address: ${address@Q}" "$TALLY" serve --data data --listen "$address"
done
ends 2 'an operand' "$TALLY" serve data

cp data/tally.conf good.conf
cat >> data/tally.conf << 'END'
[server]
threads = many
listen = somewhere
[nothing]
[log]
level = loud
END
expect 2 'settings with several mistakes are checked' "$TALLY" serve --data data --check
for what in threads listen '"?nothing' level; do
    complains "$what: its line" "line [0-9]+: .*$what"
done
same 'each once' "$(grep -c 'line ' err)" 4
complains 'with what would do' 'from 0 to 256' 'level takes .critical., .error., .warning., .info. or .debug.' 'an address and a port'
ends 2 'nor does it start' "$TALLY" serve --data data --listen 127.0.0.1:0
cp good.conf data/tally.conf
expect 0 'good settings' "$TALLY" serve --data data --check
says 'are said to be' 'good'
expect 3 'those of no folder' "$TALLY" serve --data typo --check
complains 'are none' 'no data folder at typo'
TALLY_SERVER_TLS_CERTIFICATE=$scratch/none.pem expect 2 'a certificate that is not there' "$TALLY" serve --data data --check
TALLY_SERVER_TLS_CERTIFICATE=$scratch/none.pem TALLY_SERVER_TLS_KEY=$scratch/none.pem \
    ends 3 'nor does it start so' "$TALLY" serve --data data --listen 127.0.0.1:0
complains 'it is named' 'none.pem'

# ---- who may name it ----

TALLY_SERVER_HOSTS='audit.internal, Trail.Example' serve data
port=${url##*:}
host() {
    code=$(curl -sS -o out -w '%{http_code}' -H "Authorization: Bearer $key" -H "Host: $2" "$url/api/trails")
    same "Host ${2@Q}" "$code" "$1"
}
key=$(sed -n 's/^admin key: //p' init)
for name in localhost LOCALHOST "localhost:$port" 127.0.0.1 "127.0.0.1:$port" 127.9.9.9 "[::1]:$port" audit.internal \
    "trail.example:$port" "AUDIT.internal"; do
    host 200 "$name"
done
for name in evil.example "evil.example:$port" localhost.evil.example 127.0.0.1.evil.example 10.0.0.1 0.0.0.0 127.evil \
    "localhost@evil.example" xaudit.internal '[::2]'; do
    code=$(curl -sS -o out -w '%{http_code}' -H "Authorization: Bearer $key" -H "Host: $name" "$url/api/trails")
    [ "$code" = 421 ] || [ "$code" = 400 ] && pass "not ${name@Q}" || fail "not ${name@Q}: $code"
done
host 421 evil.example
same 'without a word of what is there' "$(jq -r .title out)" 'Misdirected Request'
stop

if (exec 3<> '/dev/tcp/::1/1') 2>&1 | grep -q refused; then
    serve data --listen '[::1]:0'
    grep -q '^listening on http://\[::1\]:' serve.out && pass 'over IPv6' || fail 'over IPv6'
    fetch 200 'it answers' /api/trails
    stop
fi

# Beyond loopback, on a network of its own that nobody else is on.
if command -v ip > /dev/null && unshare -rn true 2> /dev/null; then
    cat > beyond.sh << 'END'
ip link set lo up && ip addr add 192.0.2.1/32 dev lo
"$TALLY" serve --data data --listen 192.0.2.1:7878 --insecure-http > beyond.out 2> beyond.err &
server=$!
for ((i = 0; i < 200; i++)); do grep -q listening beyond.out && break; sleep 0.05; done
code() { curl -sS -o answer -w '%{http_code} ' "$@"; }
code http://192.0.2.1:7878/api/trails -H "Authorization: Bearer $key"
code http://192.0.2.1:7878/api/trails -H "Authorization: Bearer $key" -H 'Host: audit.example'
code http://192.0.2.1:7878/metrics
code http://192.0.2.1:7878/metrics -H "Authorization: Bearer $key"
kill "$server"
wait "$server"
echo "$?"
END
    same 'beyond loopback any name is taken, and metrics take a key' \
        "$(key=$key unshare -rn bash beyond.sh)" '200 200 401 200 0'
else
    skip 'beyond loopback' 'no network of its own'
fi

# ---- TLS ----

certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
        -addext 'subjectAltName=IP:127.0.0.1' -keyout "$2.key" -out "$2.pem" 2> /dev/null
}
shown() {
    openssl s_client -connect "127.0.0.1:$port" < /dev/null 2> /dev/null | sed -n 's/^subject=CN = //p'
}
certificate first tls
TALLY_SERVER_TLS_CERTIFICATE=$scratch/tls.pem TALLY_SERVER_TLS_KEY=$scratch/tls.key serve data
port=${url##*:}
same 'with a certificate it says https' "${url%%:*}" https
code=$(curl -sS --cacert tls.pem -D headers -o out -w '%{http_code}' -H "Authorization: Bearer $key" "$url/api/trails")
same 'it answers' "$code" 200
grep -qi '^strict-transport-security: max-age=' headers && pass 'and asks for TLS only' || fail 'and asks for TLS only'
curl -sS -o out "http://127.0.0.1:$port/livez" 2> /dev/null && fail 'not in the clear' || pass 'not in the clear'
openssl s_client -tls1_1 -cipher 'ALL:@SECLEVEL=0' -connect "127.0.0.1:$port" < /dev/null > out 2>&1
grep -q 'Cipher is (NONE)' out && pass 'not over an old TLS' || fail 'not over an old TLS'
same 'the certificate' "$(shown)" first

coproc old { openssl s_client -quiet -connect "127.0.0.1:$port" 2> /dev/null; }
exec 7<&"${old[0]}" 8>&"${old[1]}"
# old_ask: the status of a request on the connection that began before.
old_ask() {
    printf 'GET /api/trails HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n' "$key" >&8
    local line length=0
    read -r -t 5 _ status _ <&7
    while read -r -t 5 line <&7 && [ "$line" != $'\r' ]; do
        case ${line,,} in content-length:*) length=$(tr -dc 0-9 <<< "$line") ;; esac
    done
    head -c "$length" <&7 > out
    echo "$status"
}
same 'a connection' "$(old_ask)" 200
certificate second tls
kill -HUP "$server"
await serve.err 'info reload' && pass 'the certificate is read anew' || fail 'the certificate is read anew'
same 'new connections get the new one' "$(shown)" second
same 'old ones go on' "$(old_ask)" 200
echo 'no certificate' > tls.pem
kill -HUP "$server"
await serve.err 'error reload refused.*tls.pem' && pass 'a broken one is refused, by name' || fail 'a broken one is refused, by name'
same 'and the one before stays' "$(shown)" second
certificate third other
cp other.pem tls.pem
kill -HUP "$server"
tries=0
until [ "$(grep -c 'reload refused' serve.err)" = 2 ] || [ $((tries += 1)) -gt 100 ]; do sleep 0.05; done
same 'as is one that its key does not fit' "$(grep -c 'reload refused' serve.err)" 2
same 'the one before stays' "$(shown)" second
grep -q 'PRIVATE KEY' serve.err && fail 'nothing of the key is told' || pass 'nothing of the key is told'
exec 7<&- 8>&-
stop
same 'an end as it should be' "$?" 0

# ---- what is logged ----

talk() {
    fetch 200 'something is asked' /api/events q=user_id:asked-for-this user_email=ann@example.org
    send 201 'something is recorded' /api/events '{"action":"a.b","message":"words-of-an-event"}'
    send 400 'something is refused' /api/events '{"action":"a.b","status":"words-of-an-event"}'
    send 400 'something is no JSON' /api/events 'words-of-an-event'
    fetch 400 'something is misspelled' /api/events asked-for-this=1
    fetch 404 'a path' /asked-for-this
    good=$key
    key=tally_WRONGWRONGWRONGWRONGWRONGWRONGWRONGWRONGWRO
    fetch 401 'a wrong key' /api/events
    key=$good
    fetch 200 'an export' /api/export q=asked-for-this
    head -c 100000 /dev/zero | curl -sS -o /dev/null --http0.9 --data-binary @- "$url/words-of-an-event" 2> /dev/null
}
for format in text json; do
    TALLY_LOG_FORMAT=$format TALLY_LOG_LEVEL=debug serve data
    talk
    stop
    same 'the log has the requests' "$([ "$(grep -c 'listEvents' serve.err)" -ge 2 ] && echo yes)" yes
    same 'but nothing that they said' "$(grep -cE "$key|${key#tally_}|WRONG|asked-for-this|words-of-an-event|example.org" serve.err)" 0
done
same 'as JSON, each line is' "$(jq -es 'all(has("time") and has("level") and has("event"))' serve.err 2>&1)" true

# ---- the end ----

serve data
kill -TERM "$server"
kill -TERM "$server"
kill -HUP "$server" 2> /dev/null
wait "$server"
same 'told twice, it ends as if told once' "$?" 0
server=
expect 0 'and all is intact' "$TALLY" verify data
expect 0 'with everything signed' "$TALLY" verify data --format ndjson
same 'to the last entry' "$(jq -s 'map(.unsigned // 0) | add' out)" 0

finish
