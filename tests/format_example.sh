#!/bin/bash
# format_example.sh DOCUMENT: runs the example of docs/format.md and holds it against what the document
# says it prints. `bytes` uses \x escapes, which bash's printf knows.
set -u
document=$1
example=$(sed -n '/^### An example of an entry/,/^### Files/p' "$document")
script=$(printf '%s\n' "$example" | sed -n '/^```sh$/,/^```$/p' | sed '1d;$d')
promised=$(printf '%s\n' "$example" | grep '^[0-9a-f]\{64\}')
printed=$(bash -c "$script" 2>&1)

echo 1..2
[ -n "$promised" ] && [ "$printed" = "$promised" ] && echo 'ok 1 - the example prints what the document says' ||
    { echo 'not ok 1 - the example prints what the document says'; printf '%s\n' "$printed" | sed 's/^/# /'; }
[ "$(printf '%s\n' "$printed" | cut -c 1-64 | uniq | wc -l)" = 2 ] &&
    echo 'ok 2 - commitment and root come out as they are stored' ||
    echo 'not ok 2 - commitment and root come out as they are stored'
