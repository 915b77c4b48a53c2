#!/bin/bash
. "$(dirname "$0")/lib.sh"
make_data data
events 10 | "$TALLY" record data > /dev/null

# The machine may have its own troubles (space, file system): only what the folder adds counts here.
"$TALLY" doctor data --format csv > before 2> err
[ $? -le 1 ] && pass 'a healthy folder' || fail 'a healthy folder'
found() {
    "$TALLY" doctor data --format csv > out 2> err
    status=$?
}
chmod 0644 data/tally.db data/keys/main
found
same 'files that others may read' "$status" 1
says 'each named, with its cure' 'warning,tally.db,.*0644.*,chmod' 'warning,keys/main,'
chmod 0600 data/tally.db data/keys/main
mv data/tally.db away
found
same 'a missing file' "$status" 1
says 'named' 'fault,tally.db,the file is missing'
echo 'no database' > data/tally.db
chmod 0600 data/tally.db
found
says 'a damaged one' 'fault,tally.db,.*not a database'
mv away data/tally.db
# One that is good while the first is revoked, however long that takes, and then runs out.
for term in 1s 5s 30s 90s; do
    "$TALLY" key data add --name brief --role admin --expires "$term" > /dev/null
    "$TALLY" key data revoke 1 2> /dev/null && break
done
none_is_left() {
    found
    grep -q 'no admin key' out
}
await none_is_left
same 'no admin key' "$status" 1
says 'with those that ran out' 'note,tally.db,key 2 \(brief\) ran out' 'fault,tally.db,no admin key .*--role admin'
"$TALLY" key data add --name admin --role admin > /dev/null
found
says 'one is enough' 'note,tally.db,key 2'
grep -q 'no admin key' out && fail 'and it is seen' || pass 'and it is seen'
"$TALLY" record data --action a.b --group-id ann@example.org > /dev/null
found
says 'persons in a public field' 'warning,main,.*group_id.*e-mail'
"$TALLY" trail data create open --public user_id > /dev/null
found
says 'a field that was made public' 'note,open,.*user_id'
cp data/trails/main/manifest manifest
flip data/trails/main/manifest 20
found
same 'a damaged trail' "$status" 1
says 'named, with a cure' 'fault,main,.*verify'
cp manifest data/trails/main/manifest
found
says 'mended' 'warning,main'
echo '[storage]' > data/tally.conf
echo 'head_entrys = 5' >> data/tally.conf
echo 'heads_memory_mib = lots' >> data/tally.conf
found
same 'slips in the settings' "$status" 1
says 'each with its line' 'fault,"tally.conf, line 2",.*head_entrys' 'fault,"tally.conf, line 3",.*lots'
expect 2 'with which other commands do not work' "$TALLY" query data
complains 'the first is named' 'line 2' 'head_entrys'
rm data/tally.conf
TALLY_SERVER_LISTEN=0.0.0.0:7878 "$TALLY" doctor data > out
says 'settings that contradict each other' 'listen: 0.0.0.0:7878 .*insecure_http'
# Indexes that are gone or wrong.
TALLY_STORAGE_HEAD_ENTRIES=20 "$TALLY" record data --format csv < <(events 60 100) > /dev/null
index=$(ls data/trails/main/segments/*.index.* | head -1)
flip "$index" 200
rm data/trails/main/segments/*.group.*
expect 1 'wrong indexes' "$TALLY" verify data --trail main
says 'are no tampering' '^main: index wrong'
expect 0 'and nothing to who leaves them out' "$TALLY" verify data --trail main --no-indexes
says 'which is said' '^main: intact up to size [0-9]+, .*; indexes were not compared$'
expect 2 'not at a server' "$TALLY" verify http://127.0.0.1:1 --no-indexes
"$TALLY" doctor data --rebuild --format csv > out
says 'are rebuilt' 'note,main,indexes and tree hashes are rebuilt'
expect 0 'and right again' "$TALLY" verify data --trail main
# A disk that is full is no damage.
mkdir small
on_a_full_disk() {
    unshare --map-root-user --mount bash -c "mount -t tmpfs -o size=3m none small || exit 99
        $(printf '%q' "$TALLY") init small/data > init.txt || exit 99
        head -c 4M /dev/zero > small/rest 2> /dev/null
        $*"
}
if on_a_full_disk true 2> /dev/null; then
    expect 1 'a full disk' on_a_full_disk "$(printf '%q' "$TALLY")" doctor small/data --format csv
    says 'has a cure' '^fault,main,.*No space left.*,"?free some space' '^fault,tally.db,.*no space is left,"?free some space'
    same 'and none asks for a backup' "$(grep -c backup out)" 0
else
    skip 'a full disk' 'nothing can be mounted here'
fi
expect 2 'not at a server' "$TALLY" doctor http://127.0.0.1:1 --rebuild
expect 3 'no folder' "$TALLY" doctor nothing
expect 2 'none named' "$TALLY" doctor

finish
