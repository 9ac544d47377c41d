#!/bin/sh
# SPDX-License-Identifier: MIT
# documented.sh HEADER MANDIR: every function of the header has its name in a manual page, and every
# opcode of <linux/xsc.h> that a queue takes has a function. Run by `make check`.
set -eu
header=$1 man=$2 bad=0
for name in $(grep -oE '\bxsc_(rt|queue|pool|prep|entry|run)[a-z_]*\(' "$header" | tr -d '(' | sort -u); do
	case $name in xsc_queue_options) continue ;; esac
	grep -q "$name" "$man"/*.3 || { echo "not ok $name is in no manual page"; bad=1; }
done
# the gate's alone
for op in $(sed -n 's/^\tXSC_OP_\([A-Z_]*\).*= \([0-9]*\),.*/\1 \2/p' "${UAPI:-../../kernel/include/uapi}/linux/xsc.h" |
	awk '$2 < 160 { print $1 }'); do
	grep -q "XSC_OP_$op\b" "$header" || { echo "not ok no function for XSC_OP_$op"; bad=1; }
done
[ $bad = 0 ] && echo "ok functions, opcodes and manual pages agree"
exit $bad
