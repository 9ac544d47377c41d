# The parts of GCC that one derivation reads: unpacked, patched, with the overlay. Run by
# gcc/default.nix in the sandbox with tar's patterns in `members` and `exclude`. Invariant: a patch that does
# not apply without fuzz fails here.
set -eu
. /src/scripts/patch.sh
mkdir -p "$out"
archive=$(echo /src/orig/*.tar.xz)
set -f
tar -C "$out" --strip-components=1 -xJf "$archive" --wildcards --no-wildcards-match-slash --exclude="$exclude" $members
set +f
apply_series "$out"
if [ -d /src/overlay ]; then
	add_overlay "$out"
fi
