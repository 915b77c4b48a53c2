#!/bin/sh
# run.sh BUILD [ARGUMENT...]: runs the tests of a build folder and counts them. Further arguments go to
# `meson test`. The last line is "N passed, N failed" (", N skipped").
set -u

build=$1
shift
status=0
meson test -C "$build" --no-rebuild --print-errorlogs "$@" || status=$?

# One JSON object a line and test; TAP tests that skip all they have count as skipped.
log=$build/meson-logs/testlog.json
passed=$(grep -c '"result": "\(OK\|EXPECTEDFAIL\)"' "$log")
skipped=$(grep -c '"result": "SKIP"' "$log")
failed=$(($(wc -l < "$log") - passed - skipped))
echo "$passed passed, $failed failed, $skipped skipped"
exit $status
