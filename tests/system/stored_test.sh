#!/bin/bash
# Trails that were stored when their formats were frozen are read, found in and proved by this version, too.
. "$(dirname "$0")/lib.sh"
command -v jq > /dev/null || skip_all 'no jq'

# found TEXT JQ FILTER...: a filter finds the entries of the trail main that jq finds among the stored rows.
found() {
    local text=$1 condition=$2
    shift 2
    same "$text" "$("$TALLY" query data "$@" --order index --limit 1000 --format ndjson | jq -c .index | md5sum)" \
        "$(jq -c "select(.control == null) | select($condition) | .index" main.ndjson | head -1000 | md5sum)"
}

for stored in "$source_root"/tests/stored/*.tar.gz; do
    version=$(basename "$stored" .tar.gz)
    rm -rf data
    tar -xzf "$stored"
    expect 0 "$version is intact" "$TALLY" verify data
    for trail in main other; do
        "$TALLY" export data --trail "$trail" --format ndjson --control > "$trail.ndjson"
    done
    same "$version is read as it was written" "$(cat main.ndjson other.ndjson | sha256sum | cut -c 1-64)" \
        "$(cat "$source_root/tests/stored/$version.sha256")"

    found 'a user' '.user_id == "user-31"' user:user-31
    found 'a rare one' '.user_id == "Zoë 3050"' 'user:"Zoë 3050"'
    found 'an id' '.id == "e-5000"' id:e-5000
    found 'a request' '.request_id != null' 'request_id:*'
    found 'a resource' '.resource_id == "rep-345"' resource:report/rep-345
    found 'numbers' '.status_code != null and .status_code >= 400' 'status_code:>=400'
    found 'a number written another way' '.response_time_ms == 100' response_time_ms:100
    found 'a member' '.details.n == 4321' details.n:4321
    found 'an element' '.details.deep.list[1] == "t2"' details.deep.list:t2
    found 'a word in another case' '(.message // "") | test("4800 ")' '"GRÜSSE AUS 4800" OR "grüße AUS 4800"'
    found 'a change' '.changes.role.after == "admin"' changes.role.after:admin
    found 'a network' '(.ip_address // "") | startswith("10.0.13.")' ip:10.0.13.0/24
    same 'counts' "$("$TALLY" stats data --by action --format json | jq -c '[.values[] | .count] | sort')" \
        "$(jq -sc '[group_by(.action)[] | select(.[0].action != null) | length] | sort' main.ndjson)"
    expect 0 'a proof' "$TALLY" prove data 5001 --output proof
    vkey=$("$TALLY" trail data info | sed -n 's/^vkey: //p')
    expect 0 'which holds' "$TALLY" prove --check proof --vkey "$vkey"
done
finish
