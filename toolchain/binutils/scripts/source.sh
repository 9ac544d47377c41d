# The binutils with our patches and files: one tree for every architecture. Run by binutils/default.nix in the
# sandbox. Invariant: a patch that does not apply without fuzz fails here, and so does a new file that upstream has too.
set -eu
cp -r /src/orig/. "$out"
chmod -R u+w "$out"
while read -r name; do
	case $name in '' | '#'*) continue ;; esac
	patch -d "$out" -p1 -s -F0 --no-backup-if-mismatch <"/src/patches/$name"
	echo "patched: $name"
done </src/patches/series
cd /src/overlay
find . -type f | while read -r file; do
	if [ -e "$out/$file" ]; then
		echo "overlay: upstream has $file" >&2
		exit 1
	fi
	mkdir -p "$out/${file%/*}"
	cp "$file" "$out/$file"
done
# make decides by time stamps whether generated files of the archive are to be made again: never.
find "$out" -exec touch -h -d @"$SOURCE_DATE_EPOCH" {} +
