#!/bin/bash
. "$(dirname "$0")/lib.sh"
make_data data
{
    for i in 0 1 2 3 4 5; do
        echo "{\"action\":\"user.login\",\"status\":\"failure\",\"user_id\":\"u$((i % 2))\",\"timestamp\":\"2026-01-02T0$i:30:00Z\"}"
    done
    echo '{"action":"report.approve","user_id":"u0","status_code":200,"timestamp":"2026-01-02T05:59:59.999Z"}'
    echo '{"action":"config \u001b[31m\"x\"","timestamp":"2026-01-04T12:00:00Z"}'
} | "$TALLY" record data > /dev/null

# json ARGUMENTS...: the object.
json() {
    "$TALLY" stats data --format json "$@" 2>> "$scratch/err"
}
same 'a total' "$(json)" '{"total":8}'
same 'of a filter' "$(json user:u0 action:user.login)" '{"total":3}'
same 'control entries only if asked for' "$(json --control) $(json 'control:*')" '{"total":9} {"total":1}'
same 'by a field, the most frequent first, equal ones by their bytes' "$(json --by action)" \
    '{"total":8,"by":"action","values":[{"value":"user.login","count":6},{"value":"config \u001b[31m\"x\"","count":1},{"value":"report.approve","count":1}],"rest":0,"absent":0,"distinct":3}'
same 'by an alias, with those that have none' "$(json --by user)" \
    '{"total":8,"by":"user_id","values":[{"value":"u0","count":4},{"value":"u1","count":3}],"rest":0,"absent":1,"distinct":2}'
same 'the top one' "$(json --by user_id --top 1)" \
    '{"total":8,"by":"user_id","values":[{"value":"u0","count":4}],"rest":3,"absent":1,"distinct":2}'
same 'numbers are named as texts' "$(json --by status_code)" \
    '{"total":8,"by":"status_code","values":[{"value":"200","count":1}],"rest":0,"absent":7,"distinct":1}'
same 'over time, without gaps, by whole intervals' "$(json --interval 12h)" \
    '{"total":8,"interval":"12h","buckets":[{"start":"2026-01-02T00:00:00Z","count":7},{"start":"2026-01-02T12:00:00Z","count":0},{"start":"2026-01-03T00:00:00Z","count":0},{"start":"2026-01-03T12:00:00Z","count":0},{"start":"2026-01-04T00:00:00Z","count":0},{"start":"2026-01-04T12:00:00Z","count":1}]}'
same 'weeks begin on Monday' "$(json --interval 1w)" '{"total":8,"interval":"1w","buckets":[{"start":"2025-12-29T00:00:00Z","count":8}]}'
same 'both' "$(json status:failure --by user_id --interval 1d --top 1)" \
    '{"total":6,"by":"user_id","values":[{"value":"u0","count":3}],"rest":3,"absent":0,"distinct":2,"interval":"1d","buckets":[{"start":"2026-01-02T00:00:00Z","count":6,"values":[3],"rest":3,"absent":0}]}'
same 'by value in each interval' "$(json --by user_id --interval 1d | sed 's/.*"buckets"/"buckets"/')" \
    '"buckets":[{"start":"2026-01-02T00:00:00Z","count":7,"values":[4,3],"rest":0,"absent":0},{"start":"2026-01-03T00:00:00Z","count":0,"values":[0,0],"rest":0,"absent":0},{"start":"2026-01-04T00:00:00Z","count":1,"values":[0,0],"rest":0,"absent":1}]}'
same 'by two fields, one of them absent' "$(json --by user,status)" \
    '{"total":8,"by":["user_id","status"],"values":[{"value":["u0","failure"],"count":3},{"value":["u1","failure"],"count":3},{"value":[null,"success"],"count":1},{"value":["u0","success"],"count":1}],"rest":0,"absent":0,"distinct":4}'
same 'both of them absent' "$(json --by user,status_code --top 1)" \
    '{"total":8,"by":["user_id","status_code"],"values":[{"value":["u0",null],"count":3}],"rest":4,"absent":1,"distinct":3}'
same 'distinct values' "$(json --distinct user,status_code,session_id)" \
    '{"total":8,"distinct_values":{"user_id":2,"status_code":1,"session_id":0}}'
same 'nothing' "$(json user:nobody --by action --interval 1h)" \
    '{"total":0,"by":"action","values":[],"rest":0,"absent":0,"distinct":0,"interval":"1h","buckets":[]}'
if command -v jq > /dev/null; then
    same 'buckets and values add up to the total' "$(json --by user_id --interval 1h |
        jq '[(.buckets | map(.count) | add), (.values | map(.count) | add) + .rest + .absent, .total] | unique | length')" 1
else
    skip 'buckets and values add up to the total' 'no jq'
fi

# Percentiles, by nearest rank.
make_data times
printf '{"action":"a.b","response_time_ms":%s}\n' 3 0.50 12.25 12.250 100000000000000000001 7 0.5 |
    "$TALLY" record times > /dev/null
echo '{"action":"c.d"}' | "$TALLY" record times > /dev/null
quantiles() {
    "$TALLY" stats times --format json "$@" 2>> "$scratch/err" | sed 's/.*"percentiles"://'
}
same 'percentiles' "$(quantiles --percentiles response_time_ms)" \
    '{"field":"response_time_ms","count":7,"absent":1,"minimum":0.5,"maximum":100000000000000000001,"values":[{"percentile":50,"value":7},{"percentile":90,"value":100000000000000000001},{"percentile":95,"value":100000000000000000001},{"percentile":99,"value":100000000000000000001}]}}'
