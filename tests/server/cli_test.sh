#!/bin/bash
# Commands on a folder and on the server that serves it: what is printed and the exit status are the
# same, byte for byte.
. "$(dirname "$0")/lib.sh"
make_served data --origin example.org/audit
export TALLY_KEY=$key

"$TALLY" trail data create tenant-7 --public user_id > /dev/null
"$TALLY" bench --emit 3000 | "$TALLY" record data > /dev/null
{
    echo '{"action":"user.login","status":"failure","user_id":"ann","ip_address":"10.1.2.3","timestamp":"2026-01-01T10:00:00Z","id":"e1"}'
    echo '{"action":"report.approve","user_id":"=ann","resource_type":"report","resource_id":"r 7","response_time_ms":1.50,"details":{"b":1e-7,"a":["\u202e",{}]},"id":"e2"}'
    echo '{"action":"config.update","user_id":"ro\"ot","severity":"high","message":"a \u001b[31mred\u202e text,\n\ud83d\ude00","id":"e3"}'
} | "$TALLY" record data > /dev/null
[ -z "${ERASE:-}" ] || "$ERASE" data 'asked for' 5 6 > /dev/null
"$TALLY" record data --trail tenant-7 --action a.b --user-id u1 > /dev/null
serve data

# run PLACE NAME COMMAND...: runs it with the place for the word WHERE. What it prints is in NAME.out and
# NAME.err, with WHERE for the place. Cursors, which are of a moment, are left out, and so is the server's
# own trail, in which every question is on record.
run() {
    local place=$1 name=$2 words=() word
    shift 2
    for word in "$@"; do
        [ "$word" = WHERE ] && word=$place
        words+=("$word")
    done
    XDG_STATE_HOME=$scratch/state.$name "$TALLY" "${words[@]}" > "$name.out" 2> "$name.err"
    local status=$?
    sed -i -E "s#$place#WHERE#g" "$name.err"
    sed -i -E -e 's/(--cursor |"next":")[A-Za-z0-9_-]{40,}/\1CURSOR/' -e 's/^.*(\/|"trail":")tally.*$/TALLY/' \
        "$name.out" "$name.err"
    # A server has files open and read already, so it reads less for the same question.
    case " $* " in
    *' --explain '*)
        sed -i -E -e '/^(reads|bytes)[ ,]/d' -e '/"about":"(reads|bytes)"/d' \
            -e 's/"(reads|bytes)":[0-9]+/"\1":N/g' -e 's/ +/ /g' "$name.out"
        ;;
    esac
    return $status
}

# alike STATUS COMMAND...: the folder and the server give the same.
alike() {
    local wanted=$1 folder server
    shift
    run data folder "$@"
    folder=$?
    run "$url" server "$@"
    server=$?
    if [ "$folder $server" = "$wanted $wanted" ] && cmp -s folder.out server.out &&
        cmp -s folder.err server.err; then
        pass "$*"
        return
    fi
    fail "$*"
    echo "#   exit status of the folder $folder, of the server $server, wanted $wanted"
    diff <(cat folder.out folder.err) <(cat server.out server.err) | head -10 | cut -c1-300 | sed 's/^/#   /'
}

# When a key was used is written down in the background, at most once a minute.
"$TALLY" query "$url" --limit 1 > /dev/null 2>&1
for _ in $(seq 100); do
    "$TALLY" key data list | grep -q last_used && break
    sleep 0.1
done
for format in table json ndjson csv; do
    alike 0 key WHERE list --format $format
done

# Reading.
for format in table json ndjson csv; do
    alike 0 query WHERE --format $format
    alike 0 query WHERE --format $format --control --order index --limit 7 -status:success
    alike 0 stats WHERE --format $format --by action --top 3 --interval 4w
    alike 0 query WHERE --explain --format $format status:failure --limit 3
    alike 0 stats WHERE --explain --format $format --by action
    alike 0 stats WHERE --format $format --by user,severity --top 5 --interval 4w
    alike 0 stats WHERE --format $format --percentiles response_time_ms --ranks 33.3,99 --distinct user,action
    alike 0 trail WHERE list --format $format
    alike 0 trail WHERE info --format $format
    alike 0 verify WHERE --format $format
