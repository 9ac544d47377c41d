# Unpacks glibc, applies the patches and adds the new files. Run by glibc/default.nix in the sandbox.
# Invariant: a patch that does not apply without fuzz fails here, and no new file replaces one of upstream's.
set -eu
mkdir -p "$out"
archive=$(find /src/archive -name '*.tar.*' | head -n 1)
tar -C "$out" --strip-components=1 -xJf "$archive"
while read -r name; do
	case $name in '' | '#'*) continue ;; esac
	patch -d "$out" -p1 -s -F0 --no-backup-if-mismatch <"/src/patches/$name"
	echo "patched: $name"
done </src/patches/series
cd /src/overlay
find . -type f | while read -r file; do
	if [ -e "$out/$file" ]; then
		echo "overlay: $file exists upstream" >&2
		exit 1
	fi
done
cp -r /src/overlay/. "$out"/
# Generated files are newer than what they are made from, whatever the archive says.
find "$out" -name configure -exec touch {} +
