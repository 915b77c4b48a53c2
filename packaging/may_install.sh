#!/bin/sh
# may_install.sh BUILD PREFIX DESTDIR: whether `make install` may write where it would: below PREFIX, or where
# that is empty below what the folder BUILD was set up for, or /usr/local; all of it below DESTDIR, if there is
# one. Silent if so; else says what to do and ends with status 2.
set -eu

prefix=$2
if [ -z "$prefix" ] && [ -e "$1/meson-info/intro-buildoptions.json" ]; then
    prefix=$(python3 -c 'import json, sys
print(next(option["value"] for option in json.load(open(sys.argv[1])) if option["name"] == "prefix"))' \
        "$1/meson-info/intro-buildoptions.json")
fi
prefix=${prefix:-/usr/local}

# may_write FOLDER: it, or the nearest one above it that is there, can be written.
may_write() {
    folder=$1
    while [ ! -e "$folder" ]; do
        folder=$(dirname "$folder")
    done
    [ -d "$folder" ] && [ -w "$folder" ]
}

for part in bin include lib share; do
    if ! may_write "$3$prefix/$part"; then
        echo "make install needs rights to write to $3$prefix: sudo make install, or PREFIX=… / DESTDIR=…" >&2
        exit 2
    fi
done
