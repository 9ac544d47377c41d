#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# driver.sh: compiles drivers/xsc alone, on objects.sh's object tree, into $out/xsc.o.
# Invariant: the object depends on the code, not on comments or line numbers, so link.sh
# runs again only when the code changed.
. "$(dirname "$0")/lib.sh"

patch_source
configure $fragments
logged drivers/xsc/

# One object of the driver's objects, in the order of their Makefile. An initcall's symbol
# has the line number in its name and nothing refers to it.
cd "$obj"
mkdir -p "$out"
"${CROSS_COMPILE:-}ld" -z noexecstack -r -o "$out/xsc.o" $("${CROSS_COMPILE:-}ar" t drivers/xsc/built-in.a)
"${CROSS_COMPILE:-}objcopy" -w --strip-symbol '__initcall__kmod_*' "$out/xsc.o"
