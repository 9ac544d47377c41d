# Runs upstream's testsuites with unpatched and with our sources, for a target that is none of ours. Run by
# binutils/check.nix in the sandbox, which gives `target`. `$out` has the summaries of both. Invariant: one verdict that
# differs ends the build.
set -eu
for tree in orig binutils; do
	mkdir -p "/build/$tree" "$out/$tree"
	cd "/build/$tree"
	CFLAGS='-O1 -g0 -pipe' CXXFLAGS='-O1 -g0 -pipe' "/src/$tree/configure" \
		--build=x86_64-linux-gnu --host=x86_64-linux-gnu --target="$target" --prefix=/usr \
		--with-sysroot="/usr/$target/sysroot" --disable-shared --disable-nls --disable-gdb --disable-gdbserver \
		--disable-sim --disable-gprofng --disable-plugins --disable-werror --disable-multilib \
		--enable-deterministic-archives --enable-relro --enable-default-hash-style=gnu --enable-new-dtags \
		--without-zstd --without-debuginfod --without-msgpack
	make -j"${XSC_CORES:-1}" MAKEINFO=true all-binutils all-gas all-ld
	for tool in binutils gas ld; do
		make -C "$tool" check-DEJAGNU >"$tool.log" 2>&1 || true
		sum=$tool/$tool.sum
		[ -e "$sum" ] || sum=$tool/testsuite/$tool.sum
		# Names of tests hold paths.
		grep -E '^(PASS|FAIL|XPASS|XFAIL|KFAIL|UNRESOLVED|UNSUPPORTED|UNTESTED|ERROR): ' "$sum" |
			sed -e "s,/src/$tree/,/src/,g" -e "s,/build/$tree/,/build/,g" | sort >"$out/$tree/$tool.sum"
		echo "$tree, $tool:" $(cut -d: -f1 "$out/$tree/$tool.sum" | sort | uniq -c)
	done
done
diff -r "$out/orig" "$out/binutils"
