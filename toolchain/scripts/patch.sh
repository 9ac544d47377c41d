# What the steps that make a source tree share. Sourced by the source.sh of binutils/, gcc/ and glibc/ in the sandbox,
# where patches with their `series` are in /src/patches and new files in /src/overlay.
# Invariant: a patch that does not apply without fuzz fails, and so does a new file that upstream has too.

# apply_series DIR: the patches of the series, in its order.
apply_series() {
	while read -r name; do
		case $name in '' | '#'*) continue ;; esac
		patch -d "$1" -p1 -s -F0 --no-backup-if-mismatch <"/src/patches/$name"
		echo "patched: $name"
	done </src/patches/series
}

# add_overlay DIR: the new files.
add_overlay() {
	(cd /src/overlay && find . -type f) | while read -r file; do
		if [ -e "$1/$file" ]; then
			echo "overlay: upstream has $file" >&2
			exit 1
		fi
	done
	cp -r /src/overlay/. "$1"/
}
