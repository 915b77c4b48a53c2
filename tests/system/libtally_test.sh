#!/bin/bash
# libtally as a C or C++ programmer has it: installed, found by pkg-config, with what its headers promise
# and nothing else; each example built against it and run.
. "$(dirname "$0")/lib.sh"
: "${BUILD:?the build folder}"

for tool in pkg-config cc nm readelf; do
    command -v "$tool" > /dev/null || skip_all "no $tool"
done

root=$scratch/root
expect 0 'it installs' env DESTDIR="$root" meson install -C "$BUILD" --no-rebuild --quiet
library=$(find "$root" -name libtally.so)
folder=${library#"$root"}
folder=${folder%/*}
case $folder in
/usr/local/*)
    pkg-config --variable pc_path pkg-config | tr : '\n' > searched
    expect 0 'where pkg-config looks by itself' grep -qx "$folder/pkgconfig" searched
    ;;
esac
export PKG_CONFIG_PATH=${library%/*}/pkgconfig LD_LIBRARY_PATH=${library%/*}
prefix=$root$(pkg-config --variable prefix libtally)
# asked NAME OPTION...: the array NAME is what pkg-config says; it puts a backslash before the blanks of paths.
asked() {
    local name=$1 said
    shift
    said=$(pkg-config --define-variable=prefix="${prefix// /\\ }" "$@" libtally)
    eval "$name=($said)"
}
asked cflags --cflags
asked flags --cflags --libs

# ---- what is in it ----

headers=$(find "$root" -path '*/include/tally' -type d)
sed -n 's/^    \(tally_[a-z0-9_]*\);$/\1/p' "$source_root/src/client/libtally.map" | sort > listed
find "$root" -path '*man3/*' -name '*.3' -printf '%f\n' | sed 's/\.3$//' | sort > manual
nm -D --defined-only "$library" | sed -n 's/.* T \([^@]*\)@@TALLY_.*/\1/p' | sort > exported
nm -D --defined-only "$library" | grep -v ' A TALLY_' | grep -vc '@@TALLY_0\.1$' > unversioned
same 'each function of the headers has its page' "$(cat listed)" "$(cat manual)"
same 'exactly these are to be had' "$(cat listed)" "$(cat exported)"
same 'with a version each' 0 "$(cat unversioned)"
readelf -d "$library" > dynamic
expect 0 'its soname' grep -q 'SONAME.*\[libtally\.so\.0\]' dynamic

expect 0 '… and once loaded it stays: threads may end after it is closed' grep -q 'Flags: NODELETE' dynamic

if command -v mandoc > /dev/null; then
    for page in "$root"/*/*/*/man/man3/*.3 "$root"/*/*/man/man3/*.3; do
        [ ! -e "$page" ] || mandoc -T lint -W error "$page" || echo "$page"
    done > lint 2>&1
    expect 1 'the pages are well formed' grep . lint
else
    skip 'the pages are well formed' 'no mandoc'
fi

for header in "$headers"/*.h; do
    echo "#include <tally/${header##*/}>" > alone.c
    cp alone.c alone.cc
    expect 0 "${header##*/} stands alone" \
        cc -std=c17 -Wall -Wextra -Wshadow -Werror -fsyntax-only "${cflags[@]}" alone.c
    ! command -v c++ > /dev/null || expect 0 "${header##*/} in C++" \
        c++ -std=c++11 -Wall -Wextra -Wshadow -Werror -fsyntax-only "${cflags[@]}" alone.cc
done

# ---- the examples ----

if nm -D --undefined-only "$library" | grep -Eq ' __(asan|tsan|ubsan)_'; then
    skip 'the examples' 'a program needs the sanitizers that the library was built with'
    finish
fi

for example in "$source_root"/examples/*.c; do
    name=$(basename "$example" .c)
    expect 0 "$name.c is built" cc -std=c17 -Wall -Wextra -Werror "$example" \
        "${flags[@]}" -pthread -o "$name"
done
if command -v c++ > /dev/null; then
    expect 0 'record.cc is built' c++ -Wall -Wextra -Werror "$source_root/examples/record.cc" \
        "${flags[@]}" -o record_cc
fi

"$TALLY" init trail > init.txt
vkey=$(sed -n 's/^vkey: //p' init.txt)
export TALLY_URL=$scratch/trail TALLY_SPOOL=$scratch/spool

# of FILTER: how many entries of the trail match.
of() {
    "$TALLY" query trail "$@" --format ndjson --limit 1000 | wc -l
}

awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$source_root/README.md" > shop.c
expect 0 "README's program is built" cc -std=c17 -Wall -Wextra -Werror shop.c \
    "${flags[@]}" -o shop
expect 0 'it runs' ./shop
same 'and its event is on record' "$(of action:cart.pay user:u42)" 1

expect 0 'record' ./record
says '… and both were sent' '^recorded 2, sent 2, queued 0, lost 0, masked 1$'
expect 0 '… the password was not' test "$(of 'details.password:"[masked]"')" = 1
expect 1 '… and is nowhere' grep -rq swordfish trail spool

expect 0 'request' ./request
says '… knows who asked' '^the client is 203\.0\.113\.9$'
expect 0 '… for the report as well' test "$(of user_id:approver456 ip_address:203.0.113.9 request_id:req-77 \
    trace_id:4bf92f3577b34da6a3ce929d0e0e4736 resource:report/rep789 event_type:report_approve)" = 1

expect 0 'transfer' ./transfer
expect 0 '… a success, with its change' test "$(of action:account.withdraw status:success 'changes.balance:*' \
    'response_time_ms:*')" = 1
expect 0 '… a failure, with its reason' test "$(of action:account.withdraw status:failure \
    'error_message:"not enough money"')" = 1

expect 0 'deny: on record' ./deny
says '… then done' '^entry [0-9]* says so'
expect 1 'deny: nobody there' env TALLY_URL=http://127.0.0.1:1 TALLY_KEY=k ./deny
says '… not done' '^not done: '

expect 0 'embedded' ./embedded trail
says '… is read back' '"resource_id":"inv-9"'

expect 0 'workers' ./workers
all_are_there() {
    ./record > record.txt # takes over what the workers have left
    [ "$(of action:page.view)" -ge 400 ]
}
await all_are_there
expect 0 '… all of them, once' test "$(of action:page.view)" = 400

if [ -x record_cc ]; then
    expect 0 'C++' ./record_cc
    expect 0 '… is there' test "$(of action:document.open)" = 1
fi

"$TALLY" prove trail 1 --output proof
expect 0 'check' ./check "$vkey" proof
says '… proved' '^proved: entry 1 of '
sed 's/^extra ./extra A/' proof > forged
expect 1 'a forged one' ./check "$vkey" forged

finish
