#!/bin/sh
# deps.sh SET...: makes sure that the Debian packages of the sets are there. Silent when they are. Where
# it may not install, it prints the line that does and ends with status 2.
#
#   library what libtally alone needs (meson setup -Dprogram=false)
#   build   what `make build` and `make demo` need
#   test    what tests need beyond that; without one of them a test says that it is skipped
#   check   compilers and tools of .ci/run, `make fuzz` and `make format`
#   bench   what `make bench` compares with
set -eu

library='gcc libc6-dev meson ninja-build pkg-config libssl-dev libsodium-dev libzstd-dev
    libcurl4-openssl-dev'
build="$library zlib1g-dev libsqlite3-dev libcmocka-dev libjansson-dev libmicrohttpd-dev libgnutls28-dev
    libsystemd-dev curl python3"
test='jq mandoc openssl procps iproute2 sqlite3 python3-dev python3-venv
    redis-server python3-pytest python3-hypothesis python3-celery python3-redis python3-sqlalchemy python3-structlog'
check='clang-14 clang-format-14 libclang-rt-14-dev'
bench='postgresql-15 libpq-dev'

wanted=
for set in "$@"; do
    case $set in
    library) wanted="$wanted $library" ;;
    build) wanted="$wanted $build" ;;
    test) wanted="$wanted $test" ;;
    check) wanted="$wanted $check" ;;
    bench) wanted="$wanted $bench" ;;
    *) echo "deps.sh: there is no set of packages \"$set\"" >&2; exit 2 ;;
    esac
done

if ! command -v dpkg-query > /dev/null; then
    echo "This is no Debian system: install the equivalents of $(echo $wanted)" >&2
    exit 2
fi

# Unknown ones are only complained about; a package of several architectures is named once for each.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2> /dev/null |
    sed -n 's/ installed$//p') || true
missing=
for package in $wanted; do
    echo "$installed" | grep -qx "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
    as_root=sudo
else
    echo "Packages are missing. Install them as root, with:" >&2
    echo "apt-get update && $install" >&2
    exit 2
fi

echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
cluster=/var/lib/postgresql/15/main
[ -e "$cluster" ] && had_cluster=yes || had_cluster=
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $as_root apt-get update && $as_root $install; } > "$log" 2>&1; then
    cat "$log" >&2
    echo "The packages could not be installed (above is why):$missing" >&2
    exit 2
fi

# The packages start servers that serve from then on; measurements and tests start their own.
case $missing in
*postgresql-15*) [ -n "$had_cluster" ] || $as_root pg_dropcluster --stop 15 main ;;
esac
case $missing in
*redis-server*)
    $as_root service redis-server stop > /dev/null 2>&1 || true
    $as_root update-rc.d redis-server disable > /dev/null 2>&1 || true
    ;;
esac
