# Builds libgcc for one machine and variant. Run by gcc/default.nix in the sandbox: `triplet`, `version`, and `shared`, "no" while
# there is no C library to link against but only its headers, then "yes". Invariant: the compiler is the one of the root; of
# its build directory only headers and makefile variables are read.
set -eu
sysroot=/usr/$triplet/sysroot
mkdir -p "/build/all/$triplet/libgcc" "$out"
cp -r /src/build/gcc /build/all/gcc
chmod -R u+w /build/all/gcc
cd "/build/all/$triplet/libgcc"

case $shared in
yes) sharing=--enable-shared ;;
*) sharing=--disable-shared ;;
esac
case $variant in
cfi) protection=--enable-cet ;;
*) protection=--disable-cet ;;
esac

CC=$triplet-gcc AR=$triplet-ar NM=$triplet-nm RANLIB=$triplet-ranlib LIPO=: STRIP=$triplet-strip \
CFLAGS="-O2 -g0 -ffile-prefix-map=/src/gcc=gcc -ffile-prefix-map=/build/all=build" \
/src/gcc/libgcc/configure \
	--build=x86_64-linux-gnu --host="$triplet" --target="$triplet" --with-target-subdir="$triplet" --with-cross-host=x86_64-linux-gnu \
	--prefix=/usr --libdir=/usr/lib --libexecdir=/usr/lib --with-slibdir="$sysroot/usr/lib64" \
	--disable-multilib --disable-nls --enable-threads=posix --enable-__cxa_atexit $sharing $protection

make -j"${XSC_CORES:-1}" MULTIBUILDTOP=
make DESTDIR="$out" MULTIBUILDTOP= install

# The C library asks for both; without a shared libgcc the first holds everything.
if [ "$shared" = no ]; then
	"$triplet-ar" rc "$out/usr/lib/gcc/$triplet/$version/libgcc_eh.a"
fi
