# SPDX-License-Identifier: GPL-2.0
# Shared by objects.sh, driver.sh and link.sh (sourced): where things are, how make is
# called, how a configuration is made. Invariant: every command line that kbuild records
# is the same in all three, or the object tree of the first would be rebuilt by the others.
set -eu
here=${XSC_SCRIPTS:-$(cd "$(dirname "$0")" && pwd)}
src=${XSC_LINUX:-/src/linux}
obj=${XSC_OBJECTS:-/build/objects}
config=${XSC_CONFIG:-/src/config}
overlay=${XSC_OVERLAY:-/src/overlay}
fragments=${XSC_FRAGMENTS:-base x86 vm xsc}
arch=${XSC_ARCH:-x86_64}
case $arch in
x86_64) image=arch/x86/boot/bzImage ;;
arm64) image=arch/arm64/boot/Image ;;
*) echo "XSC_ARCH=$arch: not one of x86_64, arm64" >&2; exit 2 ;;
esac
export LC_ALL=C KBUILD_BUILD_VERSION=1
: "${out:?}" "${KBUILD_BUILD_TIMESTAMP:?}" "${KBUILD_BUILD_USER:?}" "${KBUILD_BUILD_HOST:?}"

kmake() {
	make -C "$src" O="$obj" ARCH="$arch" -j"${XSC_CORES:-1}" "$@"
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

# patch_source: the series (each with its name in the log; fuzz is an error), then the
# overlay. kbuild decides by time stamps: what is ours gets the age of everything else in
# the tree, or each stage would compile again what objects.sh compiled.
patch_source() {
	dir=${XSC_PATCHES:-/src/patches}
	while read -r name; do
		case $name in ''|'#'*) continue ;; esac
		patch -d "$src" -p1 -s -F0 --no-backup-if-mismatch <"$dir/$name"
		echo "patched: $name"
	done <"$dir/series"
	cp -r "$overlay"/. "$src"/
	find "$src" -newer "$src/COPYING" -exec touch -h -r "$src/COPYING" {} +
}

# place_object FILE: drivers/xsc is one finished object. A file that is new is newer than
# everything of the object tree, so kbuild takes it.
place_object() {
	mkdir -p "$src/drivers/xsc"
	cp "$overlay/drivers/xsc/Kconfig" "$src/drivers/xsc/"
	cp "$1" "$src/drivers/xsc/xsc.o_shipped"
	echo 'obj-$(CONFIG_XSC) += xsc.o' >"$src/drivers/xsc/Makefile"
}

# logged TARGET...: make, its output shown and counted.
logged() {
	log=$obj/.xsc-log
	kmake "$@" >"$log" || { cat "$log"; exit 1; }
	cat "$log"
	echo "recompiled: $(grep -cE '^  (CC|AS) ' "$log") of the target, $(grep -c '^  HOSTCC ' "$log") of the host"
}
