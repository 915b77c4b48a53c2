#!/bin/bash
. "$(dirname "$0")/lib.sh"
make_data data
events 20 | "$TALLY" record data > receipts
leaf=$(awk '$1 == 7 { print $2 }' receipts)

expect 0 'a proof' "$TALLY" prove data 7
says 'in the form of C2SP' '^c2sp.org/tlog-proof@v1$' '^extra [A-Za-z0-9+/=]+$' '^index 7$' '^tally-.*/main$'
cp out proof
expect 0 'into a file' "$TALLY" prove data 7 --output file
same 'the same' "$(cmp file proof && echo same)" same
expect 0 'it checks by itself' "$TALLY" prove --check proof --vkey "$vkey"
says 'and says what it proves' '^entry 7 of tally-.* is proved: it is in the tree of size 21' '"id":"e-6"'
expect 0 'from standard input' "$TALLY" prove --check - --vkey "$vkey" < proof
expect 0 'for a receipt' "$TALLY" prove --check proof --vkey "$vkey" --leaf "$leaf"
sed -n 's/^extra //p' proof | base64 -d > entry
expect 0 'for an entry from elsewhere' "$TALLY" prove --check proof --vkey "$vkey" --entry entry
echo >> entry
expect 0 'with a line end behind it' "$TALLY" prove --check proof --vkey "$vkey" --entry entry
sed -i 's/test.run/test.ran/' entry
expect 1 'not for another entry' "$TALLY" prove --check proof --vkey "$vkey" --entry entry
expect 1 'nor for another leaf' "$TALLY" prove --check proof --vkey "$vkey" --leaf "${leaf/[0-8]/9}"

make_data other
expect 1 'not by another key' "$TALLY" prove --check proof --vkey "$vkey"
data_vkey=$("$TALLY" trail data info | sed -n 's/^vkey: //p')
size=$(stat -c %s proof)
bad=0
for ((offset = 0; offset < size; offset += 7)); do
    cp proof damaged
    flip damaged "$offset"
    "$TALLY" prove --check damaged --vkey "$data_vkey" > out 2> err
    status=$?
    [ $status -eq 1 ] || [ $status -eq 2 ] || { bad=$((bad + 1)); echo "# byte $offset: status $status"; }
done
same 'no flipped bit passes' "$bad" 0
head -c 100 proof > cut
expect 1 'not a part of it' "$TALLY" prove --check cut --vkey "$data_vkey"

expect 4 'an entry that is not there' "$TALLY" prove data 21
complains 'and how many are' 'size 21'
expect 2 'no index' "$TALLY" prove data seven
expect 2 'a negative one' "$TALLY" prove data -- -1
expect 2 'none at all' "$TALLY" prove data
expect 2 'a check without a key' "$TALLY" prove --check proof
expect 2 'a key that is none' "$TALLY" prove --check proof --vkey nothing
expect 2 'a leaf that is none' "$TALLY" prove --check proof --vkey "$data_vkey" --leaf abc
expect 3 'no such file' "$TALLY" prove --check nothing --vkey "$data_vkey"
expect 3 'no such folder' "$TALLY" prove nothing 1

finish
