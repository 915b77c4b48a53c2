#!/bin/bash
# Statistics: what the command line prints of the same folder.
. "$(dirname "$0")/lib.sh"
make_served data
"$TALLY" bench --emit 2000 | "$TALLY" record data --format ndjson > /dev/null
echo '{"action":"early.bird","timestamp":"2020-01-01T00:00:00Z"}' | "$TALLY" record data > /dev/null
serve data

# alike TEXT PARAMETERS... -- ARGUMENTS...: the answer is what `tally stats` prints.
alike() {
    local text=$1 parameters=()
    shift
    while [ "$1" != -- ]; do
        parameters+=("$1")
        shift
    done
    shift
    fetch 200 "$text" /api/stats "${parameters[@]}"
    "$TALLY" stats data --format json "$@" > printed 2>&1
    same 'is what is printed' "$(cat out)" "$(cat printed)"
}
alike 'a total' -- 
alike 'of a filter' q=status:failure -- status:failure
alike 'of a parameter' status=failure -- status:failure
alike 'with control entries' control=true -- --control
alike 'by a field' by=action -- --by action
alike 'by an alias, the top three' by=user top=3 -- --by user --top 3
alike 'over time' interval=1w -- --interval 1w
alike 'all of it' q=status:failure by=severity interval=4w control=true -- status:failure --by severity --interval 4w --control
alike 'by two fields' by=action,status top=4 -- --by action,status --top 4
alike 'by value over time' by=user interval=1w top=2 -- --by user --interval 1w --top 2
alike 'percentiles' percentiles=response_time_ms -- --percentiles response_time_ms
alike 'percentiles asked for' percentiles=status_code ranks=12.5,99.9 q=status:failure -- --percentiles status_code --ranks 12.5,99.9 status:failure
alike 'distinct values' distinct=user,ip -- --distinct user,ip
alike 'everything' by=severity,crud interval=4w percentiles=response_time_ms ranks=50 distinct=action -- \
    --by severity,crud --interval 4w --percentiles response_time_ms --ranks 50 --distinct action

# What it took: the same of the server's trail as of the folder.
for filter in status:failure 'action:report.* user:user-000003' ''; do
    fetch 200 "explained: $filter" /api/stats by=action explain=true "q=$filter"
    "$TALLY" stats data --by action --explain --format json $filter > printed
    same 'is what is printed' "$(picked .explain)" "$(cat printed)"
    same 'and what is printed of the server' "$("$TALLY" stats "$url" --key "$key" --by action --explain --format csv $filter)" \
        "$("$TALLY" stats data --by action --explain --format csv $filter)"
    same 'the figures are there' "$(picked 'del(.explain)')" "$("$TALLY" stats data --by action --format json $filter)"
done
fetch 200 'not asked for' /api/stats explain=false
same 'it is not there' "$(picked 'has("explain")')" false
fetch 400 'neither true nor false' /api/stats explain=yes
same 'by its own name' "$(ask /api/stats by=user && picked .by)" '"user_id"'
fetch 400 'too many intervals' /api/stats interval=1m
same 'and the shortest that will do' "$(picked .detail | grep -cE '[0-9]+m is the shortest')" 1
for parameters in by=nothing by=details top=0 top=1001 interval=1y interval=0h interval= by=action,status,crud by=action,action by=action,private percentiles=user \
    top=5 ranks=50 distinct=details distinct= nothing=1 limit=5 'q=user_ID:x'; do
    fetch 400 "refused: $parameters" /api/stats "$parameters"
done
fetch 404 'a trail there is not' /api/stats trail=nothing
ask /api/events trail=tally 'q=details.route:/api/stats details.filter:"status:failure"'
same 'it is on record' "$(picked '.data | length > 0')" true

finish
