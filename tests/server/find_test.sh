#!/bin/bash
# Lists, single entries, proofs and what stands around an entry.
. "$(dirname "$0")/lib.sh"
make_served data
{
    echo '{"action":"user.login","status":"success","user_id":"ann","ip_address":"10.1.2.3","timestamp":"2026-01-01T10:00:00Z","id":"e1"}'
    echo '{"action":"user.login","status":"failure","user_id":"bob","ip_address":"192.0.2.9","timestamp":"2026-01-02T10:00:00Z","id":"e2"}'
    echo '{"action":"report.approve","user_id":"ann","resource_type":"report","resource_id":"r 7","request_id":"q1","timestamp":"2026-01-03T10:00:00Z","id":"e3"}'
    echo '{"action":"mail.send","request_id":"q1","message":"a \u001b[31mred\u202e text","timestamp":"2026-01-04T10:00:00.123456Z","id":"e4"}'
} | "$TALLY" record data > /dev/null
serve data

# ids [NAME=VALUE...]: of the entries found.
ids() {
    ask /api/events "$@"
    picked '[.data[].id] | join(" ")' | tr -d '"'
}

# Lists.
fetch 200 'a list' /api/events
head_is 'is JSON' Content-Type application/json
same 'newest first, the last page' "$(picked '[.data[].id], .next')" '["e4","e3","e2","e1"] null'
same 'its rows are those of the command line' "$(jq -c '.data[]' out | sha256sum)" \
    "$("$TALLY" query data --format json | jq -c '.data[]' | sha256sum)"
same 'escaped so that it may be shown' "$(grep -c 'a \\u001b\[31mred\\u202e text' out)" 1
same 'a filter' "$(ids q=user:ann)" 'e3 e1'
same 'a parameter' "$(ids user_id=ann)" 'e3 e1'
same 'both' "$(ids q=action:user.login user=ann)" 'e1'
same 'a parameter given twice' "$(ids user_id=ann user_id=bob)" 'e3 e2 e1'
same 'a parameter is meant as it is' "$(ids 'user_id=*')" ''
same 'from and to' "$(ids from=2026-01-02 to=2026-01-03)" 'e3 e2'
same 'success' "$(ids success=false)" 'e2'
same 'orders' "$(ids order=time)|$(ids order=index)|$(ids order=-index)" 'e1 e2 e3 e4|e1 e2 e3 e4|e4 e3 e2 e1'
same 'control entries only if asked for' "$(ids | wc -w) $(ids control=true | wc -w) $(ids control=false | wc -w)" '4 5 4'
fetch 200 'a count' /api/events q=user:ann limit=1 count=exact
same 'is of all' "$(picked '.total, (.data | length)')" '2 1'
fetch 200 'nothing found' /api/events user_id=nobody
same 'is an empty list' "$(picked '.data, .next')" '[] null'

# Pages.
fetch 200 'a page' /api/events limit=2
cursor=$(jq -r .next out)
send 201 'while others arrive' /api/events '{"action":"late.comer","id":"e5"}'
same 'the next one goes on' "$(ids limit=2 cursor="$cursor")" 'e2 e1'
fetch 400 'not with another filter' /api/events limit=2 q=user:ann cursor="$cursor"
fetch 400 'nor with another parameter' /api/events limit=2 user=ann cursor="$cursor"
fetch 400 'nor in another order' /api/events limit=2 order=time cursor="$cursor"
fetch 400 'nor one of our making' /api/events cursor=nothing
pages= cursor=
while :; do
    ask /api/events control=true order=index limit=1 ${cursor:+cursor="$cursor"}
    pages+="$(picked '.data[].index') "
    cursor=$(jq -r '.next // empty' out)
    [ -n "$cursor" ] || break
done
same 'pages of one give every entry once' "$pages" '0 1 2 3 4 5 '

# What is refused.
for parameters in limit=0 limit=1001 limit=many limit= order=newest count=about control=yes nothing=1 user_ID=x 'q=user_ID:x' 'q=user:' page=1; do
    fetch 400 "refused: $parameters" /api/events "$parameters"
done
fetch 400 'a parameter given twice' /api/events limit=1 limit=2
for slip in limt:limit userid:user_id Cursor:cursor email:user_email; do
    fetch 400 'a parameter misspelled' /api/events "${slip%:*}=1"
    same 'and what was meant' "$(picked .detail)" "\"there is no parameter \\\"${slip%:*}\\\" here: did you mean ${slip#*:}? /docs lists them\""
done
for slip in group_by:by groupby:by tpo:top intrval:interval acton:action; do
    fetch 400 'one of statistics' /api/stats "${slip%:*}=1"
    same 'and what was meant there' "$(picked .detail)" "\"there is no parameter \\\"${slip%:*}\\\" here: did you mean ${slip#*:}? /docs lists them\""
done
fetch 400 'one that resembles none' /api/events quux=1
same 'and where they are' "$(picked .detail | grep -c '/docs lists them')" 1
fetch 400 'a field, where there is no filter' /api/verify user_id=1
same 'was not meant' "$(picked .detail | grep -c '/docs lists them')" 1
fetch 400 'and a filter' /api/events q=user:ann q=user:bob
fetch 400 'a filter with an error' /api/events 'q=user:ann status:'
same 'the problem says where' "$(picked '.status, .errors[0].column')" '400 17'
head_is 'as a problem document' Content-Type application/problem+json
fetch 404 'a trail there is not' /api/events trail=nothing
fetch 404 'nor could be' /api/events 'trail=../main'