same 'those that are asked for' "$(quantiles --percentiles response_time_ms --ranks 85.714,28.571,28.572)" \
    '{"field":"response_time_ms","count":7,"absent":1,"minimum":0.5,"maximum":100000000000000000001,"values":[{"percentile":28.571,"value":0.5},{"percentile":28.572,"value":3},{"percentile":85.714,"value":12.25}]}}'
same 'of nothing' "$(quantiles --percentiles status_code --ranks 50 action:a.b)" \
    '{"field":"status_code","count":0,"absent":7,"minimum":null,"maximum":null,"values":[{"percentile":50,"value":null}]}}'
same 'as rows' "$("$TALLY" stats times --percentiles response_time_ms --ranks 99.9 --distinct action --format csv | tr -d '\r' | paste -sd' ')" \
    'kind,value,count total,,8 numbers,response_time_ms,7 minimum,0.5, p99.9,100000000000000000001, maximum,100000000000000000001, distinct,action,2'

# Other formats.
expect 0 'a table' "$TALLY" stats data --by user_id --interval 1d
says 'has a row for each' '^kind +start +value +count$' '^total +8$' '^value +u0 +4$' '^absent +1$' '^bucket +2026-01-02T00:00:00Z +7$'
expect 0 'a table of strange values' "$TALLY" stats data --by action
says 'shows them escaped' 'config \\u001b\[31m"x"'
same 'NDJSON' "$("$TALLY" stats data user:u1 --by user_id --format ndjson | paste -sd' ')" \
    '{"kind":"total","count":3} {"kind":"value","value":"u1","count":3} {"kind":"rest","count":0} {"kind":"absent","count":0} {"kind":"distinct","count":1}'
same 'CSV' "$("$TALLY" stats data user:u1 --format csv | tr -d '\r' | paste -sd' ')" 'kind,value,count total,,3'

same 'pairs as CSV' "$("$TALLY" stats data user:u0 --by user,status --format csv | tr -d '\r' | paste -sd' ')" \
    'kind,value,second,count total,,,4 value,u0,failure,3 value,u0,success,1 rest,,,0 absent,,,0 distinct,,,2'
same 'by value in each interval, what is there' "$("$TALLY" stats data --by user_id --top 1 --interval 2d --format ndjson | grep bucket | paste -sd' ')" \
    '{"kind":"bucket","start":"2026-01-01T00:00:00Z","count":7} {"kind":"bucket_value","start":"2026-01-01T00:00:00Z","value":"u0","count":4} {"kind":"bucket_rest","start":"2026-01-01T00:00:00Z","count":3} {"kind":"bucket","start":"2026-01-03T00:00:00Z","count":1} {"kind":"bucket_absent","start":"2026-01-03T00:00:00Z","count":1}'

# Too fine an interval, and what would do.
expect 2 'too many intervals' "$TALLY" stats data --interval 10s
complains 'and what would do' '10s makes 21421 intervals, more than 10000: 22s is the shortest'
expect 0 'that will do' "$TALLY" stats data --interval 22s
expect 2 'a second less does not' "$TALLY" stats data --interval 21s

# What counting took.
same 'what it took' "$(json --explain user:u1 --by action)" \
    '{"filter":"user_id:u1","runs":{"all":1,"passed":0,"ruled_out":0,"asked":1},"pages":{"all":1,"passed":0,"ruled_out":0,"asked":1},"terms":[{"term":"control:*","pages":{"values":1}},{"term":"user_id:u1","pages":{"codes":1}}],"matches":3,"reads":0,"bytes":0}'
expect 0 'as a table' "$TALLY" stats data --explain user:u1
says 'has no figures' '^matches +3$' '^term +user_id:u1 +codes +1$'
same 'of the answer' "$(grep -c '^total' out)" 0

# Slips.
for arguments in '--interval 0h' '--interval 1y' '--interval 101d' '--by nothing' '--by details' '--by' '--by action --top 0' \
    '--by action --top 1001' '--top 5' '--format yaml' 'user_ID:x' '--by action,details' '--by action,action' \
    '--by user,user_id' '--by action,' '--by ,action' '--by a,b,c' '--by action,status,crud' '--by private' \
    '--percentiles user' '--percentiles timestamp' '--percentiles status_code,response_time_ms' '--percentiles' '--ranks 50' \
    '--percentiles status_code --ranks 0' '--percentiles status_code --ranks 101' '--distinct details' '--distinct' \
    '--distinct id,id'; do
    # shellcheck disable=SC2086
    expect 2 "refused: $arguments" "$TALLY" stats data $arguments
done
expect 2 'a field that is misspelled' "$TALLY" stats data --by acton
complains 'the one that was meant' "there is no field 'acton' to count by: did you mean action"
for option in --group-by --group_by --groupby; do
    expect 2 'what SQL calls it' "$TALLY" stats data "$option" action
    complains 'what it is called' 'did you mean --by\?'
done
expect 2 'a member' "$TALLY" stats data --by details.host
complains 'what it is' 'members of objects are not counted by'
expect 2 'an unknown field in the filter' "$TALLY" stats data user_ID:x
complains 'is pointed at' 'column 1' '^tally: +\^$'
expect 2 'no folder named' "$TALLY" stats
expect 3 'no folder there' "$TALLY" stats nothing

finish
