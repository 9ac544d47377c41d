# What every build of a target package runs, by `source`; pkgs/build-support/default.nix says with which variables.
# Phases: prepare, configure, compile, install, finish; then files are split into outputs and checked.
# Invariant: the compiler sees nothing of the build machine; who tries is written to $host_files and fails the build.
set -euo pipefail

source_dir=/src/$XSC_NAME
image=/build/image
export host_files=/build/host-files
tools=/build/tools

say() { printf '=== %s\n' "$*"; }
fail() {
	printf 'error: %s-%s for %s: %s\n' "$XSC_NAME" "$XSC_VERSION" "$XSC_TARGET" "$*" >&2
	exit 1
}

# A variable with a word a line, as the array `words`.
read_words() {
	words=()
	[ -z "$1" ] || mapfile -t words <<<"$1"
}

# The compiler and pkg-config behind guards, all other tools as they are.
install_tools() {
	local tool
	mkdir -p "$tools"
	for tool in gcc g++ cpp; do
		install -m 755 /xsc/scripts/compiler.sh "$tools/$XSC_TRIPLET-$tool"
	done
	ln -s "$XSC_TRIPLET-gcc" "$tools/$XSC_TRIPLET-cc"
	ln -s "$XSC_TRIPLET-g++" "$tools/$XSC_TRIPLET-c++"
	install -m 755 /xsc/scripts/pkg-config.sh "$tools/$XSC_TRIPLET-pkg-config"
	ln -s "$XSC_TRIPLET-pkg-config" "$tools/pkg-config"
	ln -s "$XSC_TRIPLET-pkg-config" "$tools/pkgconf"
	export PATH="$tools:$PATH"
	: >"$host_files"
}

# What makefiles take from the environment or from their command line.
toolchain_variables() {
	local flags="-O2 -g0 -pipe -ffile-prefix-map=$source_dir=."
	export CC=$XSC_TRIPLET-gcc CXX=$XSC_TRIPLET-g++ AR=$XSC_TRIPLET-ar RANLIB=$XSC_TRIPLET-ranlib
	export NM=$XSC_TRIPLET-nm STRIP=$XSC_TRIPLET-strip OBJCOPY=$XSC_TRIPLET-objcopy
	export READELF=$XSC_TRIPLET-readelf OBJDUMP=$XSC_TRIPLET-objdump LD=$XSC_TRIPLET-ld
	export PKG_CONFIG=$XSC_TRIPLET-pkg-config
	export CFLAGS="$flags ${CFLAGS_EXTRA:-}" CXXFLAGS="$flags ${CFLAGS_EXTRA:-}"
	export LDFLAGS="-Wl,--as-needed ${LDFLAGS_EXTRA:-}"
	# Programs that only the build runs.
	export CC_FOR_BUILD=gcc BUILD_CC=gcc HOSTCC=gcc
	export CONFIG_SITE=/build/site
	cat /xsc/answers/common /xsc/answers/libc "/xsc/answers/$XSC_ARCH" >"$CONFIG_SITE"
	printf '%s\n' "$XSC_ANSWERS" >>"$CONFIG_SITE"
}

apply_patches() {
	local patch
	[ -d /src/patches ] || return 0
	while read -r patch; do
		case $patch in '' | '#'*) continue ;; esac
		say "patch $patch"
		patch -p1 --no-backup-if-mismatch <"/src/patches/$patch"
	done </src/patches/series
	# What was patched is not older than what is made of it: nothing is generated again.
	find . -name aclocal.m4 -exec touch {} +
	find . -name configure -exec touch {} +
	find . -name '*.in' -exec touch {} +
}

# Old ones do not know our triplets.
fresh_config_sub() {
	local file
	find . -name config.sub -o -name config.guess | while read -r file; do
		rm -f "$file"
		cp "/usr/share/misc/${file##*/}" "$file"
		chmod 755 "$file"
	done
}

configure_default() {
	read_words "$XSC_CONFIGURE_FLAGS"
	./configure --cache-file=/build/config.cache --build=x86_64-pc-linux-gnu --host="$XSC_TRIPLET" --prefix=/usr \
		--libdir=/usr/lib64 --libexecdir=/usr/libexec --sysconfdir=/etc --localstatedir=/var \
		--mandir=/usr/share/man --infodir=/usr/share/info --disable-static --disable-nls --disable-rpath \
		--disable-dependency-tracking "${words[@]}"
}

compile_default() {
	read_words "$XSC_MAKE_FLAGS"
	make -j"$XSC_CORES" "${words[@]}"
}

install_default() {
	read_words "$XSC_MAKE_FLAGS"
	local make_flags=("${words[@]}")
	read_words "$XSC_INSTALL_FLAGS"
	make DESTDIR="$image" "${make_flags[@]}" install "${words[@]}"
}

# Each phase is a shell of its own: what it sets, the next one does not see.
phase() {
	local status
	say "$1"
	cd "$source_dir"
	set +e
	(
		set -e
		eval "$2"
	)
	status=$?
	set -e
	[ ! -s "$host_files" ] || {
		sort -u "$host_files" >&2
		fail "phase $1 used files of the build machine; name a package in buildInputs or turn the feature off"
	}
	[ "$status" = 0 ] || fail "phase $1 ended with status $status"
}

cd "$source_dir"
install_tools
toolchain_variables
apply_patches
fresh_config_sub
mkdir -p "$image"
phase prepare "$XSC_PREPARE"
phase configure "$XSC_CONFIGURE"
phase compile "$XSC_COMPILE"
phase install "$XSC_INSTALL"
phase finish "$XSC_FINISH"
[ -z "$XSC_SUITE" ] || phase suite "$XSC_SUITE"
# What configure found out, but for the environment it was given.
mkdir -p "$answers"
[ ! -e /build/config.cache ] || sed '/^ac_cv_env_/d; /^#/d; /\/build\//d' /build/config.cache >"$answers/config.cache"
. /xsc/scripts/split.sh
. /xsc/scripts/check.sh