# One entry.
fetch 200 'one entry' /api/events/1
same 'is one object' "$(picked '.index, .id, .user_id')" '1 "e1" "ann"'
fetch 200 'a control entry' /api/events/0
same 'has what it says' "$(picked .control.type)" '"created"'
fetch 404 'beyond the end' /api/events/6
fetch 404 'far beyond it' /api/events/99999999999999999999
fetch 404 'no index' /api/events/first
fetch 200 'evidence' /api/events/3 form=evidence
cp out evidence
"$TALLY" export data id:e3 --format evidence > exported
same 'is that of an export' "$(jq -c 'del(.proof, .checkpoint)' evidence)" "$(jq -c 'del(.proof, .checkpoint)' exported)"
if command -v python3 > /dev/null; then
    expect 0 'a stranger agrees' python3 "$source_root/tests/stranger.py" "$vkey" < evidence
else
    skip 'a stranger agrees' 'no python3'
fi
fetch 200 'evidence of a control entry' /api/events/0 form=evidence
same 'is there, too' "$(picked .index)" 0
fetch 400 'another form' /api/events/3 form=other

# Proofs, also of what is not signed yet.
for i in 1 2 3 4 5; do
    send 201 "an entry, number $i" /api/events "{\"action\":\"a.b\",\"id\":\"p$i\"}"
    index=$(jq .first out)
    fetch 200 'its proof, at once' "/api/events/$index/proof"
    cp out proof
    expect 0 'proves it' "$TALLY" prove --check proof --vkey "$vkey"
    says 'that very entry' "^entry $index of .* is proved" "\"id\":\"p$i\""
done
head_is 'is a text' Content-Type 'text/plain; charset=utf-8'
fetch 404 'no proof of what is not there' /api/events/1000/proof

# Around an entry.
fetch 200 'around an entry' /api/events/3/around
same 'is what shares its request or its user, in order of time' "$(picked '[.data[].id], .next')" '["e1","e3","e4"] null'
fetch 200 'with a limit' /api/events/3/around limit=2
same 'half before, itself, half after' "$(picked '[.data[].id]')" '["e1","e3"]'
fetch 200 'a limit of one' /api/events/3/around limit=1
same 'is itself' "$(picked '[.data[].id]')" '["e3"]'
fetch 200 'around one that shares nothing' /api/events/5/around
same 'is itself' "$(picked '[.data[].id]')" '["e5"]'
for i in 1 2 3 4; do
    send 201 "a session's entry, number $i" /api/events "{\"action\":\"s.t\",\"session_id\":\"s1\",\"id\":\"s$i\"}"
done
fetch 200 'around the last of a session' "/api/events/$(jq .first out)/around"
same 'is all that was before, in order of time' "$(picked '[.data[].id]')" '["s1","s2","s3","s4"]'
fetch 200 'around a control entry' /api/events/0/around
same 'is itself' "$(picked '[.data[].control.type]')" '["created"]'
fetch 404 'around nothing' /api/events/1000/around
fetch 400 'a limit of nothing' /api/events/3/around limit=0

# An answer is bounded: a page ends early and goes on.
big=$(head -c 900000 /dev/zero | tr '\0' x)
for i in {1..12}; do
    echo "{\"action\":\"big.one\",\"id\":\"b$i\",\"user_id\":\"big\",\"details\":{\"x\":\"$big\"}}"
done > big.ndjson
send 201 'entries of nearly a mebibyte' /api/events @big.ndjson application/x-ndjson
fetch 200 'a page of them' /api/events user_id=big order=index
same 'ends early' "$(($(stat -c %s out) < 10000000)) $(picked '.data | length < 12')" '1 true'
count=$(jq '.data | length' out)
fetch 200 'and goes on' /api/events user_id=big order=index cursor="$(jq -r .next out)"
same 'with the others' "$(($(jq '.data | length' out) + count)) $(picked .next)" '12 null'
ask /api/events user_id=big order=index limit=1
fetch 400 'around one of them' "/api/events/$(jq '.data[0].index' out)/around"
same 'a lower limit is asked for' "$(picked .detail | grep -c 'lower limit')" 1

# All of it is on record.
same 'reading is on record' "$(ids trail=tally action=audit.read 'q=details.filter:"user:ann" details.route:"/api/events"' | wc -w)" 1
same 'with its parameters' "$(ids trail=tally 'q=details.filter:"action:user.login user:\"ann\""' | wc -w)" 1
same 'each route by itself' "$(ids trail=tally q=details.filter:index:3 | wc -w)" 2
same 'who, and what' "$(ask /api/events trail=tally 'q=details.filter:"user:ann"' && picked '.data[0] | .resource_type, .resource_id, .event_type, .ip_address')" \
    '"trail" "main" "audit_read" "127.0.0.1"'
same 'asked again, it is not written again' "$(ids q=user:ann > /dev/null; ids trail=tally 'q=details.filter:"user:ann"' | wc -w)" 1

expect 0 'the server ends' stop
expect 0 'the trail is none the worse' "$TALLY" verify data
finish
