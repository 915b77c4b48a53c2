#!/bin/sh
# soak.sh BUILD [MINUTES]: kills a recording process again and again for MINUTES (10) and checks what it
# left each time, from another seed each minute; then a trail of 10 million entries is made and opened;
# then a server gets more than it can take for a minute, twice.
set -eu

build=$1
minutes=${2:-10}
seed=${TALLY_KILL_SEED:-$(date +%s)}
while [ "$minutes" -gt 0 ]; do
    echo "TALLY_KILL_SEED=$seed"
    TALLY_KILL_SEED=$seed TALLY_KILL_SECONDS=60 "$build/tests/store/kill_test"
    seed=$((seed + 1))
    minutes=$((minutes - 1))
done
TALLY_SCALE_ENTRIES=${TALLY_SCALE_ENTRIES:-10000000} "$build/tests/store/scale_test"
TALLY=$build/tally TALLY_OVERLOAD_SECONDS=60 "$build/tests/server/overload_test"
