# Builds libstdc++, libatomic and libgomp for one machine and variant, with the compiler, the C library and the
# shared libgcc of the root. Run by gcc/default.nix in the sandbox with `triplet`, `version` and `variant`.
# Invariant: shared libraries and what links against them go to the sysroot, headers to where the compiler looks.
set -eu
sysroot=/usr/$triplet/sysroot
case $variant in
cfi) protection=--enable-cet ;;
*) protection=--disable-cet ;;
esac
# g++ would link every question that configure asks with the library that is to be made.
export CC=$triplet-gcc CXX="$triplet-gcc -shared-libgcc -nostdinc++" AR=$triplet-ar NM=$triplet-nm RANLIB=$triplet-ranlib STRIP=$triplet-strip AS=$triplet-as LD=$triplet-ld
export CFLAGS="-O2 -g0 -ffile-prefix-map=/src/gcc=gcc -ffile-prefix-map=/build=build"
export CXXFLAGS="$CFLAGS"

# What libgcc's build directory would hold: the kind of threads that the compiler was configured for.
mkdir -p /build/libgcc
ln -s /src/gcc/libgcc/gthr-posix.h /build/libgcc/gthr-default.h

for name in libstdc++-v3 libatomic libgomp; do
	mkdir -p "/build/$name"
	cd "/build/$name"
	case $name in
	libstdc++-v3) special="--disable-libstdcxx-pch --enable-libstdcxx-time=yes --enable-clocale=gnu --with-gxx-include-dir=/usr/$triplet/include/c++/$version" ;;
	*) special= ;;
	esac
	# Without --with-cross-host: with it, what there is to link is taken from a list instead of asked.
	"/src/gcc/$name/configure" \
		--build=x86_64-linux-gnu --host="$triplet" --target="$triplet" \
		--prefix=/usr --libdir="$sysroot/usr/lib64" --with-toolexeclibdir="$sysroot/usr/lib64" --libexecdir=/usr/lib \
		--disable-multilib --disable-nls --disable-werror --enable-shared --enable-static $protection $special
	make -j"${XSC_CORES:-1}" MAKEINFO=true MULTIBUILDTOP=
	make DESTDIR="$out" MAKEINFO=true MULTIBUILDTOP= install
done

# The tree is used as a sysroot: libtool's files name places that only this build had.
find "$out" -name '*.la' -delete
rm -rf "$out/usr/share"
find "$out" -name '*.py' -delete
