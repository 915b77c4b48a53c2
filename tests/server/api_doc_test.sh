#!/bin/bash
# api_doc_test.sh - the examples of docs/api.md, one after another, on a fresh server: none is refused.
. "$(dirname "$0")/lib.sh"
make_served data
serve data
export URL=$url KEY=$key

# Each block of shell is a file.
awk '/^```sh$/ { file = sprintf("example.%02d", ++count); next } /^```$/ { file = "" } file { print > file }' \
    "$source_root/docs/api.md"
for example in example.*; do
    expect 0 "$(head -1 "$example" | cut -c1-70)" \
        bash -euo pipefail -c 'curl() { command curl --fail-with-body "$@"; }; . "./$0"' "$example"
    cp out "$example.out"
done
same 'one was recorded' "$(jq -c '[.count, .receipts[0].index]' example.01.out)" '[1,1]'
same 'then three' "$(jq -c '[.first, .count, .refused_count]' example.02.out)" '[2,3,0]'
same 'all are found' "$(head -c 100000 example.03.out | jq -s -c '[.[0].total, .[1].total]')" '[3,4]'
same 'and exported' "$(wc -l < week.csv)" 5
same 'the trail grew out of its checkpoint' "$(tail -1 example.04.out | jq -r .verdict)" intact
expect 0 'the proof proves' "$TALLY" prove --check entry.proof --vkey "$vkey"
same 'the key has a successor' "$(jq -s -c 'map(.id)' example.06.out)" '[2,3]'

finish
