# lib.sh - what the server's tests share, beside what all system tests do: a server, and questions to it.
#
# serve DIR starts one on a port of its own and sets $url, the first one if there are more; it is stopped at
# the end. $key is the key that fetch brings along.

. "$(dirname "${BASH_SOURCE[0]}")/../system/lib.sh"
command -v curl > /dev/null && command -v jq > /dev/null || skip_all 'curl and jq are needed'

server=
key=
trap 'stop; rm -rf "$scratch"' EXIT

# serve DIR [OPTION...]: starts the server; the process is $server.
serve() {
    local tries=0
    dir=$1
    shift
    : > "$scratch/serve.out" # what the one before wrote is not to be taken for this one's
    "$TALLY" serve --data "$dir" --listen 127.0.0.1:0 "$@" > "$scratch/serve.out" 2> "$scratch/serve.err" &
    server=$!
    until url=$(sed -n 's/^listening on //p' "$scratch/serve.out" | head -n 1) && [ -n "$url" ]; do
        if ! kill -0 "$server" 2> /dev/null || [ $((tries += 1)) -gt 200 ]; then
            echo "Bail out! the server does not start"
            sed 's/^/#   /' "$scratch/serve.err"
            exit 99
        fi
        sleep 0.05
    done
}

# stop: ends the server as an operator would; its exit status.
stop() {
    [ -n "$server" ] || return 0
    kill -TERM "$server" 2> /dev/null
    wait "$server"
    local ended=$?
    server=
    return $ended
}

# make_served DIR: a data folder with its admin key in $key, and $vkey.
make_served() {
    "$TALLY" init "$@" > "$scratch/init"
    key=$(sed -n 's/^admin key: //p' "$scratch/init")
    vkey=$(sed -n 's/^vkey: //p' "$scratch/init")
}

# as ROLE [OPTION...]: from here on with a new key of this role. The server looks for new keys once a second;
# asking before would count as a failure.
as() {
    local role=$1
    shift
    key=$("$TALLY" key "$dir" add --role "$role" --name "a $role" "$@" | grep -oE 'tally_[A-Za-z0-9_-]+')
    sleep 1.2
}

# ask PATH [NAME=VALUE...]: a GET; what came is in `out`, its headers in `headers`, $code its status.
ask() {
    local path=$1 parameter arguments=()
    shift
    for parameter in "$@"; do
        arguments+=(--data-urlencode "$parameter")
    done
    code=$(curl -sS -G -D "$scratch/headers" -o "$scratch/out" -w '%{http_code}' \
        ${key:+-H "Authorization: Bearer $key"} "${arguments[@]}" "$url$path" 2> "$scratch/err")
    tr -d '\r' < "$scratch/headers" > "$scratch/headers.lf"
    mv "$scratch/headers.lf" "$scratch/headers"
}

# fetch CODE TEXT PATH [NAME=VALUE...]: asks, and expects this status.
fetch() {
    local wanted=$1 text=$2
    shift 2
    : > "$scratch/out"
    ask "$@"
    if [ "$code" = "$wanted" ]; then
        pass "$text"
    else
        fail "$text"
        echo "#   status $code, not $wanted: $*"
        show
    fi
}

# send CODE TEXT PATH BODY [TYPE]: a POST, of JSON if nothing is said.
send() {
    local wanted=$1 text=$2 path=$3 body=$4 type=${5:-application/json}
    code=$(curl -sS -D "$scratch/headers" -o "$scratch/out" -w '%{http_code}' ${key:+-H "Authorization: Bearer $key"} \
        -H "Content-Type: $type" --data-binary "$body" "$url$path" 2> "$scratch/err")
    if [ "$code" = "$wanted" ]; then
        pass "$text"
    else
        fail "$text"
        echo "#   status $code, not $wanted: $path"
        show
    fi
}

# picked FILTER: what jq picks from the last answer, on one line.
picked() {
    jq -c "$1" "$scratch/out" 2>&1 | paste -sd' '
}

# head_is TEXT NAME VALUE: the last answer has this header.
head_is() {
    same "$1" "$(sed -nE "s/^$2: //Ip" "$scratch/headers")" "$3"
}
