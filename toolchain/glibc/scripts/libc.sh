# Compiles glibc and installs it: $out is a sysroot, $compat the loader for ordinary kernels. Run by glibc/default.nix
# in the sandbox.
# Invariant: no file of $out holds a trap instruction, and the compat loader differs from the strict one by one object.
set -eu
mkdir -p /build/glibc "$out/usr/lib64" "$out/usr/lib"
cd /build/glibc
. /src/scripts/configure.sh

make -j"${XSC_CORES:-1}"

ln -s usr/lib64 "$out/lib64"
ln -s usr/lib "$out/lib"
ln -s usr/sbin "$out/sbin"
ln -s usr/bin "$out/bin"
mkdir -p "$out/usr/bin" "$out/usr/sbin"
make install install_root="$out"
cp -r /src/kernel-headers/usr/include/. "$out/usr/include/"
rm -rf "$out/usr/share/info" "$out/var"
mkdir -p "$out/etc"

python3 /src/scripts/check-traps.py --objdump "$OBJDUMP" --arch "$arch" "$out"

# The compat loader: one object assembled again, with the trap instructions of the fallback.
loader=$(cd "$out" && find usr/lib usr/lib64 -name 'ld-linux-*' -type f)
asflags=
if echo 'nop' | "$AS" -msyscall -o /dev/null - 2>/dev/null; then
	asflags=-Wa,-msyscall
fi
rm elf/xsc-gate.os elf/dl-allobjs.os elf/librtld.os elf/ld.so elf/librtld.map*
make -C /src/glibc/elf subdir=elf objdir=/build/glibc xsc-compat=yes \
	xsc-compat-asflags="$asflags" /build/glibc/elf/ld.so
install -D -m 755 elf/ld.so "$compat/$loader"
if python3 /src/scripts/check-traps.py --objdump "$OBJDUMP" --arch "$arch" "$compat" >/dev/null; then
	echo "the compat loader holds no trap instruction" >&2
	exit 1
fi
