#!/bin/bash
# Commands on a server that is not there, is none, breaks off, is busy or lies: exit status 3, and
# never a verdict that was not shown.
. "$(dirname "$0")/../system/lib.sh"
command -v jq > /dev/null || skip_all 'jq is needed'
: "${STAND_IN:?the server that answers what it is told}"
export TALLY_KEY=tally_stands-for-a-key

# answer FILE STATUS TYPE BODY [HEADER...]: an answer to be given.
answer() {
    local file=$1 status=$2 type=$3 body=$4 header
    shift 4
    {
        printf 'HTTP/1.1 %s x\r\nContent-Type: %s\r\nContent-Length: %s\r\nConnection: close\r\n' \
            "$status" "$type" "$(LC_ALL=C; echo ${#body})"
        for header in "$@"; do printf '%s\r\n' "$header"; done
        printf '\r\n%s' "$body"
    } > "$file"
}

# stand FILE...: a server that gives these answers, at $url.
stand() {
    stand_in "$@"
    url=$standing
}
requests() { ls | grep -c '^request\.'; }

problem=application/problem+json
json=application/json
ndjson=application/x-ndjson
echo '{"action":"a.b","id":"e1"}' > event.json
echo '{"action":"a.b"}' > nameless.json
make_data data
events 20 | "$TALLY" record data > /dev/null
"$TALLY" verify data > /dev/null
info=$("$TALLY" trail data info --format ndjson)
note=$(jq -Rs . < data/trails/main/checkpoint)
origin=$("$TALLY" trail data info | sed -n 's/^origin: //p')
answer trails 200 $json "{\"data\":[{\"name\":\"main\",\"origin\":\"$origin\",\"checkpoint\":{\"size\":21}}],\"next\":null}"
answer info 200 $json "$info"

# each STATUS TEXT COMMAND...: each of them ends so, without a result.
each() {
    local wanted=$1 text=$2 command
    shift 2
    for command in "$@"; do
        # shellcheck disable=SC2086
        expect "$wanted" "$text: $command" "$TALLY" ${command/URL/$url}
        same 'without a result' "$(grep -v '^imported 0, repeated 0, skipped 0, ' out)" ''
    done
}

reads=('query URL' 'export URL' 'export URL --format csv --output file' 'stats URL' 'verify URL'
    'prove URL 1 --output file' 'trail URL list' 'trail URL info' 'key URL list' 'doctor URL')
writes=('record URL event.json' 'import URL --map tallystick event.json' 'trail URL create x'
    'key URL add --name x --role writer' 'key URL rotate 1' 'key URL revoke 1')

# Nobody, strangers, and refusals.
url=http://127.0.0.1:1
each 3 'nobody is there' "${reads[@]}" "${writes[@]}"
complains 'it is said' "^tally: $url: .*connect"
expect 3 'nor is an event lost that never left' "$TALLY" record "$url" event.json
same 'and nothing else' "$(wc -l < err)" 1

