#!/bin/sh
# find.sh BUILD: how long questions take, of a trail, PostgreSQL 15 and SQLite with the same entries on this
# machine; prints Markdown. docs/performance.md says what is compared.
#
#   BENCH_FIND_SIZES=N...     entries (100000)
#   BENCH_FIND_KEEP=DIR       keep everything in DIR/N: what is there is not made again, and the tables are of
#                             all sizes that were measured there, so that sizes can be run one at a time.
#                             Where the format has changed since: without DIR/N/samples the trail is made anew
#   BENCH_FIND_ENGINES=E...   of "trail http postgres sqlite" (all of them)
#   BENCH_FIND_PEER_MAX=N     entries that a peer is given at most (10000000)
#   BENCH_FIND_PEER_SECONDS=N how long a peer may take to load and index them (3600)
#   BENCH_FIND_ASKS=N         asks of a question, warm (50)
#   BENCH_FIND_SECONDS=N      for these, and for those cold; one is always asked (1)
#   BENCH_FIND_COLD=N         asks of a question, cold (1)
#   BENCH_FIND_SVG=FILE       a picture, too
#   BENCH_FOLDER=DIR          where to work if nothing is kept (TMPDIR): it should be on the disk that is meant
set -eu
build=$(realpath "$1")
bench=$(realpath "$(dirname "$0")")
sizes=${BENCH_FIND_SIZES:-100000}
engines=${BENCH_FIND_ENGINES-trail http postgres sqlite}
peer_max=${BENCH_FIND_PEER_MAX:-10000000}
peer_seconds=${BENCH_FIND_PEER_SECONDS:-3600}
asks=${BENCH_FIND_ASKS:-50}
seconds=${BENCH_FIND_SECONDS:-1}
cold=${BENCH_FIND_COLD:-1}
how="--asks $asks --seconds $seconds --cold $cold"
export BENCH_POSTGRES_WORK=256MB

if [ -n "${BENCH_FIND_KEEP:-}" ]; then
    mkdir -p "$BENCH_FIND_KEEP"
    root=$(realpath "$BENCH_FIND_KEEP")
else
    root=$(mktemp -d "${BENCH_FOLDER:-${TMPDIR:-/tmp}}/tally-find-XXXXXX")
fi
chmod 711 "$root" # PostgreSQL may run as another user
server=
cluster=
finish() {
    [ -z "$server" ] || kill "$server" 2> /dev/null || true
    [ -z "$cluster" ] || [ ! -e "$cluster/cluster/postmaster.pid" ] || "$bench/postgres.sh" stop "$cluster"
    [ -n "${BENCH_FIND_KEEP:-}" ] || rm -rf "$root"
}
trap finish EXIT
trap 'exit 1' INT TERM

say() { echo "$(date +%H:%M:%S) $*" >&2; }
wanted() { case " $engines " in *" $1 "*) ;; *) return 1 ;; esac; }

# ---- the trail ----

# A folder is whole when its samples are there: they are written last.
make_trail() {
    [ ! -e "$dir/samples" ] || return 0
    say "recording $size entries"
    rm -rf "$dir/trail" "$dir/trail.csv" "$dir/trail.answers" "$dir/http.csv"
    (umask 077; "$build/tally" init "$dir/trail" | sed -n 's/^admin key: //p' > "$dir/key")
    "$build/bench/fill_trail" "$size" "$dir/trail" "$dir/samples.part" > "$dir/trail.made"
    echo "\"on disk\",size,$(du -sb "$dir/trail" | awk -v n="$size" '{ print $1 / n }')" >> "$dir/trail.made"
    mv "$dir/samples.part" "$dir/samples"
}

ask_trail() {
    say "asking the trail of $size"
    "$build/bench/find_trail" $how --answers "$dir/trail.answers" "$dir/trail" "$dir/samples" \
        > "$dir/trail.asked"
    cat "$dir/trail.made" "$dir/trail.asked" > "$dir/trail.csv"
}

start_server() {
    TALLY_VERIFY_EVERY_S=0 "$build/tally" serve --data "$dir/trail" --listen 127.0.0.1:0 > "$dir/serve.out" \
        2> "$dir/serve.err" &
    server=$!
    tries=0
    until grep -q '^listening on ' "$dir/serve.out"; do
        tries=$((tries + 1))
        if [ $tries -gt 1200 ] || ! kill -0 $server 2> /dev/null; then
            cat "$dir/serve.err" >&2
            exit 1
        fi
        sleep 0.1
    done
    url=$(sed -n 's/^listening on //p' "$dir/serve.out")
}

# Everything is asked twice: the first time an answer is put on record before it is given.
ask_http() {
    say "asking over HTTP"
    "$build/bench/find_trail" --asks "$asks" --targets "$dir/targets" "$dir/trail" "$dir/samples"
    TALLY_KEY=$(cat "$dir/key")
    export TALLY_KEY
    start_server
    : > "$dir/http.part"
    cut -f1 "$dir/targets" | uniq > "$dir/labels"
    while IFS= read -r label; do
        awk -F '\t' -v label="$label" '$1 == label { print $2 }' "$dir/targets" > "$dir/gets"
        for turn in first second; do
            "$build/bench/load" --get --seconds "$seconds" --label "$label" "$url" < "$dir/gets" \
                > "$dir/$turn" 2> "$dir/refused" || { say "over HTTP, $label: $(cut -c1-200 "$dir/refused")"; break; }
        done
        sed -n 's/ p50",\(.*\),ms$/",p50,\1/p' "$dir/second" >> "$dir/http.part" 2> /dev/null || true
        rm -f "$dir/first" "$dir/second"
    done < "$dir/labels"
    kill "$server"
    wait "$server" || true
    server=
    mv "$dir/http.part" "$dir/http.csv"
}

