# lib.sh - what the system tests share: TAP on standard output, a scratch folder, the program.
#
# A test is a bash script that sources this file first. TALLY is the program. $scratch is removed at the
# end; verification's memory lies in it, so that tests leave nothing elsewhere and do not see each other.

set -u
export LC_ALL=C.UTF-8 TERM=xterm # terminals that tests make are not as dumb as whoever calls them
unset NO_COLOR COLUMNS

: "${TALLY:?the program to test}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_root=$(cd "$here/../.." && pwd)
shared=${TALLY_SHARED:-$source_root/../shared}

scratch=$(mktemp -d)
export XDG_STATE_HOME=$scratch/state
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 99

tests=0
failures=0

# pass TEXT, fail TEXT: one test point.
pass() {
    tests=$((tests + 1))
    echo "ok $tests - $1"
}
fail() {
    tests=$((tests + 1))
    failures=$((failures + 1))
    echo "not ok $tests - $1"
}

# skip TEXT REASON: a test point that cannot be had here.
skip() {
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

# show: what the last command printed, as a TAP diagnostic.
show() {
    sed 's/^/#   stdout: /' "$scratch/out" | head -20
    sed 's/^/#   stderr: /' "$scratch/err" | head -20
}

# expect STATUS TEXT COMMAND...: runs it, with what is on standard input; $out and $err are what it
# printed.
expect() {
    local wanted=$1 text=$2
    shift 2
    "$@" > "$scratch/out" 2> "$scratch/err"
    status=$?
    out=$(tr -d '\0' < "$scratch/out")
    err=$(tr -d '\0' < "$scratch/err")
    if [ "$status" -eq "$wanted" ]; then
        pass "$text"
    else
        fail "$text"
        echo "#   exit status $status, not $wanted: $*"
        show
    fi
}

# says TEXT REGEX..., complains TEXT REGEX...: the last command's standard output, or error, matches.
says() {
    local text=$1 pattern
    shift
    for pattern in "$@"; do
        if ! grep -Eq -- "$pattern" "$scratch/out"; then
            fail "$text"
            echo "#   nothing on standard output matches: $pattern"
            show
            return
        fi
    done
    pass "$text"
}
complains() {
    local text=$1 pattern
    shift
    for pattern in "$@"; do
        if ! grep -Eq -- "$pattern" "$scratch/err"; then
            fail "$text"
            echo "#   nothing on standard error matches: $pattern"
            show
            return
        fi
    done
    pass "$text"
}

# same TEXT A B: two texts are equal.
same() {
    if [ "$2" = "$3" ]; then
        pass "$1"
    else
        fail "$1"
        echo "#   ${2@Q}" | head -5
        echo "#   ${3@Q}" | head -5
    fi
}

# make_data DIR [OPTION...]: a data folder; $vkey is its key.
make_data() {
    vkey=$("$TALLY" init "$@" | sed -n 's/^vkey: //p')
}

# size_of DIR [TRAIL]: the trail's size.
size_of() {
    "$TALLY" trail "$1" info --trail "${2:-main}" | sed -n 's/^size: //p'
}

# events COUNT [FIRST]: that many small events with ids, a line each.
events() {
    local i
    for ((i = ${2:-0}; i < ${2:-0} + $1; i++)); do
        echo "{\"action\":\"test.run\",\"id\":\"e-$i\",\"user_id\":\"u$((i % 7))\"}"
    done
}

# flip FILE OFFSET: flips a bit.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\$(printf %03o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# await COMMAND...: runs it again and again until it succeeds; fails when it has not for two minutes.
await() {
    local tries
    for ((tries = 0; tries < 1200; tries++)); do
        "$@" && return
        sleep 0.1
    done
    return 1
}

# stand_in FILE...: a server that gives these answers (STAND_IN), at $standing; what it is asked is in request.1,
# request.2 and so on. leave ends it.
stand_in() {
    leave
    rm -f request.*
    mkfifo stand_in.end
    "$STAND_IN" "$@" < stand_in.end > stand_in.port &
    standing_in=$!
    exec 9> stand_in.end
    until [ -s stand_in.port ]; do
        kill -0 "$standing_in" 2> /dev/null || {
            echo "Bail out! the stand-in of a server does not start: $STAND_IN"
            exit 99
        }
        sleep 0.01
    done
    standing=http://127.0.0.1:$(cat stand_in.port)
}
leave() {
    [ -n "${standing_in:-}" ] || return 0
    exec 9>&-
    wait "$standing_in"
    rm -f stand_in.end stand_in.port
    standing_in=
}

# typed COMMAND...: what somebody reads who types it at a terminal; nothing if none is to be had.
typed() { script -qec "${*@Q}" /dev/null < /dev/null 2> /dev/null | tr -d '\r'; }

# skip_all REASON: nothing to test here.
skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

# The last line of a test.
finish() {
    echo "1..$tests"
    [ "$failures" -eq 0 ]
    exit
}
