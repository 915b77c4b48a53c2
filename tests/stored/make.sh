#!/bin/bash
# make.sh VERSION TALLY ERASE: stores a trail as the program writes it now, for every later version to read:
# VERSION.tar.gz, a data folder without its keys, and VERSION.sha256, of what its export must be.
#
# Run once, by hand, when a format is frozen; what is stored is never made again. The folder has a trail of
# many small segments, so that groups are there, and one of two pages with a primer, an erased entry, and entries
# in the journal; and a trail with other private fields than usual.
set -eu
version=$1 tally=$(realpath "$2") erase=$(realpath "$3") here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# events FIRST COUNT: values of every kind that a codec tells apart.
events() {
    awk -v first="$1" -v count="$2" 'BEGIN {
        for (n = first; n < first + count; n++) {
            printf "{\"action\":\"%s\",\"id\":\"e-%d\"", n % 7 == 0 ? "user.login" : "report.read", n
            printf ",\"timestamp\":\"2026-01-%02dT%02d:%02d:%02d%s\"", 1 + n % 28, n % 24, n % 60, n * 7 % 60,
                n % 5 == 0 ? "Z" : n % 5 == 1 ? ".5Z" : n % 5 == 2 ? ".123456789Z" : n % 5 == 3 ? "+02:00" : ".100Z"
            printf ",\"user_id\":\"%s\"", n % 50 == 0 ? "Zo\303\253 " n : "user-" n % 90
            if (n % 3 == 0) printf ",\"request_id\":\"%08x-0000-4000-8000-%012x\"", n * 2654435, n
            if (n % 4 == 0) printf ",\"session_id\":\"%032x\"", n * 40503
            if (n % 6 == 0) printf ",\"trace_id\":\"%s\"", n % 12 == 0 ? "NOT-AN-ID" : "0AF7651916CD43DD8448EB211C80319C"
            if (n % 2 == 0) printf ",\"ip_address\":\"%s\"", n % 10 == 0 ? "2001:db8::" n % 99 : "10.0." n % 200 "." n % 256
            if (n % 5 == 0) printf ",\"resource_type\":\"report\",\"resource_id\":\"rep-%d\"", n % 700
            if (n % 2 == 1) printf ",\"status_code\":%d", 200 + n % 4 * 100
            if (n % 3 == 1) printf ",\"response_time_ms\":%s", n % 9 == 1 ? "100.00" : n % 400 "." n % 10
            if (n % 8 == 0) printf ",\"message\":\"Gr\303\274\303\237e aus %d \316\221\316\270\316\256\316\275\316\261\"", n
            if (n % 4 == 1) printf ",\"details\":{\"n\":%d,\"deep\":{\"list\":[%d,\"t%d\",null,1.50]},\"text\":\"line\\n%d\"}", n, n % 5, n % 3, n
            if (n >= 1440) {
                printf ",\"error_message\":\""
                for (part = 0; part < 16; part++) printf "part %d of %d: the other side is gone; ", part, n * (part + 7) % (part == 0 ? 1009 : 3)
                printf "\""
            }
            if (n % 9 == 0) printf ",\"changes\":{\"role\":{\"before\":\"viewer\",\"after\":\"admin\"}}"
            print "}"
        }
    }'
}

"$tally" init data > /dev/null
"$tally" trail data create other --public user_id --private action > /dev/null
export TALLY_STORAGE_HEAD_ENTRIES=40
for first in $(seq 0 40 1400); do
    events "$first" 40 | "$tally" record data --format csv > /dev/null
done
events 0 100 | "$tally" record data --trail other --format csv > /dev/null
export TALLY_STORAGE_HEAD_ENTRIES=4400
events 1440 4400 | "$tally" record data --format csv > /dev/null
events 5840 30 | "$tally" record data --format csv > /dev/null
"$erase" data "asked for" 100 5000 > /dev/null
"$tally" verify data > /dev/null
for trail in main other; do
    "$tally" export data --trail "$trail" --format ndjson --control
done | sha256sum | cut -c 1-64 > "$here/$version.sha256"
rm -rf data/keys data/tally.db* data/tally.conf
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf - data | gzip -9n > "$here/$version.tar.gz"
ls -l "$here/$version".*
