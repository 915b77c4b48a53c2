#!/bin/bash
. "$(dirname "$0")/lib.sh"
unit=$source_root/packaging/systemd/tally.service
command -v systemd-analyze > /dev/null || skip_all 'no systemd-analyze'

# The program of this build: systemd looks for programs in system folders only.
sed "s|^ExecStart=tally |ExecStart=\"$TALLY\" |" "$unit" > tally.service
expect 0 'systemd takes the unit' systemd-analyze verify --man=no "$scratch/tally.service"
same 'without a word' "$(cat out err)" ''
echo 'Restarts=always' >> tally.service
systemd-analyze verify --man=no "$scratch/tally.service" > out 2> err
complains 'which it would not do for a slip' 'Unknown key .Restarts'

expect 0 'what the service may do is looked at' systemd-analyze security --offline=true "$unit"
exposure=$(sed -n 's/.*Overall exposure level for tally.service: \([0-9]*\)\.\([0-9]\).*/\1\2/p' out)
[ -n "$exposure" ] && [ "$exposure" -lt 20 ] && pass 'its exposure is below 2.0' || fail "its exposure is ${exposure:-not said}"

if command -v systemd-sysusers > /dev/null; then
    mkdir -p root/etc
    expect 0 'its user is made' systemd-sysusers --root="$scratch/root" "$source_root/packaging/systemd/tally.sysusers"
    same 'with the folder for a home' "$(cut -d: -f1,6 root/etc/passwd)" tally:/var/lib/tally
else
    skip 'its user is made' 'no systemd-sysusers'
fi
same 'which the service serves' "$(sed -n 's/^ExecStart=.* --data //p' "$unit")" /var/lib/tally

finish