answer page 200 text/html '<html>Welcome</html>'
stand page
each 3 'a page of another server' "${reads[@]}" "${writes[@]}"
complains 'it is doubted' 'is this a Tallystick server'
answer lost 404 text/html '<html>Not here</html>'
stand lost
each 3 'a page that is missing' "${reads[@]}" "${writes[@]}"
answer moved 302 text/html '' 'Location: https://elsewhere.example/'
stand moved
each 3 'a redirect' "${reads[@]}" "${writes[@]}"
complains 'where it leads is said' 'https://elsewhere.example/' 'not followed'
same 'and not followed' "$(requests)" $((${#reads[@]} + ${#writes[@]}))
answer empty 200 $json ''
stand empty
each 3 'nothing' 'query URL' "${reads[@]:3}" "${writes[@]:0:5}"
answer other 200 $json '{"data":{},"next":7}'
stand other
each 3 'JSON of another kind' "${reads[@]}" "${writes[@]:0:5}"
answer unknown 401 $problem '{"detail":"this needs a key","role":"auditor","command":"tally key DIR add --role auditor"}'
stand unknown
each 3 'a key that is not known' "${reads[@]}" "${writes[@]}"
complains 'the role that would do, and how to make one' 'needs a key' 'auditor' 'tally key DIR add'
same 'that one was given is known' "$(grep -c TALLY_KEY err)" 0
TALLY_KEY='' expect 3 'an empty key' "$TALLY" query "$url"
expect 3 'no key' env -u TALLY_KEY "$TALLY" query "$url"
complains 'where to put one' 'in TALLY_KEY'
answer broken 500 $problem '{"detail":"something broke"}'
stand broken
each 3 'a fault of the server' "${reads[@]}" "${writes[@]}"
complains 'is said' 'something broke'
answer missing 404 $problem '{"detail":"there is no such trail"}'
stand missing
each 3 'no such trail' "${reads[@]:0:7}" 'trail URL info' "${writes[@]:0:2}"
complains 'as of a folder' "no trail main in $url"
expect 3 'nothing at a path' "$TALLY" query "$url/api/events"
complains 'how the URL would be right' "no server at $url/api/events, or no trail main there: .* alone, $url, unless"
each 4 'no such key' 'key URL revoke 7' 'key URL rotate 7'
answer refused 400 $problem '{"detail":"x","errors":[{"column":6,"detail":"a value is missing"}]}'
stand refused
each 2 'a filter that is refused' 'query URL user: \$' 'export URL user: \$' 'stats URL user: \$'
complains 'is pointed at' 'column 6: a value is missing' '^tally: {10}\^$'

# The key, and where it goes.
stand page
"$TALLY" query "$url" 2> /dev/null
same 'the key is sent to this machine' "$(grep -ci "^authorization: bearer $TALLY_KEY"$'\r' request.1)" 1
"$TALLY" query "$url" --key another 2> /dev/null
same 'that of --key rather' "$(grep -ci '^authorization: bearer another' request.2)" 1
env -u TALLY_KEY "$TALLY" query "$url" 2> /dev/null
same 'none if there is none' "$(grep -ci '^authorization' request.3)" 0
expect 2 'not in the clear to another' "$TALLY" query http://audit.example.org
complains 'and what to do' 'https://' '--insecure-http'
expect 2 'a key that would break the request' "$TALLY" query "$url" --key $'a\r\nX: y'
expect 2 'a password in the URL' "$TALLY" query http://ann:secret@127.0.0.1:1
same 'which is not shown' "$(grep -c secret err)" 0
expect 2 'more than a server in the URL' "$TALLY" query "$url/?trail=main"
expect 2 'no trail of this name can be' "$TALLY" query "$url" --trail ../x
for command in 'trail URL sizes' 'trail URL rebuild' 'init URL'; do
    # shellcheck disable=SC2086
    expect 2 "needs the folder: $command" "$TALLY" ${command/URL/$url}
done
same 'nothing of it was sent' "$(requests)" 3

# A server that is busy.
answer busy 503 $problem '{"detail":"try again"}' 'Retry-After: 0'
answer full 429 $problem '{"detail":"try again"}' 'Retry-After: 0'
answer rows 200 $json '{"data":[{"index":3,"action":"a.b"}],"next":null}'
answer stored 201 $json "{\"receipts\":[{\"index\":7,\"leaf\":\"$(printf '0%.0s' {1..64})\",\"repeated\":false}]}"
stand busy full busy full busy rows
expect 0 'five times busy' "$TALLY" query "$url" --format ndjson
same 'then it answers' "$out" '{"index":3,"action":"a.b"}'
stand busy
expect 3 'always busy' "$TALLY" query "$url"
same 'is asked six times' "$(requests)" 6
stand full busy stored
expect 0 'busy while recording' "$TALLY" record "$url" nameless.json --format ndjson
says 'a receipt' '^\{"index":7,'
same 'it was sent three times, the same each time' "$(tail -n 1 -q request.* | sort -u | wc -l) $(requests)" '1 3'
same 'with an id' "$(tail -n 1 request.1 | jq -r 'has("id")')" true
stand full
each 3 'not asked again what makes something new' 'trail URL create x' 'key URL add --name x --role writer'
same 'indeed' "$(requests)" 2
answer tired 503 $problem '{"detail":"no"}'
stand tired
expect 3 'busy without saying how long' "$TALLY" query "$url"
same 'is asked once' "$(requests)" 1

# Connections that break.
cut() { head -c -"$3" "$1" > "$2"; }
: > nothing
stand nothing
expect 3 'no answer at all' "$TALLY" query "$url"
same 'is asked once for a list' "$(requests)" 1
cut stored half 20
stand half nothing stored
expect 0 'a receipt that broke off' "$TALLY" record "$url" nameless.json --format ndjson
same 'the event is sent again, the same' "$(tail -n 1 -q request.* | sort -u | wc -l) $(requests)" '1 3'
stand nothing
expect 3 'no receipt' "$TALLY" record "$url" nameless.json
complains 'what is known is said' 'may be stored or not'
answer lines 200 $ndjson $'{"index":1,"action":"a.b"}\n{"index":2,"action":"a.c"}\n'
stand lines
expect 0 'an export' "$TALLY" export "$url" --output whole
same 'whole' "$(cat whole)" $'{"index":1,"action":"a.b"}\n{"index":2,"action":"a.c"}'
for part in 1 10 27 28 40; do
    cut lines half $part
    stand half
    for format in ndjson csv evidence; do
        expect 3 "an export as $format without its last $part bytes" "$TALLY" export "$url" --format $format --output part
        same 'leaves no file' "$(ls part part.part 2> /dev/null)" ''
    done
done
sed 's/^Content-Length.*/X: y\r/' lines > unframed
stand unframed
expect 3 'an export that does not say where it ends' "$TALLY" export "$url" --output part
answer ragged 200 $ndjson $'{"index":1}\n{"index":2}'
stand ragged
expect 3 'a last line without its end' "$TALLY" export "$url" --output part
answer sly 200 $ndjson $'{"index":1,"message":"a \u202e b","action":"x"}\n'
stand sly
expect 0 'a line that turns the text around' "$TALLY" export "$url"
same 'is shown, not obeyed' "$out" '{"index":1,"message":"a \u202e b","action":"x"}'

# Verdicts.
verdict() { jq -nc --argjson note "$note" '{trail:"main",verdict:"intact",size:21,entries:21,erased:0,unsigned:0} + $more' --argjson more "$1"; }
vkey_member="\"vkey\":\"$vkey\""
trusted="{$vkey_member,\"checkpoint\":$note}"
verified() { # STATUS TEXT ROW...
    local wanted=$1 text=$2
    shift 2
    local body
    body=$(printf '%s\n' '{"done":1,"total":21}' "$@")$'\n'
    answer row 200 $ndjson "$body"
    stand trails row
    expect "$wanted" "$text" "$TALLY" verify "$url"
}
verified 0 'intact, and shown' "$(verdict "$trusted")"
says 'in the words of a folder' '^main: intact up to size 21, signed by '
verified 3 'intact, and nothing shown' "$(verdict "{$vkey_member}")"
says 'is no verdict' '^main: cannot be checked'
verified 3 'no verdict at the end'
verified 3 'more behind the verdict' "$(verdict "$trusted")" '{"done":21,"total":21}'
verified 3 'a verdict there is not' "$(verdict "{$vkey_member,\"checkpoint\":$note,\"verdict\":\"splendid\"}")"
verified 3 'fewer entries than the checkpoint has' "$(verdict "{$vkey_member,\"checkpoint\":$note,\"entries\":20}")"
verified 1 'tampered' "$(verdict '{"verdict":"tampered","text":"entry 7 is another","bad_first":7,"bad_last":7}')"
says 'with the place' '^main: tampered: entry 7: entry 7 is another'
verified 1 'an index that is wrong' "$(verdict '{"verdict":"index wrong","text":"rebuild it"}')"
verified 1 'a signature that is bad' "$(verdict "$(jq -c '.checkpoint |= sub("\n21\n"; "\n22\n")' <<< "$trusted")")"
says 'shows it' '^main: tampered: .*not signed by'

"$TALLY" init elsewhere > /dev/null
stranger=$(jq -nc --arg vkey "$("$TALLY" trail elsewhere info | sed -n 's/^vkey: //p')" \
    --rawfile note elsewhere/trails/main/checkpoint '{$vkey,checkpoint:$note,entries:1,size:1}')
verified 1 'another key than the one seen' "$(verdict "$stranger")"
cp data/trails/main/checkpoint old
"$TALLY" record data --action a.b > /dev/null
"$TALLY" verify data > /dev/null
verified 1 'a trail that went back' "$(verdict "$trusted")"
says 'to before what was seen' '^main: tampered: it is shorter than when it was last seen, with size 22'
answer cut_row 200 $ndjson "$(verdict "$trusted")"
cut cut_row half 30
stand trails half
expect 3 'a verdict that breaks off' "$TALLY" verify "$url"
same 'is none' "$out" ''
answer none 200 $json '{"data":[],"next":null}'
stand none
expect 3 'nothing to check is no pass' "$TALLY" verify "$url"
stand none
expect 3 'nor is a trail that is not there' "$TALLY" verify "$url" --trail main
says 'said as on a folder' 'there is no trail "main": nothing was checked'

# Proofs.
"$TALLY" prove data 7 > proof
answer good 200 'text/plain; charset=utf-8' "$(cat proof)"$'\n'
stand info good
expect 0 'a proof' "$TALLY" prove "$url" 7 --output got
same 'as it is' "$(cmp got proof && echo same)" same
stand info good
expect 1 'the proof of another entry' "$TALLY" prove "$url" 6 --output bad
answer forged 200 'text/plain; charset=utf-8' "$(sed 's/^index 7/index 6/' proof)"$'\n'
stand info forged
expect 1 'a proof that fails' "$TALLY" prove "$url" 6 --output bad
same 'neither is written' "$(ls bad bad.part 2> /dev/null)" ''
stand info missing
expect 4 'an entry that is not there' "$TALLY" prove "$url" 99
complains 'and how many are' 'there is no entry 99: the trail has size 21'
stand info page
expect 3 'no proof' "$TALLY" prove "$url" 7

# What the server refuses of a batch is said of the line that it stood on.
events 3 > three.json
answer odd 400 $problem '{"detail":"x","errors":[{"position":1,"line":2,"pointer":"/user_id","detail":"not here"}]}'
stand odd
expect 2 'an event that only the server refuses' "$TALLY" record "$url" three.json
complains 'its place' '^tally: three.json: line 2: /user_id: not here'
answer conflict 409 $problem '{"errors":[{"position":2,"pointer":"/id","index":5,"detail":"x"}]}'
stand conflict
expect 2 'an id with other content' "$TALLY" record "$url" three.json
complains 'as of a folder' 'three.json: line 3: /id: entry 5 has this id and other content'
expect 2 'an event that is none' "$TALLY" record "$url" --user-id u1
same 'is not sent' "$(requests)" 1
answer three 201 $json "{\"receipts\":[{\"index\":1,\"leaf\":\"00\",\"repeated\":false}]}"
stand three
expect 3 'receipts that are none' "$TALLY" record "$url" three.json
same 'are not believed' "$out" ''

leave
finish
