# SPDX-License-Identifier: GPL-2.0
# Shared by vanilla.sh, driver.sh and link.sh (sourced): where things are, how make is
# called, how a configuration is made. Invariant: every command line that kbuild records
# is the same in all three, or the object tree of the first would be rebuilt by the others.
set -eu
here=${XSC_SCRIPTS:-$(cd "$(dirname "$0")" && pwd)}
src=${XSC_LINUX:-/src/linux}
obj=${XSC_OBJECTS:-/build/objects}
config=${XSC_CONFIG:-/src/config}
fragments=${XSC_FRAGMENTS:-base vm}	# of the vanilla tree; the other stages add xsc
export LC_ALL=C KBUILD_BUILD_VERSION=1
: "${out:?}" "${KBUILD_BUILD_TIMESTAMP:?}" "${KBUILD_BUILD_USER:?}" "${KBUILD_BUILD_HOST:?}"

kmake() {
	make -C "$src" O="$obj" ARCH=x86_64 -j"${XSC_CORES:-1}" "$@"
}

# configure NAME...: allnoconfig plus config/NAME.config in this order, then checked.
configure() {
	files=
	for name in "$@"; do
		files="$files $config/$name.config"
	done
	cat $files >"$obj/.fragments"
	kmake -s KCONFIG_ALLCONFIG="$obj/.fragments" allnoconfig
	rm "$obj/.fragments"
	sh "$here/check-config.sh" $files "$obj/.config"
}

# apply_patches: the series, each with its name in the log; fuzz is an error.
apply_patches() {
	dir=${XSC_PATCHES:-/src/patches}
	while read -r name; do
		case $name in ''|'#'*) continue ;; esac
		patch -d "$src" -p1 -s -F0 --no-backup-if-mismatch <"$dir/$name"
		echo "patched: $name"
	done <"$dir/series"
}
