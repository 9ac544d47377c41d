# The binutils with our patches and files: one tree for every architecture. Run by binutils/default.nix in the
# sandbox. Invariant: a patch that does not apply without fuzz fails here, and so does a new file that upstream has too.
set -eu
. /src/scripts/patch.sh
cp -r /src/orig/. "$out"
chmod -R u+w "$out"
apply_series "$out"
add_overlay "$out"
# make decides by time stamps whether generated files of the archive are to be made again: never.
find "$out" -exec touch -h -d @"$SOURCE_DATE_EPOCH" {} +
