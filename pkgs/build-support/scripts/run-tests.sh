#!/bin/sh
# Runs the packages' tests in a running system and prints TAP; images install it as /usr/libexec/xsc-tests/run-tests.sh.
# Arguments: names of packages; none means all. Ends with 1 if a test failed, so that a service can act on it.
# Invariant: each test runs in a fresh folder with a time limit, and says on stderr why it failed.
here=$(cd "$(dirname "$0")" && pwd)
limit=${XSC_TEST_SECONDS:-60}
scratch=${TMPDIR:-/tmp}/xsc-tests
[ $# -gt 0 ] || { cd "$here" && set -- */; }
number=0
failed=0
for name; do
	name=${name%/}
	number=$((number + 1))
	rm -rf "$scratch"
	mkdir -p "$scratch"
	cd "$scratch" || exit 1
	timeout "$limit" sh "$here/$name/test.sh" >"$scratch.log" 2>&1 </dev/null
	status=$?
	case $status in
	0) echo "ok $number - $name" ;;
	77) echo "ok $number - $name # SKIP $(tail -n 1 "$scratch.log")" ;;
	*)
		failed=$((failed + 1))
		sed 's/^/# /' "$scratch.log"
		echo "not ok $number - $name # status $status"
		;;
	esac
	cd /
done
rm -rf "$scratch" "$scratch.log"
echo "1..$number"
[ "$failed" -eq 0 ]
