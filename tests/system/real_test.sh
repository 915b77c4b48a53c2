#!/bin/bash
# Real audit records of other products: in and out again, twice.
. "$(dirname "$0")/lib.sh"
data=$shared/data
[ -e "$data/cloudtrail-invictus/events.jsonl.gz" ] || skip_all "no shared data at $shared"

make_data data
# import MAP COUNT FILES...: so many events, once.
take() {
    local map=$1 count=$2
    shift 2
    expect 0 "$map: imported" "$TALLY" import data --map "$map" "$@"
    says "$map: $count events" "^imported $count,"
    # Repeated means that every member of every event is equal to the stored one.
    expect 0 "$map: again" "$TALLY" import data --map "$map" "$@"
    says "$map: all known" '^imported 0, '
}
take cloudtrail 2900 "$data/cloudtrail-invictus/events.jsonl.gz"
take cloudtrail 310 "$data/cloudtrail-stratus/events.jsonl.gz"
take kubernetes '[0-9]+' "$data"/k8s-audit/*/*.log
take gcp '[0-9]+' "$data"/gcp-audit/fixtures/*.json
take windows '[0-9]+' "$data/windows-otrf/security-sample.jsonl.gz"

# Every record stands whole under details: as many distinct ones as went in, by their own ids.
zcat "$data/cloudtrail-invictus/events.jsonl.gz" | grep -oE '"eventID": ?"[^"]*"' | sed 's/.*"\([^"]*\)"$/\1/' | sort -u > wanted
"$TALLY" export data service:'*' | grep -oE '"eventID":"[^"]*"' | sed 's/.*"\([^"]*\)"$/\1/' | sort -u > found
same 'every CloudTrail record is there' "$(comm -23 wanted found | wc -l)" 0

expect 0 'verified' "$TALLY" verify data
expect 0 'evidence of all' "$TALLY" export data --format evidence --control --output evidence.jsonl
if command -v python3 > /dev/null; then
    expect 0 'a stranger agrees' python3 "$source_root/tests/stranger.py" "$vkey" < evidence.jsonl
    says 'on the whole tree' 'they are the whole tree of size '"$(size_of data)"
else
    skip 'a stranger agrees' 'no python3'
fi
"$TALLY" export data > first.ndjson
make_data copy
expect 0 'carried over' "$TALLY" import copy --map tallystick first.ndjson
"$TALLY" export copy > second.ndjson
members() { sed -E 's/^\{"index":[0-9]+,/{/; s/,"(received|writer|private)":"[^"]*"//g; s/,"v":1//' "$1"; }
same 'equal in every member' "$(members first.ndjson | sha256sum)" "$(members second.ndjson | sha256sum)"

finish
