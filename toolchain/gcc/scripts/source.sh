# The parts of GCC that one derivation reads: unpacked, patched, with the overlay. Run by
# gcc/default.nix in the sandbox with tar's patterns in `members` and `exclude`. Invariant: a patch that does
# not apply without fuzz fails here.
set -eu
mkdir -p "$out"
archive=$(echo /src/orig/*.tar.xz)
set -f
tar -C "$out" --strip-components=1 -xJf "$archive" --wildcards --no-wildcards-match-slash --exclude="$exclude" $members
set +f
while read -r name; do
	case $name in '' | '#'*) continue ;; esac
	patch -d "$out" -p1 -s -F0 --no-backup-if-mismatch <"/src/patches/$name"
	echo "patched: $name"
done </src/patches/series
if [ -d /src/overlay ]; then
	cp -r /src/overlay/. "$out"/
fi
