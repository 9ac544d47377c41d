# Configures glibc in the current directory. Sourced by headers.sh and libc.sh, which get `triplet`,
# `arch` and `variant` from glibc/default.nix.
# Invariant: the options are the same for both, and no path of the build is in an output.
CFLAGS="-O2 -g0 -ffile-prefix-map=/build=. -ffile-prefix-map=/src=."
case $arch-$variant in
x86_64-base) options=--disable-cet ;;
x86_64-cfi) options=--enable-cet CFLAGS="$CFLAGS -fcf-protection=full" ;;
aarch64-base) options= ;;
aarch64-cfi) options= CFLAGS="$CFLAGS -mbranch-protection=standard" ;;
*)
	echo "no such toolchain: $arch-$variant" >&2
	exit 1
	;;
esac

case $arch in
x86_64) multiarch=x86_64-linux-gnu rtlddir=/lib64 ;;
aarch64) multiarch=aarch64-linux-gnu rtlddir=/lib ;;
esac

# Libraries of rebased Debian packages are in the multiarch folder. Merged /usr: /lib64 and /lib are links.
cat >configparms <<END
user-defined-trusted-dirs = /usr/lib/$multiarch:/usr/lib
END

for tool in ar as ld nm objcopy objdump ranlib readelf strip; do
	path=/usr/bin/$triplet-$tool
	[ -e "$path" ] || path=/usr/$triplet/bin/$tool
	upper=$(echo "$tool" | tr a-z A-Z)
	eval "export $upper=\$path"
done

# The cached answer is one that configure finds by linking, which headers.sh has no libgcc for.
/src/glibc/configure \
	--prefix=/usr --libdir=/usr/lib64 --host="$triplet" --build=x86_64-pc-linux-gnu \
	--with-headers=/src/kernel-headers/usr/include --enable-kernel=6.1 \
	--enable-bind-now --enable-stack-protector=strong --enable-fortify-source=3 \
	--disable-nscd --disable-profile --disable-werror --without-selinux --without-gd $options \
	libc_cv_supported_fortify_source=3 libc_cv_slibdir=/usr/lib64 libc_cv_rtlddir="$rtlddir" libc_cv_complocaledir=/usr/lib/locale \
	CC="$triplet-gcc" CXX= CFLAGS="$CFLAGS" BUILD_CC=gcc \
	AR="$AR" AS="$AS" LD="$LD" NM="$NM" OBJCOPY="$OBJCOPY" OBJDUMP="$OBJDUMP" RANLIB="$RANLIB" READELF="$READELF"

case $(sed -n 's/^config-sysdirs = *//p' config.make) in
sysdeps/unix/sysv/xsc/linux/*) ;;
*)
	echo "configure did not pick up sysdeps/unix/sysv/xsc/linux" >&2
	exit 1
	;;
esac
