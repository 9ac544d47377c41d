# Shows each guard of a build complain: the compiler's, and those of what was installed. default.nix runs it as `guards`,
# with a compiler that does nothing and files made by the seed's. Invariant: every refusal is tried with an input that
# passes beside it.
set -eu
scripts=/xsc/scripts
export host_files=/build/host-files XSC_SYSROOT=/usr/x/sysroot
: >"$host_files"
fail() {
	echo "guards: $*" >&2
	exit 1
}

# compiler.sh starts /usr/bin/<its own name>; `true` takes any argument.
mkdir -p /build/tools
cp "$scripts/compiler.sh" /build/tools/true
chmod 755 /build/tools/true
accepts() { /build/tools/true "$@" 2>/build/said || fail "refused: $*: $(cat /build/said)"; }
refuses() {
	: >"$host_files"
	if /build/tools/true "$@" 2>/build/said; then fail "accepted: $*"; fi
	grep -q 'a file of the build machine' "$host_files" || fail "not noted: $*"
	grep -qF "$PWD" "$host_files" || fail "does not say where: $(cat "$host_files")"
}
accepts -c hello.c -I. -I../include -L. -lfoo -DPREFIX=/usr/lib -o /build/x
accepts -I/usr/x/sysroot/usr/include -L/usr/x/sysroot/usr/lib64
[ ! -s "$host_files" ] || fail "noted what was accepted"
refuses -c hello.c -I/usr/include
refuses -I /usr/include
refuses -isystem /usr/include/ncurses hello.c
refuses -isystem/usr/include hello.c
refuses hello.o -L/usr/lib/x86_64-linux-gnu -lz
refuses hello.o /usr/lib/x86_64-linux-gnu/libz.so
refuses -L/usr/local/lib

# check.sh, on programs of the seed's compiler.
cd /build
printf 'int f(void) { return 1; }\n' >lib.c
printf 'int f(void); int main(void) { return f(); }\n' >main.c
gcc -shared -fPIC -Wl,-soname,libf.so.1 -o libf.so.1 lib.c
ln -s libf.so.1 libf.so
check() { # what to expect
	(
		export XSC_NAME=t XSC_VERSION=1 XSC_TARGET=x86_64-base XSC_ARCH=x86_64 READELF=readelf
		export XSC_LOADER=/lib64/ld-linux-x86-64.so.2 XSC_SYSROOT=/build/sysroot XSC_MAY_NAME_SOURCE= source_dir=/src/t
		export out=/build/image dev=/build/image-dev
		bash -euo pipefail -c '
			say() { :; }
			fail() { echo "$*" >&2; exit 1; }
			read_words() { words=(); [ -z "$1" ] || mapfile -t words <<<"$1"; }
			. /xsc/scripts/check.sh' 2>/build/said
	) && said=passes || said=$(cat /build/said)
	case $said in *"$1"*) ;; *) fail "expected \"$1\", got \"$said\"" ;; esac
}
fresh() {
	rm -rf image image-dev sysroot
	mkdir -p image/usr/bin image/usr/lib64 image-dev sysroot/usr/lib64 sysroot/usr/lib
	cp libf.so.1 image/usr/lib64/
	cp /usr/lib/x86_64-linux-gnu/libc.so.6 sysroot/usr/lib64/
}
fresh
gcc -o image/usr/bin/main main.c -L. -lf
check passes
rm image/usr/lib64/libf.so.1
check '/usr/bin/main: it needs libf.so.1'
fresh
gcc -o image/usr/bin/main main.c -L. -lf -Wl,-rpath,/usr/lib64
check '/usr/bin/main: it has a library search path'
fresh
gcc -o image/usr/bin/main main.c -L. -lf -Wl,--dynamic-linker=/opt/ld.so
check '/usr/bin/main: its program interpreter is not'
fresh
echo 'cd /src/t' >image/usr/bin/script
check '/usr/bin/script: it names /src/t'
fresh
rm -r image/usr
check 'nothing was installed'
mkdir -p "$out"
echo passed >"$out/guards"
