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
    '{"total":6,"by":"user_id","values":[{"value":"u0","count":3}],"rest":3,"absent":0,"distinct":2,"interval":"1d","buckets":[{"start":"2026-01-02T00:00:00Z","count":6}]}'
same 'nothing' "$(json user:nobody --by action --interval 1h)" \
    '{"total":0,"by":"action","values":[],"rest":0,"absent":0,"distinct":0,"interval":"1h","buckets":[]}'
if command -v jq > /dev/null; then
    same 'buckets and values add up to the total' "$(json --by user_id --interval 1h |
        jq '[(.buckets | map(.count) | add), (.values | map(.count) | add) + .rest + .absent, .total] | unique | length')" 1
else
    skip 'buckets and values add up to the total' 'no jq'
fi

# Other formats.
expect 0 'a table' "$TALLY" stats data --by user_id --interval 1d
says 'has a row for each' '^kind +value +count$' '^total +8$' '^value +u0 +4$' '^absent +1$' '^bucket +2026-01-02T00:00:00Z +7$'
expect 0 'a table of strange values' "$TALLY" stats data --by action
says 'shows them escaped' 'config \\u001b\[31m"x"'
same 'NDJSON' "$("$TALLY" stats data user:u1 --by user_id --format ndjson | paste -sd' ')" \
    '{"kind":"total","count":3} {"kind":"value","value":"u1","count":3} {"kind":"rest","count":0} {"kind":"absent","count":0} {"kind":"distinct","count":1}'
same 'CSV' "$("$TALLY" stats data user:u1 --format csv | tr -d '\r' | paste -sd' ')" 'kind,value,count total,,3'

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
    '--by action --top 1001' '--top 5' '--format yaml' 'user_ID:x'; do
    # shellcheck disable=SC2086
    expect 2 "refused: $arguments" "$TALLY" stats data $arguments
done
expect 2 'an unknown field in the filter' "$TALLY" stats data user_ID:x
complains 'is pointed at' 'column 1' '^tally: +\^$'
expect 2 'no folder named' "$TALLY" stats
expect 3 'no folder there' "$TALLY" stats nothing

finish
