#!/bin/bash
. "$(dirname "$0")/lib.sh"
make_data data
cat > trail.json << 'JSON'
{"Records":[
 {"eventVersion":"1.08","eventTime":"2026-01-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.1","userAgent":"aws-cli","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/ann","userName":"ann"},"eventID":"11111111-1111-1111-1111-111111111111"},
 {"eventVersion":"1.08","eventTime":"2026-01-01T00:00:01Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.1","userAgent":"aws-cli","errorCode":"AccessDenied","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/ann","userName":"ann"},"eventID":"22222222-2222-2222-2222-222222222222"}
]}
JSON
expect 0 'CloudTrail as it is delivered' "$TALLY" import data --map cloudtrail trail.json
says 'a summary' '^imported 2, repeated 0, skipped 0, refused 0$'
expect 0 'again' "$TALLY" import data --map cloudtrail trail.json
says 'nothing is stored twice' '^imported 0, repeated 2, skipped 0, refused 0$'
expect 0 'gzip on standard input, options behind' "$TALLY" import data - --map cloudtrail --format json < <(gzip < trail.json)
says 'the summary as JSON' '"imported":0,"repeated":2,"skipped":0,"refused":0'
expect 0 'it is found' "$TALLY" query data status:failure --format ndjson
says 'the record stands whole under details' '"errorCode":"AccessDenied"' '"eventID":"22222222'

# The same source id with other content must not be lost.
sed 's/GetObject/PutObject/' trail.json > forged.json
expect 0 'an id used again for something else' "$TALLY" import data --map cloudtrail forged.json
says 'is stored as another event' '^imported 1, repeated 1, skipped 0, refused 0$'
expect 0 'once' "$TALLY" import data --map cloudtrail forged.json
says 'not twice' '^imported 0, repeated 2, skipped 0, refused 0$'

# What cannot be taken.
{
    sed -n 2p trail.json | sed 's/^ //; s/,$//; s/1111/3333/g'
    echo '{"not":"from there"}'
    echo 'no JSON'
    sed -n 3p trail.json | sed 's/^ //; s/2222/4444/g'
} > mixed.json
expect 0 'the rest is taken' "$TALLY" import data --map cloudtrail mixed.json
says 'and counted' '^imported 2, repeated 0, skipped 0, refused 2$'
complains 'with line and reason' 'mixed.json: line 2' 'mixed.json: line 3'
sed -i 's/3333/5555/g; s/4444/6666/g' mixed.json
before=$(size_of data)
expect 2 '--strict stops' "$TALLY" import data --map cloudtrail --strict mixed.json
same 'before anything is stored' "$(size_of data)" "$before"
expect 2 'nothing can be taken' "$TALLY" import data --map kubernetes trail.json
complains 'a hint' 'map'
expect 0 'an empty file' "$TALLY" import data --map cloudtrail /dev/null
expect 3 'no such file' "$TALLY" import data --map cloudtrail nothing.json

# A file that is cut short costs neither what stands before the cut nor the files behind it.
cloud() {
    local i
    for ((i = $1; i < $1 + $2; i++)); do
        echo "{\"eventTime\":\"2026-01-01T00:00:00Z\",\"eventName\":\"E\",\"eventSource\":\"s\",\"eventID\":\"cut-$i\"}"
    done
}
cloud 0 30 | gzip | head -c -8 > cut.gz
cloud 100 2 > whole.json
expect 3 'gzip that is cut short' "$TALLY" import data --map cloudtrail cut.gz whole.json
says 'all that could be read is stored' '^imported 32, repeated 0, skipped 0, refused 1$'
complains 'which one it was' 'cut.gz: the gzip data is cut short'
cloud 200 2 > other.json
expect 3 'a folder and no file among files' "$TALLY" import data --map cloudtrail . nothing.json other.json
says 'the files are taken' '^imported 2, repeated 0, skipped 0, refused 0$'
complains 'each is named' 'cannot read .: ' 'cannot open nothing.json: '
expect 2 '--strict takes none of it' "$TALLY" import data --map cloudtrail --strict cut.gz
expect 0 'an envelope that the map names' "$TALLY" import data --map kubernetes - <<< \
    '{"kind":"EventList","items":[{"auditID":"a","verb":"get","user":{"username":"ann"}}]}'
