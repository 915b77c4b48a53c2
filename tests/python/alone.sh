#!/bin/sh
# alone.sh SOURCE BUILD: the Python package is built from a copy of the repository where pkg-config finds
# nothing but what the library needs: one wheel for all versions, which carries the library. What is
# missing of that is named by Debian's packages. 77 (skipped) where run.sh has made no environment.
set -eu

source=$1
environment=$2/python-environment
root=$(cd "$source/../.." && pwd)

[ -e "$environment/ready" ] || {
    echo 'skipped: there is no environment to build in: run.sh has not made it'
    exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/log

fail() {
    cat "$log"
    echo "$1" >&2
    exit 1
}

mkdir -p "$folder/copy/docs" "$folder/copy/bindings" "$folder/found" "$folder/state"
cp -r "$root/meson.build" "$root/meson_options.txt" "$root/include" "$root/src" "$root/share" "$folder/copy"
cp -r "$root/docs/man" "$folder/copy/docs"
cp -r "$source" "$folder/copy/bindings/python"
rm -rf "$folder/copy/bindings/python/build"
for name in libcrypto libsodium libzstd libcurl; do
    ln -s "$(pkg-config --variable=pcfiledir $name)/$name.pc" "$folder/found"
done

unset TALLYSTICK_BUILD PKG_CONFIG_PATH
wheel() {
    PKG_CONFIG_LIBDIR=$1 "$environment/bin/pip" wheel --no-build-isolation --no-deps --no-index \
        --wheel-dir "$folder/wheels" "$folder/copy/bindings/python" > "$log" 2>&1
}

# Two are missing.
mkdir "$folder/less"
cp -P "$folder/found/libcrypto.pc" "$folder/found/libzstd.pc" "$folder/less"
! wheel "$folder/less" || fail 'built without libsodium and libcurl'
grep -q 'cannot be built without libsodium, libcurl' "$log" || fail 'it does not say what is missing'
grep -q 'apt-get install libsodium-dev libcurl4-openssl-dev$' "$log" || fail 'it does not name the packages'

wheel "$folder/found" || fail 'not built with what the library needs'
[ "$(ls "$folder/wheels" | grep -c '^tallystick-.*-cp310-abi3-linux_.*\.whl$')" = 1 ] || fail 'no wheel for all versions'
[ "$(ls "$folder/wheels" | wc -l)" = 1 ] || fail 'more than one wheel'
# Meson looks for libraries in other ways too: it was not to look for others.
meson introspect --dependencies "$folder/copy/bindings/python/build/library" |
    "$environment/bin/python" -c '
import json, sys
found = {dependency["name"] for dependency in json.load(sys.stdin)}
assert found == {"threads", "libcrypto", "libsodium", "libzstd", "libcurl"}, found
' > "$log" 2>&1 || fail 'the library was set up with more than it needs'

"$environment/bin/pip" install -q --no-deps --no-index --target "$folder/installed" "$folder"/wheels/*.whl
"$TALLY" init "$folder/data" > "$log"
cd "$folder"
PYTHONPATH=$folder/installed TALLY_SPOOL=$folder/state "$environment/bin/python" -c '
import tallystick
assert "/installed/" in tallystick.__file__, tallystick.__file__
tallystick.configure("data", timeout_ms=120000)
assert tallystick.audit_logger.log("wheel.test", mode="sync").index is not None
' > "$log" 2>&1 || fail 'the wheel does not record'
! ldd "$folder"/installed/tallystick/_tally.abi3.so | grep -q libtally || fail 'the wheel needs a library that it should carry'
