#!/bin/sh
# SPDX-License-Identifier: MIT
# compare.sh OURS STOCK: two console logs of run.c. Prints what fails with our C library and not with the
# stock one, then the other way round, then the counts; exit status 1 if the first list is not empty.
set -eu
[ $# = 2 ] || { echo "usage: compare.sh OURS STOCK" >&2; exit 2; }
results() {
	tr -d '\r' <"$1" | awk '
		/^ok [0-9]+ .*# SKIP/ { print $3 " unsupported"; next }
		/^ok [0-9]+ /         { print $3 " pass"; next }
		/^not ok [0-9]+ /     { print $4 " fail" }' | sort
}
ours=$(mktemp) stock=$(mktemp)
trap 'rm -f "$ours" "$stock"' EXIT
results "$1" >"$ours"
results "$2" >"$stock"
join "$ours" "$stock" | awk '
	$2 == "fail" && $3 != "fail" { only_ours = only_ours "\n  " $1 " (stock: " $3 ")"; n++ }
	$3 == "fail" && $2 != "fail" { only_stock = only_stock "\n  " $1 " (ours: " $2 ")" }
	{ a[$2]++; b[$3]++; total++ }
	END {
		print "fails with ours only:" only_ours
		print "fails with stock only:" only_stock
		printf "%d tests in both; ours: %d pass, %d fail, %d unsupported; stock: %d pass, %d fail, %d unsupported\n",
			total, a["pass"], a["fail"], a["unsupported"], b["pass"], b["fail"], b["unsupported"]
		exit n > 0
	}'
