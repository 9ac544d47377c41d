# Puts the compiler proper together from its build directory, as `make install` would: programs, what they call, and
# the compiler's own headers. Run by gcc/default.nix in the sandbox, which gives `triplet` and `version`. Invariant: no
# library and no specs, which belong to a variant.
set -eu
from=/src/build/gcc
lib=$out/usr/lib/gcc/$triplet/$version
mkdir -p "$out/usr/bin" "$lib/include"

for program in gcc:xgcc g++:xg++ cpp:cpp gcov:gcov gcov-tool:gcov-tool gcc-ar:gcc-ar gcc-nm:gcc-nm gcc-ranlib:gcc-ranlib; do
	install -m 755 "$from/${program#*:}" "$out/usr/bin/$triplet-${program%%:*}"
done
ln -s "$triplet-gcc" "$out/usr/bin/$triplet-gcc-$version"
ln -s "$triplet-g++" "$out/usr/bin/$triplet-c++"
ln -s "$triplet-gcc" "$out/usr/bin/$triplet-cc"

for program in cc1 cc1plus collect2; do
	install -m 755 "$from/$program" "$lib/$program"
done
if [ -x /src/build/c++tools/g++-mapper-server ]; then
	install -m 755 /src/build/c++tools/g++-mapper-server "$lib/"
fi
cp -r "$from/include/." "$lib/include/"
rm -f "$lib/include/README"
