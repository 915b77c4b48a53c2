#!/bin/bash
# The programs of docs/http-clients.md, each in its language where that is on the machine: an event gets
# to a real server; refused for now, it is sent again as it was; refused for good, it is not.
. "$(dirname "$0")/lib.sh"
: "${STAND_IN:?the stand-in of a server}"

# block NAME: the code behind <!-- NAME --> becomes the file NAME.
block() {
    awk -v mark="<!-- $1 -->" '
        $0 == mark { found = 1; next }
        found && /^```/ { if (++fences == 2) exit; next }
        found && fences == 1
    ' "$source_root/docs/http-clients.md" > "$1"
    [ -s "$1" ]
}

answer() {
    printf 'HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
        "$1" "${3:+$3$'\r\n'}" "${#2}" "$2"
}
answer '503 Service Unavailable' '{"detail":"not now"}' 'Retry-After: 1' > later
answer '201 Created' '{"trail":"main","first":1,"count":1,"size":2,"repeated":[]}' > stored
answer '400 Bad Request' '{"detail":"an event needs action or event_type"}' > refused

# body N: what the stand-in was sent as the N-th request, without its head.
body() {
    sed '1,/^\r$/d' "request.$1"
}

# records NAME COMMAND...: the laws for the program of one language.
records() {
    local name=$1
    shift
    TALLY_URL=$url TALLY_KEY=$key expect 0 "$name: to a server" "$@" "id-$name" user.login user-1
    fetch 200 "$name: asked for" /api/events id="id-$name"
    same "$name: it is there" "$(picked '[.data[] | .action + .user_id]')" '["user.loginuser-1"]'

    export TALLY_KEY=some-key
    stand_in later stored
    export TALLY_URL=$standing
    expect 0 "$name: after a refusal for now" "$@" "id-$name" user.login user-1
    leave
    same "$name: sent twice" "$(ls request.* | wc -l)" 2
    same "$name: and the same" "$(body 1)" "$(body 2)"
    expect 0 "$name: with its key" grep -qi '^authorization: bearer some-key' request.2

    stand_in refused
    export TALLY_URL=$standing
    "$@" "id-$name" user.login user-1 > out 2> err
    same "$name: refused for good is an error" $(($? != 0)) 1
    leave
    same "$name: sent once" "$(ls request.* | wc -l)" 1
}

# tool NAME...: all are here, or a test point says that they are not.
tool() {
    local name
    for name; do
        command -v "$name" > /dev/null || { skip "$name" "no $name" && return 1; }
    done
}

make_served data
serve data
export HOME=$scratch GOCACHE=$scratch/go GOFLAGS=-mod=mod GOTOOLCHAIN=local

for name in record.sh record.mjs record.go Record.java record.php; do
    expect 0 "$name stands in the page" block "$name"
done
records curl sh record.sh
tool node && records node node record.mjs
if tool go; then
    expect 0 'go: builds' go build -o record_go record.go
    records go ./record_go
fi
tool java javac && records java java Record.java
tool php && records php php record.php

finish
