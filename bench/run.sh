#!/bin/sh
# run.sh BUILD: measures on this machine and prints Markdown: the medians of BENCH_RUNS runs (5) over
# BENCH_EVENTS entries (2,000,000), beside SQLite with BENCH_PEER_EVENTS (200,000) of the same events.
# BENCH_FOLDER is where it writes (TMPDIR): it should be on the disk that is meant.
set -eu
build=$1
events=${BENCH_EVENTS:-2000000}
runs=${BENCH_RUNS:-5}
peer_events=${BENCH_PEER_EVENTS:-200000}

scratch=$(mktemp -d "${BENCH_FOLDER:-${TMPDIR:-/tmp}}/tally-bench-XXXXXX")
trap 'rm -rf "$scratch"' EXIT INT TERM

machine=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
cores=$(getconf _NPROCESSORS_ONLN)
memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
files=$(findmnt -n -o FSTYPE -T "$scratch")
system=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)
load() { cut -d' ' -f1-3 /proc/loadavg; }

echo "$machine, $cores processors, $memory, $files, $system."
echo "$events events, medians of $runs runs. Load average before: $(load)."
i=0
while [ "$i" -lt "$runs" ]; do
    i=$((i + 1))
    "$build/tally" bench --events "$events" --folder "$scratch" --format csv > "$scratch/run-$i.csv"
    "$build/tally" bench --emit "$peer_events" |
        "$build/bench/peer_sqlite" "$scratch/peer.db" > "$scratch/peer-$i.csv"
    rm -f "$scratch"/peer.db*
done
echo "Load average after: $(load)."
echo
python3 "$(dirname "$0")/medians.py" "$scratch"/run-*.csv
echo
echo "SQLite $peer_events events, and how Tallystick compares:"
echo
python3 "$(dirname "$0")/medians.py" --peer "$scratch"/peer-*.csv --beside "$scratch"/run-*.csv
