#!/bin/bash
. "$(dirname "$0")/lib.sh"
make_data data
{
    echo '{"action":"user.login","status":"success","user_id":"ann","ip_address":"10.1.2.3","timestamp":"2026-01-01T10:00:00Z","id":"e1"}'
    echo '{"action":"user.login","status":"failure","user_id":"bob","ip_address":"192.0.2.9","timestamp":"2026-01-02T10:00:00Z","id":"e2"}'
    echo '{"action":"report.approve","user_id":"ann","resource_type":"report","resource_id":"r 7","timestamp":"2026-01-03T10:00:00Z","details":{"a.b":{"c":"deep"}},"id":"e3"}'
    echo '{"action":"config.update","user_id":"root","severity":"high","message":"a \u001b[31mred\u202e text","timestamp":"2026-01-04T10:00:00.123456Z","id":"e4"}'
} | "$TALLY" record data > /dev/null

# ids FILTER...: the ids found, in order.
ids() {
    "$TALLY" query data --format ndjson "$@" 2>> "$scratch/err" | sed -E 's/.*"id":"([^"]*)".*/\1/' | paste -sd' '
}
same 'no filter: everything, newest first' "$(ids)" 'e4 e3 e2 e1'
same 'a field' "$(ids user_id:ann)" 'e3 e1'
same 'an alias' "$(ids user:ann)" 'e3 e1'
same 'operands are joined by blanks' "$(ids user:ann action:user.login)" 'e1'
same 'a negative term is no option' "$(ids -user:ann)" 'e4 e2'
same 'also between options' "$(ids --limit 5 -user:ann --order time)" 'e2 e4'
same 'behind --' "$(ids -- -user:ann)" 'e4 e2'
same 'a list, a wildcard' "$(ids user:ann,bob 'action:user.*')" 'e2 e1'
same 'OR' "$(ids user:bob OR user:root)" 'e4 e2'
same 'parentheses, negated' "$(ids '-(user:bob OR user:root)')" 'e3 e1'
same 'a day' "$(ids timestamp:2026-01-02)" 'e2'
same 'both ends included' "$(ids timestamp:2026-01-02..2026-01-03)" 'e3 e2'
same 'a network' "$(ids ip:10.0.0.0/8)" 'e1'
same 'a quoted value' "$(ids 'resource:"report/r 7"')" 'e3'
same 'a member with a dot' "$(ids 'details."a.b".c:deep')" 'e3'
same 'free text' "$(ids '"red"')" 'e4'
same 'orders' "$(ids --order time)|$(ids --order index)|$(ids --order=-index)" 'e1 e2 e3 e4|e1 e2 e3 e4|e4 e3 e2 e1'
same 'control entries only if asked for' "$(ids | wc -w) $(ids --control | wc -w) $(ids 'control:*' | wc -w)" '4 5 1'
expect 0 'nothing found is no failure' "$TALLY" query data user:nobody
same 'and prints nothing' "$out$err" ''

# Pages.
first=$("$TALLY" query data --limit 2 --format json | tr -d '\n')
cursor=$(sed -E 's/.*"next":"([^"]*)".*/\1/' <<< "$first")
echo '{"action":"late.comer","id":"e5"}' | "$TALLY" record data > /dev/null
same 'the next page goes on where the first ended' "$(ids --limit 2 --cursor "$cursor")" 'e2 e1'
expect 0 'the last page' "$TALLY" query data --limit 2 --cursor "$cursor" --format json
says 'says that it is' '"next":null'
expect 0 'in other formats' "$TALLY" query data --limit 2
complains 'the cursor is told apart from the rows' 'add --cursor [A-Za-z0-9_-]+$'
expect 2 'a cursor of another query' "$TALLY" query data user:ann --cursor "$cursor"
expect 2 'a cursor of another order' "$TALLY" query data --order time --cursor "$cursor"
other=$(tr 'A-Za-z' 'B-ZAb-za' <<< "${cursor:40:1}" | tr '0-9_-' '1-90-_')
expect 2 'a cursor that was altered' "$TALLY" query data --cursor "${cursor:0:40}$other${cursor:41}"
expect 2 'no cursor' "$TALLY" query data --cursor nothing
pages='' cursor=''
while :; do
    page=$("$TALLY" query data --control --order index --limit 1 ${cursor:+--cursor "$cursor"} --format json | tr -d '\n')
    pages+=$(sed -E 's/.*"index":([0-9]+).*/\1 /' <<< "$page")
    cursor=$(sed -nE 's/.*"next":"([^"]*)".*/\1/p' <<< "$page")
    [ -n "$cursor" ] || break
done
same 'pages of one give every entry once' "$pages" '0 1 2 3 4 5 '

