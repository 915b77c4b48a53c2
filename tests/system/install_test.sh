#!/bin/bash
# `make install` looks first whether it may write where it would.
. "$(dirname "$0")/lib.sh"
may() { "$source_root/packaging/may_install.sh" "$@"; }
way_on='^make install needs rights to write to %s: sudo make install, or PREFIX=… / DESTDIR=…$'

expect 0 'a prefix that can be made' may "$BUILD" "$scratch/deep/down" ''
same 'is not made for that' "$out$err$(ls -d deep 2> /dev/null)" ''
expect 0 'any prefix, below a folder' may "$BUILD" /dev/null "$scratch"
touch file
expect 2 'a prefix that is a file' may "$BUILD" "$scratch/file" ''
complains 'what to do' "${way_on/\%s/$scratch/file}"
expect 2 'below a file' may "$BUILD" /usr "$scratch/file"
complains 'what to do' "${way_on/\%s/$scratch/file/usr}"

if command -v make > /dev/null; then
    touch 'a file'
    expect 2 'a folder with a blank in its name' env -u MAKEFLAGS -u MAKELEVEL \
        make -s -C "$source_root" may-install "BUILD=$BUILD" "DESTDIR=$scratch/a file" "PREFIX=/a prefix"
    complains 'is one' "${way_on/\%s/$scratch/a file/a prefix}"
else
    skip 'a folder with a blank in its name' 'no make'
fi

mkdir -p build/meson-info
echo '[{"name":"bindir","value":"bin"},{"name":"prefix","value":"/dev/null/prefix"}]' > build/meson-info/intro-buildoptions.json
expect 2 'without a prefix, that of the build' may build '' ''
complains 'which is named' "${way_on/\%s//dev/null/prefix}"
expect 0 'another one goes first' may build "$scratch" ''

if command -v setpriv > /dev/null && setpriv --reuid 65534 --clear-groups true 2> /dev/null; then
    chmod 755 "$scratch"
    mkdir -m 755 theirs
    cp "$source_root/packaging/may_install.sh" .
    expect 2 'another user'"'"'s folder' setpriv --reuid 65534 --clear-groups "$scratch/may_install.sh" build "$scratch/theirs" ''
    complains 'what to do' "${way_on/\%s/$scratch/theirs}"
else
    skip 'another user'"'"'s folder' 'nobody else to be'
fi

finish
