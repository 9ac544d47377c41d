# Builds glibc's own tests with one of our toolchains and lays them out in $out: /glibc (the programs, at the place
# where they were built: /build/glibc is bound to it), /tests/glibc/{run,list}, the loader where programs name it.
# Run by pkgs/by-name/glibc-tests in the sandbox with `triplet`, `arch`, `variant`, `folders` and `sysroot`.
# Invariant: nothing is run here; the list holds upstream's own commands, made by record.sh.
set -eu
mkdir -p /build/glibc "$out/tests/glibc" "$out/glibc"
cd /build/glibc
. /src/scripts/configure.sh
make -j"${XSC_CORES:-1}"

export XSC_TEST_LIST=/build/list
: >"$XSC_TEST_LIST"
for folder in $folders; do
	names=$(make -s -C "/src/glibc/$folder" subdir="$folder" objdir=/build/glibc ..=../ \
		--eval='print-tests: ; @echo $(sort $(filter-out $(tests-static) $(tests-unsupported),$(tests) $(tests-internal)))' \
		print-tests)
	# what does not build is not in the list; the count below says how many there are
	make -s -k -j"${XSC_CORES:-1}" -C "/src/glibc/$folder" subdir="$folder" objdir=/build/glibc ..=../ \
		run-built-tests=yes PERL=: test-wrapper=/src/record/record.sh test-wrapper-env='/src/record/record.sh env' \
		$(for name in $names; do echo "/build/glibc/$folder/$name.out"; done) >"/build/$folder.log" 2>&1 || true
done
# those of another folder make locales for tests
grep -E "/build/glibc/($(echo "$folders" | tr ' ' '|'))/" "$XSC_TEST_LIST" | grep -vE '/locale/localedef|/iconv/iconvconfig' >/build/kept
mv /build/kept "$XSC_TEST_LIST"
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
	find . -maxdepth 2 \( -name '*mod*.so' -o -name 'lib*.so' -o -name 'lib*.so.[0-9]*' -o -name 'ld*.so*' \)
} | sort -u | while read -r file; do
	mkdir -p "$out/glibc/$(dirname "$file")"
	cp -a "$file" "$out/glibc/$file"
done
cp -L "$sysroot/usr/lib64/libgcc_s.so.1" "$sysroot/usr/lib64/libstdc++.so.6" "$out/glibc/"
find "$out/glibc" -type f -exec "$STRIP" --strip-debug {} + 2>/dev/null || true
"$triplet-gcc" -O2 -D_GNU_SOURCE -static-pie -o "$out/tests/glibc/run" /src/record/run.c
