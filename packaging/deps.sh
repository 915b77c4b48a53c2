#!/bin/sh
# deps.sh SET...: makes sure that the Debian packages of the sets are there. Silent when they are. Where
# it may not install, it prints the line that does and ends with status 2.
set -eu

build='gcc libc6-dev meson ninja-build pkg-config libssl-dev libsodium-dev libzstd-dev zlib1g-dev
    libsqlite3-dev libcmocka-dev libjansson-dev libmicrohttpd-dev libgnutls28-dev libsystemd-dev
    libcurl4-openssl-dev curl python3'
check='clang-14 clang-format-14 libclang-rt-14-dev mandoc jq python3-venv'
bench='postgresql-15 libpq-dev'

wanted=
for set in "$@"; do
    case $set in
    build) wanted="$wanted $build" ;;
    check) wanted="$wanted $check" ;;
    bench) wanted="$wanted $bench" ;;
    *) echo "deps.sh: there is no set of packages \"$set\"" >&2; exit 2 ;;
    esac
done

if ! command -v dpkg-query > /dev/null; then
    echo "This is no Debian system: install the equivalents of $(echo $wanted)" >&2
    exit 2
fi

missing=
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
    as_root=sudo
else
    echo "Packages are missing. Install them with:" >&2
    echo "sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 2
fi

echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $as_root apt-get update && $as_root apt-get install -y --no-install-recommends $missing; } \
    > "$log" 2>&1; then
    cat "$log" >&2
    exit 2
fi