# Formats.
expect 0 'a table' "$TALLY" query data user:ann
says 'has a header and fields' '^index +timestamp +user +action' '2026-01-03T10:00:00Z +ann +report.approve +report/r 7'
expect 0 'a table with control characters' "$TALLY" query data user:root
says 'shows them as escapes' 'a \\u001b\[31mred\\u202e text'
same 'and passes none on' "$(LC_ALL=C tr -d '\n -~' < out | wc -c)" 0
expect 0 'JSON' "$TALLY" query data user:root --format json
says 'one document, escaped alike' '^\{"data":\[$' '\\u001b\[31mred\\u202e text' '"2026-01-04T10:00:00\.123456Z"'
expect 0 'CSV' "$TALLY" query data user:ann --format csv
same 'a header and rows, with CR LF' "$(grep -c $'\r$' out)" 3
expect 0 'a narrow table' env COLUMNS=60 "$TALLY" query data
same 'fits' "$(($(wc -L < out) <= 60))" 1
if script -qec true /dev/null > /dev/null 2>&1; then
    script -qec "'$TALLY' query data status:failure" /dev/null > colour < /dev/null
    same 'colour on a terminal' "$(grep -c $'\e\[33mfailure' colour)" 1
    script -qec "NO_COLOR=1 '$TALLY' query data status:failure" /dev/null > colour < /dev/null
    same 'none with NO_COLOR' "$(grep -c $'\e' colour)" 0
    script -qec "TERM=dumb '$TALLY' query data status:failure" /dev/null > colour < /dev/null
    same 'none on a dumb one' "$(grep -c $'\e' colour) $(grep -c failure colour)" '0 1'
    script -qec "env -u TERM '$TALLY' query data status:failure" /dev/null > colour < /dev/null
    same 'nor on one that has no name' "$(grep -c $'\e' colour) $(grep -c failure colour)" '0 1'
    script -qec "'$TALLY' query data user:root --format csv" /dev/null > colour < /dev/null
    same 'CSV on a terminal is escaped too' "$(grep -c $'\e' colour)" 0

    nothing='tally: nothing was found'
    meant="tally: words and signs of other languages are text here: did you mean user:eve status_code:>=500"
    same 'nothing found is said at a terminal' "$(typed "$TALLY" query data user:eve)" "$nothing"
    for command in query tail; do
        same "and what was meant: $command" "$(typed "$TALLY" $command data user=eve 'status>=500')" "$nothing"$'\n'"$meant"
    done
    same 'joints of other languages, too' "$(typed "$TALLY" query data user:eve or not user:ann '&&' user:ann)" \
        "$nothing"$'\n'"tally: words and signs of other languages are text here: did you mean user:eve OR -user:ann user:ann"
    same 'stats says what was meant' "$(typed "$TALLY" stats data user=eve 'status>=500' | grep -xF "$meant")" "$meant"
    same 'so does --explain' "$(typed "$TALLY" query data user=eve 'status>=500' --explain | grep -xF "$meant")" "$meant"
    same 'nothing of it where something is found' "$(typed "$TALLY" query data user:ann | grep -c '^tally:')" 0
    for format in json ndjson csv; do
        same "nor beside $format" "$(typed "$TALLY" query data user=eve --format $format | grep -c '^tally:')" 0
    done
    make_data empty
    same 'a trail without entries' "$(typed "$TALLY" query empty)" 'tally: there are no entries'
else
    skip 'colour on a terminal' 'no terminal to be had'
fi

# What a question took.
explain() {
    "$TALLY" query data --explain "$@" 2>> "$scratch/err"
}
expect 0 'what a question took' "$TALLY" query data user:ann --explain
says 'as a table, and no entry' '^about +term +what +count$' '^filter +user_id:ann' '^runs +all +1$' '^pages +asked +1$' \
    '^term +user_id:ann +codes +1$' '^matches +[1-9]' '^reads +0$' '^bytes +0$'
same 'without the answer' "$(grep -c 'user.login' out)" 0
same 'as an object' "$(explain user:nobody --format json)" \
    '{"filter":"user_id:nobody","runs":{"all":1,"passed":0,"ruled_out":0,"asked":1},"pages":{"all":1,"passed":0,"ruled_out":0,"asked":1},"terms":[{"term":"control:*","pages":{"values":1}},{"term":"user_id:nobody","pages":{"codes":1}}],"matches":0,"reads":0,"bytes":0}'
same 'as rows' "$(explain index:0 --control --format ndjson | paste -sd' ' | cut -d ' ' -f 1,2,5-)" \
    '{"about":"filter","term":"index:0"} {"about":"runs","what":"all","count":1} {"about":"runs","what":"asked","count":1} {"about":"pages","what":"all","count":1} {"about":"pages","what":"passed","count":0} {"about":"pages","what":"ruled_out","count":0} {"about":"pages","what":"asked","count":1} {"about":"term","term":"index:0","what":"index","count":1} {"about":"matches","count":1} {"about":"reads","count":0} {"about":"bytes","count":0}'