done
alike 0 query WHERE id:e1,e2,e3 --format csv
alike 0 query WHERE 'index:5..6' 'OR' 'control:*'
alike 0 query WHERE user_id:nobody
alike 0 query WHERE --trail tenant-7 user:u1
for format in ndjson csv evidence; do
    alike 0 export WHERE --format $format
    alike 0 export WHERE --format $format --control 'user_id:*ann*'
done
alike 0 export WHERE --format csv --raw
alike 0 export WHERE user_id:nobody --format csv
alike 0 export WHERE user_id:nobody
alike 0 stats WHERE
alike 0 stats WHERE --by status severity:high
alike 0 stats WHERE --interval 1w user_id:nobody --format json
alike 0 trail WHERE info --trail tenant-7
alike 0 verify WHERE
alike 0 verify WHERE --trail main
alike 0 verify WHERE --vkey "$vkey"
cp data/trails/main/checkpoint checkpoint
alike 0 verify WHERE --since checkpoint
alike 0 prove WHERE 17

# Files.
"$TALLY" export data --format evidence --output folder.file
expect 0 'an export into a file' "$TALLY" export "$url" --format evidence --output server.file
same 'is the same file' "$(cmp folder.file server.file && echo same)" same

# Slips and refusals.
alike 2 query WHERE user_ID:x
alike 2 query WHERE user:ann status:
alike 2 query WHERE 'message:ü' 'user:'
alike 2 query WHERE user:ann OR user:bob status:failure
alike 2 query WHERE --limit 0
alike 2 query WHERE --order newest
alike 2 query WHERE --format yaml
alike 3 query WHERE --trail nothing
alike 2 query WHERE --trail Nothing
alike 2 export WHERE user_ID:x
alike 2 export WHERE --format yaml
alike 3 export WHERE --trail nothing
alike 2 stats WHERE user_ID:x
alike 2 stats WHERE --by details
alike 2 stats WHERE --interval 1s
alike 2 stats WHERE --percentiles user
alike 0 stats WHERE --percentiles status_code user_id:nobody --format json
alike 0 stats WHERE --by user,crud --interval 1w user_id:nobody --format json
alike 3 stats WHERE --trail nothing
alike 4 prove WHERE 99999
alike 2 prove WHERE seven
alike 3 prove WHERE 1 --trail nothing
alike 3 verify WHERE --trail nothing
alike 2 verify WHERE --vkey nothing
alike 3 trail WHERE info --trail nothing
alike 2 trail WHERE create Main
alike 2 trail WHERE create x --public nothing
alike 4 key WHERE revoke 99
alike 4 key WHERE rotate 99
alike 2 key WHERE add --name x --role king

