#!/bin/sh
# run.sh BUILD [ARGUMENT...]: runs the tests of a build folder and counts them. Further arguments go to
# `meson test`. The last line is "N passed, N failed", and ", N skipped" where there are such. A test's
# time limit is for an idle machine; four times as long, it only ends what hangs.
set -u

build=$1
shift
status=0
meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier 4 "$@" || status=$?

# One JSON object a line and test; TAP tests that skip all they have count as skipped.
log=$build/meson-logs/testlog.json
passed=$(grep -c '"result": "\(OK\|EXPECTEDFAIL\)"' "$log")
skipped=$(grep -c '"result": "SKIP"' "$log")
failed=$(($(wc -l < "$log") - passed - skipped))
# Once more and shortly, for who reads only the end.
[ "$failed" = 0 ] || ! command -v jq > /dev/null || jq -r 'select(.result | IN("OK", "EXPECTEDFAIL", "SKIP") | not)
    | "failed: \(.name): \(.result)", (((.stdout // "") + (.stderr // "")) | .[-1200:])' "$log"
[ "$skipped" = 0 ] || rest=", $skipped skipped"
echo "$passed passed, $failed failed${rest:-}"
exit $status
