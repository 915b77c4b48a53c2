#!/bin/sh
# run.sh SECONDS: builds the fuzz targets with clang and runs each for so long, from its corpus. What
# breaks one is left in build-fuzz/crashes/.
set -eu

seconds=$1
cd "$(dirname "$0")/.."
[ -f build-fuzz/build.ninja ] ||
    CC=clang-14 meson setup build-fuzz -Dfuzzing=true -Dwerror=true -Db_sanitize=address,undefined \
        -Db_lundef=false > /dev/null
ninja -C build-fuzz --quiet
mkdir -p build-fuzz/crashes

passed=0
failed=0
for target in build-fuzz/fuzz/*_fuzz; do
    name=$(basename "$target" _fuzz)
    corpus=build-fuzz/corpus/$name
    mkdir -p "$corpus"
    seeds=
    [ ! -d "fuzz/corpus/$name" ] || seeds=fuzz/corpus/$name
    if "$target" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=4096 -verbosity=0 \
        -artifact_prefix="build-fuzz/crashes/$name-" "$corpus" $seeds > "build-fuzz/$name.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name failed:"
        tail -n 40 "build-fuzz/$name.log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
