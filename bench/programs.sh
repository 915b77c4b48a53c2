#!/bin/sh
# programs.sh BUILD: what recording costs the programs that do it, in C by one thread, two and four, and in
# Python, where `make test` has made the environment that its binding is built in. Nobody ships the events.
# Then what it costs web applications in Python (python_web.py), where the events are shipped.
# BENCH_FOLDER is where the spools are (TMPDIR): it should be on the disk that is meant.
set -eu
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")" && pwd)
events=${BENCH_CLIENT_EVENTS:-200000}

scratch=$(mktemp -d "${BENCH_FOLDER:-${TMPDIR:-/tmp}}/tally-bench-XXXXXX")
trap 'rm -rf "$scratch"' EXIT INT TERM
cd "$scratch"

echo "From programs: events of 620 bytes into the spool. Load average: $(cut -d' ' -f1-3 /proc/loadavg)."
echo
for threads in 1 2 4; do
    "$build/bench/record_client" http://127.0.0.1:1 "$threads" "$events" | sed 's/^/    /'
done
python=$build/python-environment/bin/python
if "$python" -c 'import tallystick' 2> /dev/null; then
    echo
    "$python" "$source/python.py" | sed 's/^/    /'
    echo
    "$python" "$source/python_web.py" "$build/tally" | sed 's/^/    /'
fi
