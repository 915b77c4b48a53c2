#!/bin/bash
# openapi_test.sh - the server against its own description: requests made up from /openapi.json, good ones
# and bad ones, are answered with what it says, and never with a fault of the server.
#
# Made up by schemathesis, which pip installs beside the build; where it cannot, there is nothing to run.
# OPENAPI_SECONDS is how long it may make up requests.

. "$(dirname "$0")/lib.sh"
build=${BUILD:?the folder for what is installed}
seconds=${OPENAPI_SECONDS:-60}
pinned=schemathesis==4.32.5

tools=$build/schemathesis
if ! "$tools/bin/pip" show "${pinned%%=*}" 2> /dev/null | grep -qx "Version: ${pinned##*=}"; then
    rm -rf "$tools"
    python3 -m venv "$tools" > pip.log 2>&1 && "$tools/bin/pip" -q install "$pinned" >> pip.log 2>&1 ||
        skip_all "pip cannot install $pinned"
fi

make_served data
# Keys that may be rotated and revoked; the one that asks has a number that is hardly guessed.
for name in $(seq 40); do
    "$TALLY" key data add --name "spare $name" --role writer > /dev/null
done
key=$("$TALLY" key data add --name asks --role admin | grep -o 'tally_[A-Za-z0-9_-]*')
events 30 | "$TALLY" record data > /dev/null

# Requests with wrong keys are among those made up.
export TALLY_ACCESS_FAILURES_PER_MINUTE=1000000
serve data

# What a filter's or an origin's grammar refuses, no schema can say: that good data are accepted is not asked for.
# What follows a trail has no end.
SCHEMATHESIS_HOOKS=openapi_hooks PYTHONPATH=$source_root/tests/server \
    timeout $((seconds * 3 + 60)) "$tools/bin/st" run "$url/openapi.json" --header "Authorization: Bearer $key" \
    --exclude-path /api/tail --exclude-checks positive_data_acceptance --max-examples 60 --seed "${OPENAPI_SEED:-1}" --max-time "$seconds" \
    --continue-on-failure --no-color --warnings off > st.log 2>&1
status=$?
same 'requests made up from the document' "$status" 0
[ "$status" = 0 ] || sed 's/^/#   /' st.log | tail -150
same 'the server lives' "$(curl -sS "$url/livez")" '{"status":"ok"}'
same 'and holds no fault' "$(grep -c ' critical ' "$scratch/serve.err")" 0

finish
