#!/bin/bash
# Runs every command of README's tour, in its order.
. "$(dirname "$0")/lib.sh"

mkdir bin
ln -s "$TALLY" bin/tally
export PATH=$scratch/bin:$PATH
ln -s "$source_root/tests" tests

awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$source_root/README.md" > tour
line=''
while IFS= read -r part; do
    line+=$part$'\n'
    [ "${part%\\}" = "$part" ] || continue
    # The doctor may find something about the machine.
    bash -c "$line" > out 2> err
    status=$?
    if [ $status -eq 0 ] || { [[ $line == *doctor* ]] && [ $status -eq 1 ]; }; then
        pass "${line%%$'\n'*}"
    else
        fail "${line%%$'\n'*}"
        show
    fi
    line=''
done < tour
[ "$tests" -ge 12 ] && pass 'the tour was found' || fail 'the tour was found'
same 'it ends with a whole trail' "$(tally query data control:'*' --format ndjson | wc -l) $(size_of data)" '1 5003'

finish
