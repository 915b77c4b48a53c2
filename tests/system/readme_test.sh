#!/bin/bash
# Runs every command of README's tour, in its order, in one shell as a reader would.
. "$(dirname "$0")/lib.sh"
command -v curl > /dev/null || skip_all 'curl is not there'

mkdir bin
ln -s "$TALLY" bin/tally
export PATH=$scratch/bin:$PATH
ln -s "$source_root/tests" tests

# The port may be taken here: the tour's becomes one that is free, and not one of those that the kernel gives
# to whoever asks for any.
port=$(python3 -c '
import random, socket
while True:
    port = random.randrange(10000, 30000)
    try:
        socket.create_server(("127.0.0.1", port)).close()
        break
    except OSError:
        pass
print(port)')
awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$source_root/README.md" |
    sed "s/127\.0\.0\.1:7878/127.0.0.1:$port/; s/^tally serve --data data/& --listen 127.0.0.1:$port/" > tour

# run LINE: a command of the tour; the doctor may find something about the machine.
run() {
    eval "$1" > out 2> err
    local status=$?
    if [ $status -eq 0 ] || { [[ $1 == *doctor* ]] && [ $status -eq 1 ]; }; then
        pass "${1%%$'\n'*}"
    else
        fail "${1%%$'\n'*}"
        show
    fi
}

set -m # so that %1 is the server
line=''
while IFS= read -r part <&3; do
    line+=$part$'\n'
    [ "${part%\\}" = "$part" ] || continue
    if [[ $line == 'tally serve'* ]]; then
        eval "$line" > serve.out 2> serve.err
        await grep -q '^listening on' serve.out
        same 'the server is ready' "$(cat serve.out)" "listening on http://127.0.0.1:$port"
    elif [[ $line == 'kill %1'* ]]; then
        kill %1
        wait %1
        same 'the server ends' "$?" 0
    else
        run "$line"
    fi
    line=''
done 3< tour
[ "$tests" -ge 20 ] && pass 'the tour was found' || fail 'the tour was found'
same 'it ends with a whole trail' "$(tally query data control:'*' --format ndjson | wc -l) $(size_of data)" '1 5003'

finish
