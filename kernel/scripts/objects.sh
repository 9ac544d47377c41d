#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# objects.sh: Linux with our patches, the files of kernel/arch and the hooks' headers, compiled
# once; its object tree is the output that driver.sh and link.sh start from. Invariant: it
# reads nothing of drivers/xsc but Kconfig, so a driver edit never comes here.
. "$(dirname "$0")/lib.sh"

mkdir -p "$obj"
patch_source

# The hooks lead nowhere yet: labels stand for what the driver will define.
configure $fragments
: >"$obj/.stub.s"
"${CROSS_COMPILE:-}as" -o "$obj/.stub.o" "$obj/.stub.s"
place_object "$obj/.stub.o"
kmake vmlinux_o
{
	echo '	.section .note.GNU-stack, "", %progbits'
	echo '	.text'
	"${CROSS_COMPILE:-}nm" -u "$obj/vmlinux.o" |
		awk '$1 == "U" && $2 ~ /xsc/ { print $2 }' |
		sort -u | sed 's/.*/\t.globl &\n\t.type &, %function\n&:/'
} >"$obj/.stub.s"
"${CROSS_COMPILE:-}as" -o "$obj/.stub.o" "$obj/.stub.s"
place_object "$obj/.stub.o"
kmake "$(basename "$image")"
echo "objects: $(find "$obj" -name '*.o' ! -name '.*' | wc -l)"

# What the link makes again anyway, and what names no input of it.
cd "$obj"
rm -f vmlinux* .tmp_vmlinux* .vmlinux* System.map .version .stub.* "$image"
rm -rf drivers/xsc arch/x86/boot/vmlinux.bin arch/x86/boot/compressed/vmlinux* \
	arch/x86/boot/compressed/piggy.*
mkdir -p "$out"
cp -a "$obj"/. "$out"/
