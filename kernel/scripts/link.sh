#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# link.sh: vanilla.sh's object tree + patches + driver.sh's xsc.o -> $out/boot. Invariant:
# of the driver it sees the object alone (kbuild's _shipped rule), and of Linux it compiles
# only what the patches touch.
. "$(dirname "$0")/lib.sh"
overlay=${XSC_OVERLAY:-/src/overlay}

apply_patches
cp -r "$overlay"/include "$src"/
mkdir -p "$src/drivers/xsc"
cp "$overlay/drivers/xsc/Kconfig" "$src/drivers/xsc/"
cp "${XSC_OBJECT:-/src/xsc/xsc.o}" "$src/drivers/xsc/xsc.o_shipped"
echo 'obj-$(CONFIG_XSC) += xsc.o' >"$src/drivers/xsc/Makefile"
configure $fragments xsc

log=$obj/.xsc-log
kmake bzImage >"$log" || { cat "$log"; exit 1; }
cat "$log"
echo "recompiled: $(grep -c '^  CC ' "$log") of the target, $(grep -c '^  HOSTCC ' "$log") of the host"

release=$(cat "$obj/include/config/kernel.release")
mkdir -p "$out/boot"
cp "$obj/arch/x86/boot/bzImage" "$out/boot/vmlinuz"
cp "$obj/.config" "$out/boot/config"
cp "$obj/System.map" "$out/boot/System.map"
echo "release: $release"
