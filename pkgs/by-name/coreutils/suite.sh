#!/bin/sh
# Runs the shell tests of coreutils in a running system: run [path...], such as tests/cp/abuse.sh; prints TAP. Two
# systems with the same source give two lists to compare. Tests in Perl are left out: there is none. A test that refuses
# to be run by root is run by nobody.
here=$(cd "$(dirname "$0")" && pwd)
cd "$here" || exit 1
version=$(cat version)
work=${TMPDIR:-/tmp}/coreutils-suite
rm -rf "$work"
mkdir -p "$work"
[ $# -gt 0 ] || set -- $(find tests -name '*.sh' | grep -v '/init.sh$\|/create-test.sh$\|sample-test\|/envvar-check\|lang-default' | sort)
# What tests/local.mk of the source sets.
export srcdir="$here" top_srcdir="$here" abs_top_srcdir="$here" abs_top_builddir="$here" abs_srcdir="$here"
export VERSION="$version" PACKAGE_VERSION="$version" CONFIG_HEADER="$here/lib/config.h" LC_ALL=C SHELL=/usr/bin/sh
export PATH="/usr/bin:/usr/sbin:$here/src" NON_ROOT_USERNAME=nobody CU_TEST_NAME= HOME="$work" EXEEXT= PERL=false AWK=gawk
# Where the tests look for what the build would have made; `install` has another name there.
for program in /usr/bin/*; do ln -sf "$program" "$here/src/"; done
ln -sf /usr/bin/install "$here/src/ginstall"
# On one line: tests look for a name between blanks.
built_programs=$(cd /usr/bin && echo ginstall $(ls '[' b2sum base* cat ch* cksum comm cp csplit cut date dd df dir* du echo env expand expr \
	factor false fmt fold groups head hostid id join link ln log* ls md5sum mk* mv nice nl nohup nproc numfmt od paste \
	pathchk pinky pr printenv printf ptx pwd readlink realpath rm* runcon seq sha* shred shuf sleep sort split stat stdbuf stty \
	sum sync tac tail tee test timeout touch tr true truncate tsort tty uname unexpand uniq unlink users vdir wc who whoami yes 2>/dev/null))
export built_programs
# run_as DIRECTORY [WORD...]: runs $test there, by the command of these words if there are any, and sets $status.
run_as() {
	in=$1
	shift
	CU_TEST_NAME=$(basename "$test") HOME=$in timeout "${XSC_TEST_SECONDS:-60}" "$@" \
		sh -c 'cd "$1" && exec sh "$2"' sh "$in" "$here/$test" >"$work/log" 2>&1 </dev/null 9>&2
	status=$?
}
number=0
failed=0
for test; do
	number=$((number + 1))
	run_as "$work"
	if [ $status = 77 ] && grep -q 'must be run as non-root' "$work/log"; then
		mkdir -p "$work/nobody"
		chown nobody "$work/nobody"
		run_as "$work/nobody" chroot --userspec=nobody:nogroup --groups= /
	fi
	case $status in
	0) echo "ok $number - $test" ;;
	77) echo "ok $number - $test # SKIP $(sed -n 's/^.*: skipped test: //p' "$work/log" | tail -n 1)" ;;
	*)
		failed=$((failed + 1))
		tail -n 5 "$work/log" | sed 's/^/# /'
		echo "not ok $number - $test # status $status"
		;;
	esac
done
echo "1..$number"
[ "$failed" -eq 0 ]
