# Unpacks glibc, applies the patches and adds the new files. Run by glibc/default.nix in the sandbox, for `machine`.
# Invariant: a patch that does not apply without fuzz fails here, and no new file replaces one of upstream's.
set -eu
. /src/scripts/patch.sh
mkdir -p "$out"
archive=$(find /src/archive -name '*.tar.*' | head -n 1)
tar -C "$out" --strip-components=1 -xJf "$archive"
apply_series "$out"
add_overlay "$out"
# Of the new files for machines only this one's: an edit of the others' compiles nothing here again.
for folder in "$out"/sysdeps/unix/sysv/xsc/linux/*/; do
	[ "${folder%/}" = "$out/sysdeps/unix/sysv/xsc/linux/$machine" ] || rm -r "$folder"
done
# Generated files are newer than what they are made from, whatever the archive says.
find "$out" -name configure -exec touch {} +
