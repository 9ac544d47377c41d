# Sorts what programs need at run time out of the toolchain's sysroot: GCC's libraries to $gcc, the C library to $glibc.
# runtime.nix runs it in a root with the toolchain. Invariant: nothing here is needed only to compile or link.
sysroot=/usr/$triplet/sysroot
strip=$triplet-strip
work=/build/work
mkdir -p "$glibc/usr" "$gcc/usr/lib64" "$work"
cp -a "$sysroot/." "$work/"
chmod -R u+w "$work"
cd "$work"

# Links of the root are made by who makes a root.
for link in bin sbin lib lib64; do [ ! -L $link ] || rm $link; done
rm -rf usr/include usr/lib/linux usr/share/info usr/share/man usr/share/locale
find . \( -name '*.a' -o -name '*.o' -o -name '*.la' -o -name '*.spec' -o -name '*.py' -o -name '*.map' \) -delete
# Links and scripts for the linker.
for file in usr/lib64/*.so; do
	[ -e "$file" ] || [ -L "$file" ] || continue
	if [ -L "$file" ] || [ "$(head -c 4 "$file" | tr -d '\0')" != $'\x7fELF' ]; then rm "$file"; fi
done

find . -type f | while read -r file; do
	[ "$(head -c 4 "$file" | tr -d '\0')" != $'\x7fELF' ] || "$strip" -D --strip-unneeded "$file"
done

for pattern in libgcc_s libstdc++ libatomic libgomp; do
	for file in usr/lib64/"$pattern".so*; do
		if [ -e "$file" ] || [ -L "$file" ]; then mv "$file" "$gcc/usr/lib64/"; fi
	done
done
find . -depth -type d -empty -delete
[ -n "$(ls usr/lib64/libc.so.6)" ] && [ -e "$gcc/usr/lib64/libgcc_s.so.1" ]
cp -a . "$glibc/"
