#!/bin/sh
# Runs bash's own tests in a running system: run [name...]; prints TAP. Two systems with the same source give two lists
# to compare. A script `run-<name>` compares what bash says with <name>.right; the language and terminal are fixed.
here=$(cd "$(dirname "$0")" && pwd)
work=${TMPDIR:-/tmp}/bash-suite
rm -rf "$work"
cp -r "$here" "$work"
cd "$work" || exit 1
THIS_SH=${THIS_SH:-/usr/bin/bash}
BASH_TSTOUT=$work/.output
BUILD_DIR=$work
export THIS_SH BASH_TSTOUT BUILD_DIR
export PATH="$work:/usr/bin:/usr/sbin" TERM=dumb LC_ALL=C
unset BASH_ENV ENV
# What takes minutes, wants a network or is not a test.
skip=" all minimal gprof "
[ $# -gt 0 ] || set -- $(ls | sed -n 's/^run-//p')
number=0
failed=0
for name; do
	case $skip in *" $name "*) continue ;; esac
	number=$((number + 1))
	timeout "${XSC_TEST_SECONDS:-120}" sh "./run-$name" >"$work/.log" 2>&1 </dev/null
	status=$?
	if [ "$status" -eq 0 ]; then
		echo "ok $number - $name"
	else
		failed=$((failed + 1))
		head -n 10 "$work/.log" | sed 's/^/# /'
		echo "not ok $number - $name # status $status"
	fi
done
echo "1..$number"
[ "$failed" -eq 0 ]
