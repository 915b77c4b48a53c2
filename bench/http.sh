#!/bin/sh
# http.sh BUILD: measures `tally serve` over HTTP beside PostgreSQL 15 and SQLite, with the same events on
# this machine, and prints Markdown: medians of BENCH_RUNS runs (5). Each run records
# BENCH_PEER_EVENTS (200,000) into all three and reads them back; then the server alone takes
# BENCH_EVENTS (1,000,000) more in batches. Then come BENCH_SINGLE (50,000) single events over
# many connections and BENCH_ONE (5,000) over one. Tallystick's load generator runs on the same processors.
# BENCH_FOLDER is where it writes (TMPDIR): it should be on the disk that is meant.
set -eu
build=$1
bench=$(dirname "$0")
events=${BENCH_EVENTS:-1000000}
peer_events=${BENCH_PEER_EVENTS:-200000}
single=${BENCH_SINGLE:-50000}
one=${BENCH_ONE:-5000}
runs=${BENCH_RUNS:-5}

if [ ! -x "$build/bench/peer_postgres" ]; then
    echo "http.sh: $build was set up without libpq: packaging/deps.sh bench, and meson setup --wipe $build" >&2
    exit 2
fi
scratch=$(mktemp -d "${BENCH_FOLDER:-${TMPDIR:-/tmp}}/tally-http-XXXXXX")
chmod 711 "$scratch" # PostgreSQL may run as another user
server=
finish() {
    [ -z "$server" ] || kill "$server" 2> /dev/null || true
    [ ! -e "$scratch/postgres/cluster/postmaster.pid" ] || "$bench/postgres.sh" stop "$scratch/postgres"
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' INT TERM

# What is sent: first.ndjson to all three, more.ndjson to the server, then single.ndjson and one.ndjson.
make_events() {
    "$build/tally" bench --emit $((peer_events + events + single + one)) > "$scratch/all"
    from=1
    for part in first:$peer_events more:$events single:$single one:$one; do
        tail -n +$from "$scratch/all" | head -n "${part#*:}" > "$scratch/${part%:*}.ndjson"
        from=$((from + ${part#*:}))
    done
    rm "$scratch/all"
    cat "$scratch/first.ndjson" "$scratch/single.ndjson" "$scratch/one.ndjson" > "$scratch/peer.ndjson"
}

# Two hundred users and actions as they come among the events: frequent ones often, rare ones seldom.
make_wanted() {
    sed -n "1~$((peer_events / 200))"'s/.*"user_id":"\([^"]*\)".*"action":"\([^"]*\)".*/\1\t\2/p' \
        "$scratch/first.ndjson" > "$scratch/wanted"
    sed 's|\(.*\)\t.*|/api/events?user_id=\1|' "$scratch/wanted" > "$scratch/by-user"
    sed 's|.*\t|/api/events?action=|' "$scratch/wanted" > "$scratch/by-action"
    sed 's|\(.*\)\t\(.*\)|/api/events?user_id=\1\&action=\2|' "$scratch/wanted" > "$scratch/by-both"
    echo '/api/stats?by=action' > "$scratch/counts"
    echo '/api/stats?interval=1h' > "$scratch/histogram"
}

start_server() {
    rm -rf "$scratch/data"
    TALLY_KEY=$("$build/tally" init "$scratch/data" | sed -n 's/^admin key: //p')
    export TALLY_KEY
    "$build/tally" serve --data "$scratch/data" --listen 127.0.0.1:0 > "$scratch/serve.out" \
        2> "$scratch/serve.err" &
    server=$!
    tries=0
    until grep -q '^listening on ' "$scratch/serve.out"; do
        tries=$((tries + 1))
        if [ $tries -gt 1200 ] || ! kill -0 $server 2> /dev/null; then
            cat "$scratch/serve.err" >&2
            exit 1
        fi
        sleep 0.1
    done
    url=$(sed -n 's/^listening on //p' "$scratch/serve.out")
}

stop_server() {
    peak=$(awk '/^VmHWM/ { print $2 / 1024 }' "/proc/$server/status")
    echo "\"memory, peak\",$peak,MiB"
    kill "$server"
    wait "$server"
    server=
    bytes=$(du -sb "$scratch/data" | cut -f1)
    all=$((peer_events + events + single + one))
    echo "\"on disk\",$(echo "$bytes $all" | awk '{ print $1 / $2 }'),bytes/event"
}

record() { # FILE BATCH CONNECTIONS LABEL
    "$build/bench/load" --batch "$2" --connections "$3" --server $server --label "$4" "$url" < "$scratch/$1"
}

read_back() { # FILE COUNT LABEL
    "$build/bench/load" --get --count "$2" --label "$3" "$url" < "$scratch/$1"
}

measure_server() {
    start_server
    record first.ndjson 1000 4 'recording, first events'
    read_back by-user 200 'newest 50 of a user'
    read_back by-action 200 'newest 50 of an action'
    read_back by-both 200 'newest 50 of a user and an action'
    read_back counts 20 'counts by action'
    read_back histogram 20 'histogram by the hour'
    record more.ndjson 1000 4 'recording, batches of 1,000'
    record single.ndjson 1 64 'recording, single events'
    record one.ndjson 1 1 'recording, one client'
    stop_server
}

load() { cut -d' ' -f1-3 /proc/loadavg; }
machine=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
cores=$(getconf _NPROCESSORS_ONLN)
memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
files=$(stat -f -c %T "$scratch")
system=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)
echo "$machine, $cores processors, $memory, $files, $system."
echo "$peer_events events beside others, then $events in batches, $single and $one single ones; medians of"
echo "$runs runs. Load average before: $(load)."

make_events
make_wanted
"$bench/postgres.sh" start "$scratch/postgres" > "$scratch/postgres.how"
i=0
while [ "$i" -lt "$runs" ]; do
    i=$((i + 1))
    measure_server > "$scratch/tally-$i.csv"
    "$build/bench/peer_postgres" --server "$(head -1 "$scratch/postgres.how")" --single "$single" \
        --one "$one" --wanted "$scratch/wanted" "$(tail -1 "$scratch/postgres.how")" \
        < "$scratch/peer.ndjson" > "$scratch/postgres-$i.csv"
    rm -f "$scratch"/peer.db*
    "$build/bench/peer_sqlite" "$scratch/peer.db" "$scratch/wanted" < "$scratch/first.ndjson" \
        > "$scratch/sqlite-$i.csv"
done
echo "Load average after: $(load)."
echo
"$bench/medians.py" Tallystick "$scratch"/tally-*.csv -- 'PostgreSQL 15' "$scratch"/postgres-*.csv \
    -- SQLite "$scratch"/sqlite-*.csv