# ---- peers ----

# fill PEER WHERE: what it prints goes to PEER.made; a peer that takes too long is left out, and the report
# says so.
fill() {
    rm -f "$dir/$1.left-out"
    if [ "$size" -gt "$peer_max" ]; then
        echo "not given more than $peer_max entries" > "$dir/$1.left-out"
        return 1
    fi
    [ ! -e "$dir/$1.made" ] || return 0
    say "filling $1"
    status=0
    "$build/bench/fill_$1" "$size" "$peer_seconds" "$2" > "$dir/$1.part" || status=$?
    if [ $status = 3 ]; then
        tail -1 "$dir/$1.part" > "$dir/$1.left-out"
        return 1
    fi
    [ $status = 0 ] || exit 1
    mv "$dir/$1.part" "$dir/$1.made"
}

ask_sqlite() {
    [ -e "$dir/sqlite.made" ] || rm -f "$dir"/sqlite.db*
    if ! fill sqlite "$dir/sqlite.db"; then
        [ -e "$dir/sqlite.made" ] || rm -f "$dir"/sqlite.db*
        return 0
    fi
    say "asking SQLite"
    "$build/bench/find_sqlite" $how --answers "$dir/sqlite.answers" "$dir/sqlite.db" "$dir/samples" \
        > "$dir/sqlite.asked"
    cat "$dir/sqlite.made" "$dir/sqlite.asked" > "$dir/sqlite.csv"
}

ask_postgres() {
    if [ ! -x "$build/bench/find_postgres" ]; then
        echo "not there: $build was set up without libpq (packaging/deps.sh bench)" > "$dir/postgres.left-out"
        return 0
    fi
    cluster=$dir/postgres
    [ -e "$dir/postgres.made" ] || rm -rf "$cluster"
    chmod 711 "$dir"
    "$bench/postgres.sh" start "$cluster" > "$dir/postgres.how"
    database=$(tail -1 "$dir/postgres.how")
    if fill postgres "$database"; then
        say "asking PostgreSQL"
        "$build/bench/find_postgres" $how --answers "$dir/postgres.answers" --restart "$bench/postgres.sh stop \
            '$cluster' && '$build/bench/drop' '$cluster/cluster' && '$bench/postgres.sh' start '$cluster' \
            > /dev/null" "$database" "$dir/samples" > "$dir/postgres.asked"
        cat "$dir/postgres.made" "$dir/postgres.asked" > "$dir/postgres.csv"
    fi
    "$bench/postgres.sh" stop "$cluster"
    [ -e "$dir/postgres.made" ] || rm -rf "$cluster"
    cluster=
}

# What both have answered must be the same: question, ask, rows, digest.
compare() {
    [ -e "$dir/trail.answers" ] && [ -e "$dir/$1.answers" ] || return 0
    awk -F '\t' 'NR == FNR { mine[$1 FS $2] = $3 FS $4; next }
        ($1 FS $2) in mine { both++; if (mine[$1 FS $2] != $3 FS $4) { wrong++; print "not the same: " $0 } }
        END { if (wrong + 0 > 0 || both + 0 == 0) exit 1; print both " answers are the same" }' \
        "$dir/trail.answers" "$dir/$1.answers" > "$dir/$1.compared" || {
        echo "find.sh: $1 answers otherwise than the trail, at $size entries:" >&2
        head -20 "$dir/$1.compared" >&2
        exit 1
    }
}

# ---- the whole ----

measure() {
    size=$1
    dir=$root/$size
    mkdir -p "$dir"
    make_trail
    ! wanted trail || ask_trail
    ! wanted http || ask_http
    for peer in sqlite postgres; do
        ! wanted $peer || ask_$peer
        compare $peer
    done
}

load() { cut -d' ' -f1-3 /proc/loadavg; }
machine=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
cores=$(getconf _NPROCESSORS_ONLN)
memory=$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)
files=$(stat -f -c %T "$root")
system=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)
before=$(load)
for size in $sizes; do
    measure "$size"
done

echo "$machine, $cores processors, $memory, $files, $system."
echo "Up to $asks values a question, each asked once before it is timed; $cold cold. Load average before: $before,"
echo "after: $(load)."
set --
for size in $(ls "$root" | grep -E '^[0-9]+$' | sort -n); do
    for engine in trail http postgres sqlite; do
        [ ! -s "$root/$size/$engine.csv" ] || set -- "$@" "$engine:$size:$root/$size/$engine.csv"
        [ ! -e "$root/$size/$engine.left-out" ] ||
            echo "At $size entries, $engine: $(cat "$root/$size/$engine.left-out")."
        [ ! -e "$root/$size/$engine.compared" ] ||
            echo "At $size entries, $engine: $(cat "$root/$size/$engine.compared")."
    done
done
"$build/bench/find_report" "$@"
[ -z "${BENCH_FIND_SVG:-}" ] || "$build/bench/find_plot" "$@" > "$BENCH_FIND_SVG"
