#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh LIBRARY MAP: the library exports what the map lists, each with the map's version, nothing
# else, and holds no trap instruction. Run by `make check`; the map is the golden of the ABI.
set -eu
lib=$1 map=$2
wanted=$(sed -n 's/^\t\t\([a-z_]*\);$/\1@@XSC_RT_1.0/p' "$map" | sort)
found=$(${NM:-nm} -D --defined-only "$lib" | awk '$2 != "A" { print $3 }' | sort)
if [ "$wanted" != "$found" ]; then
	printf 'not ok exported symbols\n# wanted:\n%s\n# found:\n%s\n' "$wanted" "$found"
	exit 1
fi
echo "ok the library exports the $(echo "$wanted" | wc -l) symbols of the map"
if ${OBJDUMP:-objdump} -d --no-show-raw-insn "$lib" |
	grep -E '[[:space:]](syscall|sysenter|svc|int[[:space:]]+\$0x80)([[:space:]]|$)'; then
	echo "not ok a trap instruction in $lib"
	exit 1
fi
echo "ok no trap instruction"
