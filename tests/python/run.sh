#!/bin/sh
# run.sh SOURCE BUILD [ARGUMENT...]: installs the Python binding from SOURCE into an environment in BUILD,
# and runs its tests there; further arguments go to pytest. The environment is kept. 77 (skipped) where it
# cannot be made: pip needs the network for what it has not got yet.
set -eu

source=$1
build=$2
shift 2
environment=$build/python-environment
log=$build/python-install.log

skip() {
    echo "skipped: $1"
    sed 's/^/    /' "$log" | tail -20
    exit 77
}

if [ ! -e "$environment/ready" ]; then
    rm -rf "$environment"
    python3 -m venv "$environment" > "$log" 2>&1 || skip 'no environment can be made (python3-venv?)'
    "$environment/bin/pip" install -q 'setuptools>=70.1' wheel pytest hypothesis mypy abi3audit > "$log" 2>&1 ||
        skip 'pip cannot install pytest and hypothesis'
    touch "$environment/ready"
fi
# What integrations integrate with, as PyPI has it now: the tests of what is missing are skipped. What cannot
# be installed is named, with pip's reason, and does not keep the others away.
frameworks='fastapi httpx python-multipart uvicorn flask[async] django gunicorn sqlalchemy[asyncio] aiosqlite
    psycopg[binary] psycopg2-binary pymongo celery[redis] structlog'
install() {
    "$environment/bin/pip" install -q --disable-pip-version-check "$@" > "$log" 2>&1
}
if [ "$(cat "$environment/frameworks" 2> /dev/null)" != "$frameworks" ]; then
    if install $frameworks; then
        echo "$frameworks" > "$environment/frameworks"
    else
        for framework in $frameworks; do
            install "$framework" && continue
            echo "cannot be installed for $("$environment/bin/python" -V), its tests are skipped: $framework"
            sed 's/^/    /' "$log" | tail -5
        done
    fi
fi
# What the build leaves behind is not to lie in the source folder.
TALLYSTICK_BUILD=$build "$environment/bin/pip" install -q --no-build-isolation --no-deps --no-index \
    --force-reinstall "$source" > "$log" 2>&1 || {
    cat "$log"
    exit 1
}
cd "$source"
export PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY="$build/hypothesis"
status=0
"$environment/bin/python" -m pytest -p no:cacheprovider -q -rs --durations=5 "$@" || status=$?
# Last, where a log that is cut has it: a release of today may be why.
echo "with $("$environment/bin/python" -V):"
"$environment/bin/pip" list --disable-pip-version-check --format freeze | paste -sd' ' | fold -sw 118
exit $status
