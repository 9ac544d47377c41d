# Compiles the compiler proper for one machine, without any library for it. Run by gcc/default.nix in the sandbox, which gives
# `triplet`, `seed_tools`, `glibc_version`, `compiler_flags`. `$out` is the build directory without objects: install.sh
# and the target libraries take what they need from it. Invariant: nothing here depends on the variant, and the seed's
# assembler only answers what assemblers of this machine can do; it is not used later.
set -eu
mkdir -p /build/gcc
cd /build/gcc

# Programs run wherever their tree is put, so they bring their libraries with them.
AS_FOR_TARGET=/usr/bin/${seed_tools}as \
LD_FOR_TARGET=/usr/bin/${seed_tools}ld \
OBJDUMP_FOR_TARGET=/usr/bin/${seed_tools}objdump \
READELF_FOR_TARGET=/usr/bin/${seed_tools}readelf \
NM_FOR_TARGET=/usr/bin/${seed_tools}nm \
AR_FOR_TARGET=/usr/bin/${seed_tools}ar \
RANLIB_FOR_TARGET=/usr/bin/${seed_tools}ranlib \
CFLAGS='-O2 -g0 -pipe' CXXFLAGS='-O2 -g0 -pipe' LDFLAGS=-static MAKEINFO=true \
/src/gcc/configure \
	--build=x86_64-linux-gnu --host=x86_64-linux-gnu --target="$triplet" \
	--prefix=/usr --libexecdir=/usr/lib \
	--with-sysroot="/usr/$triplet/sysroot" --with-native-system-header-dir=/usr/include \
	--with-glibc-version="$glibc_version" --with-pkgversion=XSC \
	--enable-languages=c,c++ --enable-checking=release --enable-threads=posix --enable-tls \
	--enable-default-pie --enable-default-ssp --enable-linker-build-id --with-linker-hash-style=gnu \
	--enable-__cxa_atexit --enable-gnu-indirect-function --enable-initfini-array \
	--disable-bootstrap --disable-multilib --disable-nls --disable-plugin --disable-lto \
	--disable-libcc1 --disable-analyzer --disable-libsanitizer --disable-fixincludes \
	--without-isl --without-zstd $compiler_flags

# This tarball has no manual, so there is nothing to compare its generated part with: that step is done, and
# stays newer than what it depends on.
mkdir -p gcc
touch -d 2100-01-01 gcc/s-tm-texi

# limits.h of the C library is there by the time the compiler is used.
make -j"${XSC_CORES:-1}" LIMITS_H_TEST=true MAKEINFO=true all-gcc

find . -name '*.o' -delete
find . -name '*.a' -delete
rm -rf gcc/build
strip gcc/xgcc gcc/xg++ gcc/cpp gcc/cc1 gcc/cc1plus gcc/collect2 gcc/gcov gcc/gcov-tool gcc/gcc-ar gcc/gcc-nm gcc/gcc-ranlib
cp -r . "$out"
