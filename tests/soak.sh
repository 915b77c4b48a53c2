#!/bin/sh
# soak.sh BUILD [MINUTES]: for each of MINUTES (10), with another seed each time: a recording process is
# killed again and again for a minute, and what it left is checked each time; then a server gets more
# than it can take for a minute, is killed under it three times, and everything it acknowledged is there;
# then clients record through a bad network to a server that is killed, and every event is there once.
# At the end a trail of 10 million entries (TALLY_SCALE_ENTRIES) is made and opened.
set -eu

build=$(cd "$1" && pwd)
minutes=${2:-10}
export TALLY="$build/tally"
export TALLY_KILL_SEED="${TALLY_KILL_SEED:-$(date +%s)}"
while [ "$minutes" -gt 0 ]; do
    echo "TALLY_KILL_SEED=$TALLY_KILL_SEED"
    TALLY_KILL_SECONDS=60 "$build/tests/store/kill_test"
    TALLY_OVERLOAD_SECONDS=30 "$build/tests/server/overload_test"
    TALLY_CHAOS_SECONDS=60 TALLY_CHAOS_SEED="$TALLY_KILL_SEED" FORGETFUL="$build/tests/system/forgetful" \
        "$build/tests/client/client_chaos_test"
    TALLY_KILL_SEED=$((TALLY_KILL_SEED + 1))
    minutes=$((minutes - 1))
done
TALLY_SCALE_ENTRIES=${TALLY_SCALE_ENTRIES:-10000000} "$build/tests/store/scale_test"
