#!/bin/sh
# debian.sh SOURCE BUILD [ARGUMENT...]: runs the tests of the Python binding's integrations with the interpreter
# and the frameworks that Debian packages, as far as they are installed (python3-pytest, python3-hypothesis;
# python3-fastapi, python3-httpx, python3-flask, python3-django, gunicorn, uvicorn, python3-sqlalchemy,
# python3-celery, python3-redis, python3-structlog). The package is built in the environment that run.sh has made.
# Further arguments go to pytest. 77 (skipped) where one of the two is not there.
set -eu

source=$1
build=$2
shift 2
python=/usr/bin/python3
environment=$build/python-environment
package=$build/python-debian
log=$build/python-debian.log

skip() {
    echo "skipped: $1"
    exit 77
}

"$python" -c 'import sys, pytest, hypothesis; assert sys.version_info >= (3, 10)' 2> /dev/null ||
    skip 'Debian has no Python 3.10 with pytest and hypothesis here'
[ -e "$environment/ready" ] || skip 'there is no environment to build in: run.sh has not made it'

rm -rf "$package"
TALLYSTICK_BUILD=$build "$environment/bin/pip" install -q --no-build-isolation --no-deps --no-index \
    --target "$package" "$source" > "$log" 2>&1 || {
    cat "$log"
    exit 1
}
cd "$source"
export PYTHONPATH="$package" PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY="$build/hypothesis"
exec "$python" -m pytest -p no:cacheprovider -q -rs "$@" tests/test_asgi.py tests/test_wsgi.py \
    tests/test_fastapi.py tests/test_flask.py tests/test_django.py tests/test_servers.py \
    tests/test_logging.py tests/test_structlog.py tests/test_sqlalchemy.py tests/test_celery.py \
    'tests/test_celery_worker.py::test_each_task_is_its_senders[prefork]'
