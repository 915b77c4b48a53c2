#!/bin/sh
# run.sh BUILD: measures on this machine and prints Markdown: the embedded store, medians of BENCH_RUNS runs
# (5) of `tally bench` over BENCH_EMBEDDED_EVENTS entries (1,000,000); then the server over HTTP, beside
# PostgreSQL and SQLite (http.sh, which says what else can be set); then what it costs programs (programs.sh).
# BENCH_FOLDER is where it writes (TMPDIR): it should be on the disk that is meant.
set -eu
build=$1
events=${BENCH_EMBEDDED_EVENTS:-1000000}
runs=${BENCH_RUNS:-5}

scratch=$(mktemp -d "${BENCH_FOLDER:-${TMPDIR:-/tmp}}/tally-bench-XXXXXX")
trap 'rm -rf "$scratch"' EXIT INT TERM

echo "Embedded: $events events, medians of $runs runs. Load average before: $(cut -d' ' -f1-3 /proc/loadavg)."
i=0
while [ "$i" -lt "$runs" ]; do
    i=$((i + 1))
    "$build/tally" bench --events "$events" --folder "$scratch" --format csv > "$scratch/run-$i.csv"
done
echo "Load average after: $(cut -d' ' -f1-3 /proc/loadavg)."
echo
"$(dirname "$0")/medians.py" "$scratch"/run-*.csv
echo
"$(dirname "$0")/http.sh" "$build"
echo
"$(dirname "$0")/programs.sh" "$build"