# Pages.
walk() {
    local cursor='' page
    while :; do
        page=$("$TALLY" query "$1" --limit 900 --control --format json ${cursor:+--cursor "$cursor"} | tr -d '\n')
        grep -oE '"index":[0-9]+' <<< "$page"
        cursor=$(sed -nE 's/.*"next":"([^"]*)".*/\1/p' <<< "$page")
        [ -n "$cursor" ] || break
    done
}
walk data > folder.walk
walk "$url" > server.walk
same 'all pages' "$(cmp folder.walk server.walk && wc -l < server.walk)" "$(size_of data)"
expect 2 'a cursor that was altered' "$TALLY" query "$url" --cursor nothing
expect 2 'a cursor of the folder' "$TALLY" query "$url" --limit 1 --cursor \
    "$("$TALLY" query data --limit 1 --format json | tr -d '\n' | sed -nE 's/.*"next":"([^"]*)".*/\1/p')"

# Keys and trails.
expect 0 'a new key' "$TALLY" key "$url" add --name reader --role auditor --expires 30d
says 'shown' '^key: tally_[A-Za-z0-9_-]{43}$' '^id: 2$'
reader=$(sed -n 's/^key: //p' out)
expect 0 'is good' "$TALLY" query "$url" --key "$reader"
expect 0 'one for a trail' "$TALLY" key "$url" add --name writer --role writer --trails main
writer=$(sed -n 's/^key: //p' out)
expect 0 'they are listed' "$TALLY" key "$url" list --format ndjson
says 'with what they are for' '"name":"reader","role":"auditor",' '"name":"writer","role":"writer","trails":\["main"\]'
expect 3 'a writer does not read' "$TALLY" query "$url" --key "$writer"
complains 'it is told what would' 'auditor' 'tally key'
expect 3 'a reader does not write' "$TALLY" record "$url" --action a.b --key "$reader"
expect 3 'nor a writer elsewhere' "$TALLY" record "$url" --action a.b --key "$writer" --trail tenant-7
complains 'which is not there for it' 'no trail tenant-7'
expect 3 'no key' env -u TALLY_KEY "$TALLY" query "$url"
[ "${reader: -1}" = A ] && wrong=${reader%?}E || wrong=${reader%?}A
expect 3 'a wrong key' "$TALLY" query "$url" --key "$wrong"
expect 3 'a wrong key records nothing' "$TALLY" record "$url" --action a.b --key "$wrong"
expect 0 'rotated' "$TALLY" key "$url" rotate 2 --overlap 0
expect 3 'at once' "$TALLY" query "$url" --key "$reader"
expect 0 'the old one is on record' "$TALLY" key "$url" list --all --format ndjson
says 'with the new one' '"id":2,.*"replaced_by":4'
expect 0 'revoked' "$TALLY" key "$url" revoke 4
same 'without a word' "$(cat out err)" ''
expect 0 'that is on record' "$TALLY" key "$url" list --all --format ndjson
says 'too' '"id":4,.*"revoked":"20'
expect 3 'not the key that one asks with' "$TALLY" key "$url" revoke 1
complains 'and why' 'does not revoke itself'
expect 0 'a new trail' "$TALLY" trail "$url" create tenant-8 --origin example.org/8 --private action --public user_id
says 'with its key' '^vkey: example.org/8\+'
expect 3 'not twice' "$TALLY" trail "$url" create tenant-8
complains 'as on a folder' '^tally: there is a trail "tenant-8" already$'
expect 3 'nor another one of its origin' "$TALLY" trail "$url" create tenant-9 --origin example.org/8
complains 'as on a folder' '^tally: another trail has the origin example.org/8: give one of its own$'
alike 0 trail WHERE info --trail tenant-8
alike 0 trail WHERE list

# Recording.
events 2500 > many.json
expect 0 'many events' "$TALLY" record "$url" many.json --format csv
same 'a receipt each' "$(grep -c ',false' out)" 2500
expect 0 'again' "$TALLY" record "$url" many.json --format ndjson --key "$writer"
same 'the same receipts' "$(grep -c '"repeated":true' out)" 2500
sleep 0.5
alike 0 query WHERE id:e-2499 --format ndjson
alike 0 verify WHERE --trail main
size=$(size_of data)
expect 0 'from options' "$TALLY" record "$url" --action user.login --user-id u1 --details '{"n": 1e-7}'
says 'a receipt' "^ +$size +[0-9a-f]{64} +false\$"
expect 0 'events over several lines' "$TALLY" record "$url" <<< $'[{"action":\n"a.b",\r\n"message":"x"},{"id":null,"action":"a.c"}\n]'
expect 0 'gzip' "$TALLY" record "$url" < <(echo '{"action":"a.b","id":"x5"}' | gzip)
expect 2 'the same id, other content' "$TALLY" record "$url" <<< '{"action":"a.c","id":"x5"}'
complains 'the entry that has it' "^tally: standard input: line 1: /id: entry $((size + 3)) has this id"
expect 2 'twice in one input' "$TALLY" record "$url" <<< '{"action":"a.b","id":"y"} {"action":"a.c","id":"y"}'
complains 'is said, too' 'standard input: line 1: /id: another event of'
{ events 2500 30000; echo '{"user_id":"no action"}'; events 10 40000; } > bad.json
expect 2 'a bad event late in a file' "$TALLY" record "$url" bad.json
complains 'file and line' 'bad.json: line 2501'
expect 3 'late in a pipe' "$TALLY" record "$url" < <(cat bad.json)
complains 'how much is stored' 'line 2501' '2500 events before it are stored'
expect 3 'no such trail' "$TALLY" record "$url" --trail nothing --action a.b
complains 'how to make it' "tally trail $url create nothing"
expect 3 "the server's own trail" "$TALLY" record "$url" --trail tally --action a.b
sleep 0.5
same 'that is all' "$(size_of data)" $((size + 4 + 2500))

# Importing.
cat > trail.json << 'JSON'
{"Records":[
 {"eventVersion":"1.08","eventTime":"2026-01-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.1","userAgent":"aws-cli","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/ann","userName":"ann"},"eventID":"11111111-1111-1111-1111-111111111111"},
 {"eventVersion":"1.08","eventTime":"2026-01-01T00:00:01Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.1","userAgent":"aws-cli","errorCode":"AccessDenied","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/ann","userName":"ann"},"eventID":"22222222-2222-2222-2222-222222222222"}
]}
JSON
expect 0 'records of another product' "$TALLY" import "$url" --map cloudtrail trail.json
says 'a summary' '^imported 2, repeated 0, skipped 0, refused 0$'
expect 0 'again' "$TALLY" import "$url" --map cloudtrail trail.json
says 'nothing is stored twice' '^imported 0, repeated 2, skipped 0, refused 0$'
sed 's/GetObject/PutObject/' trail.json > forged.json
expect 0 'an id used again for something else' "$TALLY" import "$url" --map cloudtrail forged.json
says 'is stored as another event' '^imported 1, repeated 1, skipped 0, refused 0$'
expect 0 'once' "$TALLY" import "$url" --map cloudtrail forged.json
says 'not twice' '^imported 0, repeated 2, skipped 0, refused 0$'
"$TALLY" export data id:e1,e2,e3 > export.ndjson
expect 0 'an export taken in elsewhere' "$TALLY" import "$url" --map tallystick --trail tenant-8 export.ndjson
says 'as it was' '^imported 3, repeated 0, skipped 0, refused 0$'
sleep 0.5
set_by_server='del(.index, .received, .writer, .private)'
same 'as it was' "$("$TALLY" export "$url" --trail tenant-8 | jq -S "$set_by_server")" \
    "$(jq -S "$set_by_server" export.ndjson)"