same 'a run beyond the indexes is passed' "$(explain 'index:>1000000' --format csv | tr -d '\r' | grep -E '^runs,,(passed|asked)' | paste -sd' ')" \
    'runs,,passed,1 runs,,asked,0'
expect 2 'a filter that is refused is so here' "$TALLY" query data --explain user_ID:x

# Slips.
expect 2 'an unknown field' "$TALLY" query data user_ID:x
complains 'with the column, pointed at' 'column 1' '^tally: +\^$'
expect 2 'a value is missing' "$TALLY" query data user:ann status:
complains 'with its column' 'column 17' '^tally: {21}\^$'
expect 2 'AND and OR mixed' "$TALLY" query data user:ann OR user:bob status:failure
for arguments in '--limit 0' '--limit 1001' '--limit many' '--limit -1' '--order newest' '--format yaml' '--nothing' '-x'; do
    # shellcheck disable=SC2086
    expect 2 "refused: $arguments" "$TALLY" query data $arguments
done
expect 2 'no folder named' "$TALLY" query
expect 3 'no folder there' "$TALLY" query nothing
complains 'and how to make one' 'tally init nothing'
expect 3 'a folder of another kind' "$TALLY" query "$scratch"
complains 'said as well' 'no data folder at .*, but something else'
expect 2 'none is named' "$TALLY" query
complains 'what may stand there' "^tally: usage: tally query WHERE"
for where in 127.0.0.1:7878 localhost:7878/ htpp://127.0.0.1:7878; do
    expect 3 "$where" "$TALLY" query $where user:ann
    complains 'how a URL begins' "no data folder at $where; a server's URL begins with http://"
done
expect 3 'a filter and nothing before it' "$TALLY" query user:ann
complains 'what stands there' "the folder or the server's URL stands before it"
expect 3 'a server that is not there' "$TALLY" query http://127.0.0.1:1 user:ann
complains 'is said' 'http://127.0.0.1:1: .*connect'

# Free text in the other case, in many scripts: in a head, and in a segment, whose index has the words.
texts=('Nguyễn Văn Đức từ chối' 'ґанок і їжак' 'Հայաստան' 'Şəhər, Ağdam qapısı' 'საქართველო' 'Ștefan Țepeș' 'Қазақ Әліпбиі'
    'Ὀδυσσεύς' 'ｆｕｌｌ ｗｉｄｔｈ' '𐐨𐑍𐑊')
others=('NGUYỄN VĂN ĐỨC TỪ CHỐI' 'ҐАНОК І ЇЖАК' 'ՀԱՅԱՍՏԱՆ' 'şƏHƏR, aĞDAM' 'ᲡᲐᲥᲐᲠᲗᲕᲔᲚᲝ' 'ȘTEFAN ȚEPEȘ' 'ҚАЗАҚ ӘЛІПБИІ'
    'ὈΔΥΣΣΕΎΣ' 'ＦＵＬＬ ＷＩＤＴＨ' '𐐀𐐥𐐢')
for place in head segment; do
    make_data "$place"
    for i in "${!texts[@]}"; do
        echo "{\"action\":\"user.note\",\"id\":\"n$i\",\"message\":\"${texts[i]}\",\"details\":{\"text\":\"${texts[i]}\"}}"
    done | TALLY_STORAGE_HEAD_ENTRIES=$([ "$place" = head ] && echo 1000 || echo 10) "$TALLY" record "$place" > /dev/null
    same "a $place" "$(find "$place" -name '*.index.*' | wc -l)" "$([ "$place" = head ] && echo 0 || echo 1)"
    for i in "${!others[@]}"; do
        same "${others[i]} in a $place" \
            "$("$TALLY" query "$place" "\"${others[i]}\"" --format ndjson | sed -E 's/.*"id":"([^"]*)".*/\1/')" "n$i"
    done
done

# The folder of somebody else.
stranger() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
chmod 711 "$scratch"
if [ "$(id -u)" = 0 ] && stranger "$TALLY" --version > /dev/null 2>&1; then
    expect 3 'the folder of another user' stranger "$TALLY" query data user:ann
    complains 'whose it is, and what to do' 'Permission denied' 'data belongs to the user with the number 0: become'
else
    skip 'the folder of another user' 'only root can be two users'
    skip 'whose it is, and what to do' 'only root can be two users'
fi

# Read-only for us: still read.
chmod -R a-w data
expect 0 'a folder that may only be read' "$TALLY" query data user:ann
chmod -R u+w data

# The reader closes early.
"$TALLY" query data | head -n 1 > one
same 'a closed pipe is quiet' "${PIPESTATUS[*]}" '0 0'

finish
