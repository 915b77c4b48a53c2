#!/bin/bash
# The manual pages are well formed.
. "$(dirname "$0")/lib.sh"
command -v mandoc > /dev/null || skip_all 'no mandoc'

for page in "$source_root"/docs/man/*.[1-8]; do
    expect 0 "${page##*/}" mandoc -T lint -W warning "$page"
done
"$TALLY" help | sed -n 's/^  tally \([a-z]*\) .*/\1/p' | sort > commands
sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Cm \([a-z]*\)$/\1/p' "$source_root/docs/man/tally.1" | sort -u > synopsis
same 'each command is in the synopsis' "$(grep -vxFf synopsis commands)" ''
echo '.XX' > broken.1
expect 3 'which it would not say of any text' mandoc -T lint -W warning broken.1

finish