echo '{"id":"plain","action":"user.login","status":"failure","timestamp":"2026-01-01T00:00:00Z"}' > plain.ndjson
expect 0 'an entry to which much could be added' "$TALLY" import "$url" --map tallystick --trail tenant-8 plain.ndjson
expect 0 'is' "$TALLY" query "$url" --trail tenant-8 id:plain --format ndjson
same 'as it was' "$(jq -c "$set_by_server | del(.v)" out)" "$(jq -c . plain.ndjson | jq -c '{id,timestamp,action,status}')"

# What is said at a terminal where nothing is found.
if [ -n "$(typed echo terminal)" ]; then
    for question in 'query WHERE user=eve' 'query WHERE user:eve' 'tail WHERE user=eve' 'stats WHERE user=eve'; do
        read -ra words <<< "$question"
        said=$(typed "$TALLY" "${words[@]/WHERE/data}")
        same "at a terminal: $question" "$(typed "$TALLY" "${words[@]/WHERE/$url}")" "${said:?something}"
    done
else
    skip 'at a terminal' 'there is none'
fi

# The server ends while a command goes on.
mkfifo slow
"$TALLY" record "$url" - < slow > /dev/null 2> slow.err &
recorder=$!
exec 8> slow
events 1 50000 >&8
sleep 0.3
stop
events 1 50001 >&8
exec 8>&-
wait $recorder
same 'a server that went away' "$?" 3
same 'is said, with what is stored' "$(grep -c '1 events before it are stored' slow.err)" 1
expect 3 'then it is not there' "$TALLY" query "$url"

# TLS, with a certificate that nobody vouches for.
if command -v openssl > /dev/null; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout data/tls.key -out data/tls.pem 2> /dev/null
    chmod 600 data/tls.key
    printf '[server]\ntls_certificate = tls.pem\ntls_key = tls.key\n' > data/tally.conf
    serve data
    same 'it says so' "${url%%:*}" https
    expect 3 'a certificate that is not trusted' "$TALLY" query "$url"
    complains 'is said, and what to do' '^tally: https://.*certificate' '--cacert'
    same 'before the key is sent' "$(grep -c 'status=' serve.err)" 0
    expect 3 'nor does it record' "$TALLY" record "$url" --action a.b
    expect 0 'one that is named' "$TALLY" query "$url" --cacert data/tls.pem --limit 1
    export TALLY_CACERT=$PWD/data/tls.pem
    expect 0 'or in the environment' "$TALLY" record "$url" --action a.b
    sleep 0.5
    alike 0 trail WHERE list
    alike 0 export WHERE --format csv
    expect 3 'not under another name' "$TALLY" query "${url/127.0.0.1/127.0.0.2}"
    expect 3 'plain HTTP to it' "$TALLY" query "${url/https/http}"
    stop
else
    skip 'over TLS' 'no openssl'
fi

finish
