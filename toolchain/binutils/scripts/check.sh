# Runs our tests with the finished tools. Run by binutils/check.nix in the sandbox, which gives `target`. `$out` has the
# summaries. Invariant: a test that fails, can't be run or isn't there ends the build, with its log.
set -eu
# What the testsuites take for their build directory.
bin=/src/tools/usr/$target/bin
mkdir -p "$out" /build/tools/gas/testsuite /build/tools/ld/.libs /build/tools/binutils
ln -s "$bin/as" /build/tools/gas/as-new
ln -s "$bin/ld" /build/tools/ld/ld-new
ln -s "$bin/ld" /build/tools/ld/.libs/ld-new
for name in addr2line ar c++filt:cxxfilt elfedit nm:nm-new objcopy objdump ranlib readelf size strings strip:strip-new; do
	ln -s "$bin/${name%%:*}" "/build/tools/binutils/${name#*:}"
done

# Upstream's support files and our tests.
for tool in binutils gas ld; do
	mkdir -p "/build/source/$tool/testsuite"
	cp -r "/src/binutils/$tool/testsuite/lib" "/src/binutils/$tool/testsuite/config" "/build/source/$tool/testsuite/"
done
# The linker's ask this for the name of its emulation.
cp /src/binutils/ld/configure.tgt /build/source/ld/
chmod -R u+w /build/source
cp -r /src/testsuite/. /build/source/

for tool in binutils gas ld; do
	case $tool in
	gas) where=/build/tools/gas/testsuite ;;
	*) where=/build/tools/$tool ;;
	esac
	cd "$where"
	{
		echo "set srcdir /build/source/$tool"
		echo "set objdir /build/tools/$tool"
		echo "set development false"
		echo "set experimental false"
		echo "set target_alias $target"
		echo "set target_triplet $target"
	} >site.exp
	runtest --tool "$tool" --srcdir "/build/source/$tool/testsuite" CC=cc CC_FOR_TARGET=no-compiler CXX_FOR_TARGET=no-compiler \
		CFLAGS= CFLAGS_FOR_TARGET= CXXFLAGS= CXXFLAGS_FOR_TARGET= xsc.exp >runtest.log 2>&1 || true
	grep -E '^(PASS|FAIL|XPASS|XFAIL|UNRESOLVED|UNSUPPORTED|UNTESTED|ERROR): ' "$tool.sum" | sort >"$out/$tool.sum"
	if grep -E '^(FAIL|XPASS|UNRESOLVED|ERROR)' "$out/$tool.sum" || [ "$(grep -c '^PASS' "$out/$tool.sum")" -lt 10 ]; then
		tail -n 300 "$tool.log"
		exit 1
	fi
	echo "$tool: $(grep -c '^PASS' "$out/$tool.sum") passed"
done
