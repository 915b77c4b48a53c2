#!/bin/bash
# The manual pages are well formed, alike, lead only to pages there are, and leave out no command and no
# call.
. "$(dirname "$0")/lib.sh"
command -v mandoc > /dev/null || skip_all 'no mandoc'

mkdir man
cp "$source_root"/docs/man/*.[1-8] man
awk -v out=man -f "$source_root/docs/man/pages.awk" man/tally.1 "$source_root"/include/tally/*.h
expect 0 'mandoc warns of no page' mandoc -T lint -W warning man/*
if command -v man > /dev/null; then
    for page in man/*; do man --warnings -l "$page" 2>&1 > /dev/null; done > warnings
    same 'nor does man' "$(cat warnings)" ''
else
    skip 'nor does man' 'there is none'
fi

# What apropos lists: a name with a line of its own, which fits.
sed -n 's/^\.Nd //p' man/* > lines
same 'each page says what it is for' "$(wc -l < lines) $(sort lines | uniq -d)" "$(ls man | wc -l) "
same 'in a line' "$(grep -E '.{100}' lines)" ''
for page in man/*.3; do sed -n 's/^\.Sh //p' "$page" | paste -sd,; done | sort -u > sections
same 'those of calls have the same sections' "$(cat sections)" 'NAME,LIBRARY,SYNOPSIS,DESCRIPTION,SEE ALSO'
sed -nE 's/^\.Xr ([^ ]+) ([1-8]).*/\1.\2/p' man/* | sort -u > targets
same 'what they lead to is there' "$(grep -vxF -e gzip.1 -f <(ls man) targets)" ''
grep -ohE '\btally_[a-z0-9_]+\(' "$source_root"/include/tally/*.h | tr -d '(' | sort -u | grep -vxE 'tally_event(_init)?' > calls
same 'each call has one' "$(comm -3 calls <(ls man | sed -n 's/\.3$//p' | sort))" ''

"$TALLY" help | sed -n 's/^  tally \([a-z]*\) .*/\1/p' | sort > commands
sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Cm \([a-z]*\)$/\1/p' man/tally.1 | sort -u > synopsis
same 'each command is in the synopsis' "$(grep -vxFf synopsis commands)" ''

# options_of COMMAND: those that its help names, and for the synopsis to name, too: but for --help, and for what
# all commands of servers have, which has a section of its own.
options_of() {
    "$TALLY" help "$1" | sed -n '/^Options:/,/^$/s/^  \(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p' | sort > named
    grep -qx cacert named && grep -vxE 'help|key|cacert|insecure-http' named || grep -vx help named
}
# synopsis_of COMMAND: the options that its lines of the synopsis name.
synopsis_of() {
    awk -v command="$1" '/^\.Sh DESCRIPTION/ { exit } /^\.Nm/ { inside = 0 } $0 == ".Cm " command { inside = 1 } inside' \
        man/tally.1 | grep -oE 'Fl -[a-z-]{2,}' | sed 's/Fl -//' | sort -u
}
while read -r command; do
    same "tally $command: the synopsis has the options of its help" "$(synopsis_of "$command")" "$(options_of "$command")"
done < commands
ls "$source_root/share/maps" | sed 's/\.map$//' > maps
sed -n '/^\.Ss import/,/^\.Ss/p' man/tally.1 | sed -n 's/^\.Cm \([a-z0-9-]*\)\( ,\)\{0,1\}$/\1/p' > named
same 'each map is named' "$(grep -vxFf named maps)" ''
for variable in $(sed -n '/^\.Sh ENVIRONMENT/,/^\.Sh/s/^\.It Ev //p' man/tally.1 | tr -d ,); do
    # What libtally and the program take by name stands in a table or is asked for.
    grep -rqF "\"$variable\"" "$source_root/src/cli" && pass "$variable is looked at" || fail "$variable is not looked at"
done
sed -n '/^\.Sh SERVERS/,/^\.Sh ENVIRONMENT/p' man/tally.1 > servers
same 'what all have for servers has a section' "$(grep -cE 'Fl -(key|cacert|insecure-http)' servers)" 3

echo '.XX' > broken.1
expect 3 'which it would not say of any text' mandoc -T lint -W warning broken.1

finish
