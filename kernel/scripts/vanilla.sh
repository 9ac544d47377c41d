#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# vanilla.sh: compiles the untouched tree once; its object tree is the output that
# driver.sh and link.sh start from. Invariant: it reads nothing that is ours but
# the fragments named in XSC_FRAGMENTS, so a driver edit never comes here.
. "$(dirname "$0")/lib.sh"

mkdir -p "$obj"
configure $fragments
kmake bzImage
echo "objects: $(find "$obj" -name '*.o' ! -name '.*' | wc -l)"

# What the link makes again anyway, and what names no input of it.
rm -f "$obj"/vmlinux* "$obj"/.tmp_vmlinux* "$obj"/.vmlinux* "$obj"/System.map "$obj"/.version
rm -rf "$obj"/arch/x86/boot/bzImage "$obj"/arch/x86/boot/vmlinux.bin \
	"$obj"/arch/x86/boot/compressed/vmlinux* "$obj"/arch/x86/boot/compressed/piggy.*
mkdir -p "$out"
cp -a "$obj"/. "$out"/
