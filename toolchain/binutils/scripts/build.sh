# Compiles assembler, linker and their kin for one target. Run by binutils/default.nix in the sandbox, which gives
# `triplet`. Invariant: the programs bring their libraries with them, name no path of the build, and are the same for
# every variant of the target.
set -eu
mkdir -p /build/binutils
cd /build/binutils

CFLAGS='-O2 -g0 -pipe -ffile-prefix-map=/src/binutils=.' \
CXXFLAGS='-O2 -g0 -pipe -ffile-prefix-map=/src/binutils=.' \
/src/binutils/configure \
	--build=x86_64-linux-gnu --host=x86_64-linux-gnu --target="$triplet" \
	--prefix=/usr --with-sysroot="/usr/$triplet/sysroot" \
	--disable-shared --disable-nls --disable-gdb --disable-gdbserver --disable-sim --disable-gprofng \
	--disable-plugins --disable-werror --disable-multilib \
	--enable-deterministic-archives --enable-relro --enable-default-hash-style=gnu --enable-new-dtags \
	--without-zstd --without-debuginfod --without-msgpack

# -all-static is a word of libtool's, which configure scripts don't know.
make -j"${XSC_CORES:-1}" MAKEINFO=true configure-host
make -j"${XSC_CORES:-1}" MAKEINFO=true LDFLAGS=-all-static all-binutils all-gas all-ld

# As `make install` would, without libraries, headers and documentation.
tools=usr/$triplet/bin
mkdir -p "$out/$tools" "$out/usr/bin" "$out/usr/$triplet/lib/ldscripts"
for program in as:gas/as-new ld:ld/ld-new addr2line:binutils/addr2line ar:binutils/ar c++filt:binutils/cxxfilt \
	elfedit:binutils/elfedit nm:binutils/nm-new objcopy:binutils/objcopy objdump:binutils/objdump \
	ranlib:binutils/ranlib readelf:binutils/readelf size:binutils/size strings:binutils/strings strip:binutils/strip-new; do
	name=${program%%:*}
	install -m 755 "${program#*:}" "$out/$tools/$name"
	strip "$out/$tools/$name"
	ln -s "../$triplet/bin/$name" "$out/usr/bin/$triplet-$name"
done
ln -s ld "$out/$tools/ld.bfd"
ln -s "../$triplet/bin/ld" "$out/usr/bin/$triplet-ld.bfd"
find ld/ldscripts -type f ! -name stamp -exec install -m 644 -t "$out/usr/$triplet/lib/ldscripts" {} +
