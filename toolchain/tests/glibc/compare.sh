#!/bin/sh
# SPDX-License-Identifier: MIT
# compare.sh OURS STOCK: two console logs of run.c (or of pkgs/by-name/suites). Prints what fails with our C library and
# not with the stock one, then the other way round, then the counts; exit status 1 if the first list is not empty.
# Invariant: it goes by what tests did, not by what was expected of them.
set -eu
[ $# = 2 ] || { echo "usage: compare.sh OURS STOCK" >&2; exit 2; }
results() {
	tr -d '\r' <"$1" | sed -E 's/^(ok|not ok) ([0-9]+) - /\1 \2 /' | awk '
		/^ok [0-9]+ .*# SKIP not run/             { print $3 " not-run"; next }
		/^ok [0-9]+ .*# SKIP fail as expected/    { print $3 " fail"; next }
		/^ok [0-9]+ .*# SKIP/                     { print $3 " unsupported"; next }
		/^ok [0-9]+ /                             { print $3 " pass"; next }
		/^not ok [0-9]+ .* # pass, expected/      { print $4 " pass"; next }
		/^not ok [0-9]+ .* # (unsupported|skip),/ { print $4 " unsupported"; next }
		/^not ok [0-9]+ /                         { print $4 " fail" }' | LC_ALL=C sort -u
}
ours=$(mktemp) stock=$(mktemp)
trap 'rm -f "$ours" "$stock"' EXIT
results "$1" >"$ours"
results "$2" >"$stock"
LC_ALL=C join "$ours" "$stock" | awk '
	$2 == "fail" && $3 != "fail" { only_ours = only_ours "\n  " $1 " (stock: " $3 ")"; n++ }
	$3 == "fail" && $2 != "fail" { only_stock = only_stock "\n  " $1 " (ours: " $2 ")" }
	$2 != $3 && $2 != "fail" && $3 != "fail" { other = other "\n  " $1 " (ours: " $2 ", stock: " $3 ")" }
	{ a[$2]++; b[$3]++; total++ }
	function counts(of) {
		return sprintf("%d passed, %d failed, %d unsupported, %d not run", of["pass"], of["fail"], of["unsupported"], of["not-run"])
	}
	END {
		print "fails with ours only:" only_ours
		print "fails with stock only:" only_stock
		print "differs otherwise:" other
		printf "%d tests in both\nours:  %s\nstock: %s\n", total, counts(a), counts(b)
		exit n > 0
	}'
