#!/bin/bash
# Lists under the names and in the shapes of earlier systems.
. "$(dirname "$0")/lib.sh"
make_served data
now=$(date -u +%s)
for i in {1..25}; do
    echo "{\"action\":\"a.$((i % 2))\",\"id\":\"e$i\",\"user_id\":\"u$((i % 3))\",\"resource_type\":\"doc\",\"timestamp\":\"$(date -u -d "@$((now - (26 - i) * 86400 + 3600))" +%FT%TZ)\"}"
done | "$TALLY" record data > /dev/null
echo '{"action":"z","id":"whole","user_id":"u9","resource_type":"doc","resource_id":"7","status":"failure","ip_address":"10.0.0.1","timestamp":"2026-01-01T00:00:00Z"}' |
    "$TALLY" record data > /dev/null
serve data

# /api/logs
fetch 200 'a list' /api/logs limit=10
same 'with a cursor, without a number' "$(picked '(.data | length), (.next != null), has("page")')" '10 true false'
fetch 200 'the next page' /api/logs limit=10 cursor="$(jq -r .next out)"
same 'goes on' "$(picked '.data[0].id')" '"e15"'
fetch 200 'a numbered page' /api/logs limit=10 page=2
same 'is the same' "$(picked '.data[0].id, .page, (.data | length)')" '"e15" 2 10'
fetch 200 'the last' /api/logs limit=10 page=3
same 'is shorter' "$(picked '(.data | length), .next, .page')" '6 null 3'
fetch 200 'behind it' /api/logs limit=10 page=4
same 'is nothing' "$(picked '.data, .next, .page')" '[] null 4'
fetch 200 'a filter' /api/logs q=user:u1 action=a.1 page=1
same 'selects' "$(picked '[.data[] | .user_id + .action] | unique')" '["u1a.1"]'
fetch 200 'as deep as it goes' /api/logs limit=1000 page=10
fetch 400 'no deeper' /api/logs limit=1000 page=11
same 'and what to do' "$(picked .detail | grep -c cursor)" 1
for parameters in page=0 page=10001 page=x limit=0 limit=1001 order=time nothing=1; do
    fetch 400 "refused: $parameters" /api/logs "$parameters"
done
fetch 400 'page and cursor' /api/logs page=1 cursor=x

# /audit-logs
fetch 200 'rows' /audit-logs
same 'an array, newest first' "$(picked 'type, length, .[0].id, .[25].id')" '"array" 26 "e25" "whole"'
same 'of eight members in order' "$(jq -c '.[] | keys_unsorted' out | sort -u)" \
    '["id","user_id","action","resource_type","resource_id","timestamp","status","ip_address"]'
same 'null where there is nothing' "$(picked '.[0] | .resource_id, .ip_address')" 'null null'
same 'and whole' "$(picked '.[25]')" \
    '{"id":"whole","user_id":"u9","action":"z","resource_type":"doc","resource_id":"7","timestamp":"2026-01-01T00:00:00Z","status":"failure","ip_address":"10.0.0.1"}'
fetch 200 'by user and action' /audit-logs user_id=u1 action=a.1 resource_type=doc
same 'selects' "$(picked '[.[] | .user_id + .action] | unique')" '["u1a.1"]'
fetch 200 'between dates' /audit-logs start_date=2026-01-01 end_date=2026-01-01
same 'whole days' "$(picked '[.[].id]')" '["whole"]'
fetch 200 'a limit' /audit-logs limit=3
same 'holds' "$(picked length)" 3
fetch 200 'nothing' /audit-logs user_id=nobody
same 'is an empty array' "$(picked .)" '[]'
for parameters in limit=0 limit=1001 start_date=soon q=user:u1 severity=high cursor=x; do
    fetch 400 "refused: $parameters" /audit-logs "$parameters"
done

# /audit-logs/user/{user_id}
fetch 200 "a user's" /audit-logs/user/u1 days=90
same 'all of them' "$(picked '[.logs[].user_id] | unique, length')" '["u1"] 9'
same 'as many as there are' "$(picked '.logs | length')" 9
fetch 200 'of the last days' /audit-logs/user/u1 days=5
same 'only' "$(picked '[.logs[].id]')" '["e25","e22"]'
fetch 200 'a month if nothing is said' /audit-logs/user/u9
same 'is what the clock says' "$(picked '.logs | length')" "$((now - $(date -u -d 2026-01-01T00:00:00Z +%s) < 30 * 86400))"
fetch 200 'a name with a slash' '/audit-logs/user/a%2Fb'
same 'is a name' "$(picked '.logs')" '[]'
for parameters in days=0 days=91 days=x limit=5; do
    fetch 400 "refused: $parameters" /audit-logs/user/u1 "$parameters"
done
ask /api/events trail=tally 'q=details.route:*audit-logs*'
same 'it is on record' "$(picked '.data | length > 3')" true

finish
