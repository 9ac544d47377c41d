#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# driver.sh: compiles drivers/xsc alone, on vanilla.sh's object tree, into $out/xsc.o.
# Invariant: the object depends on the code, not on comments or line numbers, so link.sh
# runs again only when the code changed.
. "$(dirname "$0")/lib.sh"
overlay=${XSC_OVERLAY:-/src/overlay}

apply_patches
cp -r "$overlay"/. "$src"/
configure $fragments xsc

log=$obj/.xsc-log
kmake drivers/xsc/ >"$log" || { cat "$log"; exit 1; }
cat "$log"
echo "recompiled: $(grep -c '^  CC ' "$log") of the target, $(grep -c '^  HOSTCC ' "$log") of the host"

# One object of the family's objects, in the order of their Makefile. An initcall's symbol
# has the line number in its name and nothing refers to it.
cd "$obj"
mkdir -p "$out"
ld -m elf_x86_64 -z noexecstack -r -o "$out/xsc.o" $(ar t drivers/xsc/built-in.a)
objcopy -w --strip-symbol '__initcall__kmod_*' "$out/xsc.o"
