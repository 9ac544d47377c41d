#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# link.sh: objects.sh's object tree + driver.sh's xsc.o -> $out/boot. Invariant: of the driver
# it sees the object alone (kbuild's _shipped rule), and of Linux it compiles next to nothing.
. "$(dirname "$0")/lib.sh"

patch_source
place_object "${XSC_OBJECT:-/src/xsc/xsc.o}"
configure $fragments
logged "$(basename "$image")"

release=$(cat "$obj/include/config/kernel.release")
mkdir -p "$out/boot"
cp "$obj/$image" "$out/boot/vmlinuz"
cp "$obj/.config" "$out/boot/config"
cp "$obj/System.map" "$out/boot/System.map"
echo "release: $release"