says 'its items' '^imported 1, '
expect 0 'an event hook' "$TALLY" import data --map okta - << 'JSON'
{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","cloudEventsVersion":"0.1","contentType":"application/json",
 "eventId":"9b1f","eventTime":"2026-01-01T00:00:02Z","source":"https://example.okta.com/api/v1/eventHooks/who1",
 "data":{"events":[
  {"uuid":"hook-1","published":"2026-01-01T00:00:00Z","eventType":"user.session.start","outcome":{"result":"SUCCESS"},
   "actor":{"id":"00u1","type":"User","alternateId":"ann@example.com","displayName":"Ann"}},
  {"uuid":"hook-2","published":"2026-01-01T00:00:01Z","eventType":"user.session.end","outcome":{"result":"SUCCESS"},
   "actor":{"id":"00u1","type":"User","alternateId":"ann@example.com","displayName":"Ann"}}]}}
JSON
says 'the events in its data' '^imported 2, repeated 0, skipped 0, refused 0$'
record='{"time":"2026-01-01T00:00:00Z","operationName":"Sign-in activity","category":"SignInLogs","identity":"Ann","correlationId":"c-'
expect 0 'messages of an Event Hub' "$TALLY" import data --map azure - <<< \
    "[{\"body\":{\"records\":[${record}1\"},${record}2\"}]},\"partition\":0},{\"records\":[${record}3\"}]}, ${record}4\"}]"
says 'the records in their bodies' '^imported 4, repeated 0, skipped 0, refused 0$'

# Maps.
expect 2 'no map' "$TALLY" import data trail.json
expect 2 'a map there is not' "$TALLY" import data --map nothing trail.json
complains 'those there are' 'cloudtrail' 'windows'
mkdir maps
cp "$source_root/share/maps/cloudtrail.map" maps/mine.map
expect 0 'a map by its path' "$TALLY" import data --map maps/mine.map trail.json
says 'has ids of its own' '^imported 2'
expect 0 'again' "$TALLY" import data --map maps/mine.map trail.json
says 'the same ids' '^imported 0, repeated 2'
expect 3 'a map file there is not' "$TALLY" import data --map maps/nothing.map trail.json
echo 'no rule' > maps/broken.map
expect 2 'a map that is none' "$TALLY" import data --map maps/broken.map trail.json
complains 'with its line' 'broken.map: line 1'
cp "$TALLY" elsewhere
expect 0 'the standard maps are in the program, wherever it is' ./elsewhere import data --map cloudtrail trail.json

# More lies between than the program knows ids of.
: "${FORGETFUL:?the program with a short memory}"
make_data long
records() {
    local i
    for ((i = $1; i < $1 + $2; i++)); do
        echo "{\"action\":\"test.run\",\"id\":\"r-$i\",\"timestamp\":\"2026-01-01T00:00:00Z\"}"
    done
}
cat > short.map << 'MAP'
id = id
action = action
timestamp = timestamp
MAP
records 0 20 > old.json
take() { "$FORGETFUL" "$1" "$2" --map ./short.map "${@:3}"; }
expect 0 'old records' take import long old.json
for from in 1000 2000 3000 4000; do
    expect 0 'and many newer ones' take import long <(records $from 300)
done
expect 0 'the old ones again' take import long old.json --again
says 'are found, however old' '^imported 0, repeated 20, skipped 0, refused 0$'
sed 's/test.run/test.changed/' old.json > changed.json
expect 0 'others with their ids' take import long changed.json --again
says 'are kept beside them' '^imported 20, repeated 0, skipped 0, refused 0$'
for from in 10000 20000; do
    expect 0 'and more' take import long <(records $from 300)
done
size=$(size_of long)
expect 0 'without it' take import long old.json
says 'they are taken for new ones' '^imported 20, repeated 0, skipped 0, refused 0$'
same 'and stored' "$(size_of long)" $((size + 20))

# The same at a server.
TALLY_KEY=$("$TALLY" key long add --name importer --role writer | sed -n 's/^key: //p')
export TALLY_KEY
"$FORGETFUL" serve --data long --listen 127.0.0.1:0 > serve.out 2> serve.err &
server=$!
trap 'kill "$server" 2> /dev/null; wait "$server" 2> /dev/null; rm -rf "$scratch"' EXIT
await grep -q '^listening on' serve.out
url=$(sed -n 's/^listening on //p' serve.out)
for from in 5000 6000 7000; do
    expect 0 'many more' take import "$url" <(records $from 300)
done
expect 0 'the old ones again, at a server' take import "$url" old.json --again
says 'are found, however old' '^imported 0, repeated 20, skipped 0, refused 0$'
kill "$server"
wait "$server"

finish
