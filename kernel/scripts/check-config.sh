#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# check-config.sh FRAGMENT... .config: every symbol a fragment asks for must have come
# out as asked; kconfig drops a request with unmet dependencies in silence. A later
# fragment overrides an earlier one. Exit 1 names symbol, fragment:line, wanted, got.
set -eu
[ $# -ge 2 ] || { echo "usage: check-config.sh FRAGMENT... .config" >&2; exit 2; }
exec awk '
function parse(    eq) {
	if ($0 ~ /^# CONFIG_[A-Za-z0-9_]+ is not set$/) { symbol = $2; value = "n"; return 1 }
	if ($0 !~ /^CONFIG_[A-Za-z0-9_]+=/) return 0
	eq = index($0, "="); symbol = substr($0, 1, eq - 1); value = substr($0, eq + 1)
	return 1
}
FILENAME == ARGV[ARGC - 1] { if (parse()) got[symbol] = value; next }
/^[ \t]*$/ { next }
parse() { want[symbol] = value; where[symbol] = FILENAME ":" FNR; next }
!/^#/ {
	printf "%s:%d: not a configuration line: %s\n", FILENAME, FNR, $0 >"/dev/stderr"
	bad = 1
}
END {
	for (s in want) {
		have = (s in got) ? got[s] : "n"
		if (have != want[s]) {
			printf "%s: %s: wanted %s, got %s\n", where[s], s, want[s], have |"sort >&2"
			bad = 1
		}
	}
	exit bad
}' "$@"
