#!/bin/sh
# run.sh BUILD: measures on this machine; BENCH_EVENTS entries, 1,000,000 if that is not set.
set -eu
exec "$1/tally" bench --events "${BENCH_EVENTS:-1000000}"
