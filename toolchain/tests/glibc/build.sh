# Builds glibc's own tests and lays them out in $out: /glibc (the programs, at the place where they were built:
# /build/glibc is bound to it) and /tests/glibc/list. Run by default.nix in the sandbox with `triplet`, `arch`,
# `variant`, `folders` and `sysroot`.
# Invariant: nothing is run here; the list holds upstream's own commands, made by record.sh.
set -eu
mkdir -p /build/glibc "$out/tests/glibc" "$out/glibc"
cd /build/glibc
. /src/scripts/configure.sh
make -j"${XSC_CORES:-1}" >/build/make.log 2>&1 || { tail -n 100 /build/make.log; exit 1; }
echo "built the library"

export XSC_TEST_LIST=/build/list
mkdir "$XSC_TEST_LIST.d"
for folder in $folders; do
	names=$(make -s -C "/src/glibc/$folder" subdir="$folder" objdir=/build/glibc ..=../ \
		--eval='print-tests: ; @echo $(sort $(filter-out $(tests-static) $(tests-unsupported),$(tests) $(tests-internal)))' \
		print-tests)
	# what does not build is not in the list; the count below says how many there are
	make -s -k -j"${XSC_CORES:-1}" -C "/src/glibc/$folder" subdir="$folder" objdir=/build/glibc ..=../ \
		run-built-tests=yes PERL=: test-wrapper=/src/record/record.sh test-wrapper-env='/src/record/record.sh env' \
		test-wrapper-env-only='/src/record/record.sh env -i' \
		$(for name in $names; do echo "/build/glibc/$folder/$name.out"; done) >"/build/$folder.log" 2>&1 || true
	echo "$folder: $(echo $names | wc -w) tests, $(grep -c "^make.*Error" "/build/$folder.log" || true) errors"
	grep -B 3 '^make.*Error' "/build/$folder.log" | cut -c 1-300 | head -n 40 || true
done
# those of another folder make locales for tests
find "$XSC_TEST_LIST.d" -type f -exec cat {} + |
	grep -E "/build/glibc/($(echo "$folders" | tr ' ' '|'))/" | grep -vE '/locale/localedef|/iconv/iconvconfig' |
	LC_ALL=C sort >"$XSC_TEST_LIST"
count=$(wc -l <"$XSC_TEST_LIST")
echo "$count tests of: $folders"
[ "$count" -ge 600 ] || { tail -n 50 /build/*.log; exit 1; }

{
	echo "at /build/glibc"
	cat "$XSC_TEST_LIST"
} >"$out/tests/glibc/list"
# Programs that a command names, modules beside them, libraries.
{
	tr '\t' '\n' <"$XSC_TEST_LIST" | grep '^/build/glibc/' | grep -v : | sort -u |
		while read -r file; do [ ! -f "$file" ] || echo "${file#/build/glibc/}"; done
	find . -maxdepth 2 \( -name '*mod*.so' -o -name '*.so' -path './elf/*' -o -name 'lib*.so' -o -name 'lib*.so.[0-9]*' -o -name 'ld*.so*' \)
	# of a processor or a platform, at a place that the loader forms
	find elf -mindepth 2 -name '*.so'
	find iconvdata -name gconv-modules
} | sed 's|^\./||' | sort -u | while read -r file; do
	mkdir -p "$out/glibc/$(dirname "$file")"
	cp -a "$file" "$out/glibc/$file"
done
# Files that tests read or write beside them.
for folder in $folders; do mkdir -p "$out/glibc/$folder"; done
find "$out/glibc" -type f -exec "$STRIP" --strip-debug {} + 2>/dev/null || true
