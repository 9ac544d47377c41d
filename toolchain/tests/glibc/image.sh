# Makes the tree for the image of what build.sh built: the programs with the C library under test, what runs them and
# judges, and the files of a system that tests look for. Run by default.nix in the sandbox with `triplet`, `sysroot` and
# `who`: "ours", or "stock" with Debian's libraries at /src/stock.
# Invariant: every library below /glibc is of the C library under test, under whatever name programs may ask for it.
set -eu
mkdir -p "$out/tests/glibc" "$out/etc" "$out/root" "$out/var/tmp" "$out/home"
cp -a /src/programs/. "$out/"
chmod -R u+w "$out"

# Files of the source that commands name; they run in its folders.
while IFS='	' read -r folder words; do
	case $folder in /src/glibc/*) ;; *) continue ;; esac
	if [ ! -d "$out$folder" ]; then
		mkdir -p "$out$folder"
		# For tests that open some file.
		cp -f "$folder/Makefile" "$out$folder/"
	fi
	for word in $words; do
		case $word in /* | *[!A-Za-z0-9._-]* | . | ..) continue ;; esac
		[ ! -f "$folder/$word" ] || cp -f "$folder/$word" "$out$folder/"
	done
done <"$out/tests/glibc/list"

soname() { "$triplet-readelf" -d "$1" 2>/dev/null | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p'; }

cc=$triplet-gcc
libraries=$sysroot/usr/lib64
if [ "$who" = stock ]; then
	cc=gcc
	libraries=/src/stock/usr/lib64
	replaced=0
	find "$out/glibc" -type f \( -name 'lib*.so*' -o -name 'ld*.so*' \) >/build/libraries
	while read -r file; do
		name=$(soname "$file")
		if [ -n "$name" ] && [ -f "$libraries/$name" ]; then
			cp -L --no-preserve=mode "$libraries/$name" "$file"
			replaced=$((replaced + 1))
		fi
	done </build/libraries
	echo "$replaced libraries are Debian's"
	[ "$replaced" -ge 10 ]
fi
# Those are not built with the tests.
for library in libgcc_s.so.1 libstdc++.so.6; do
	if [ -e "$libraries/$library" ]; then from=$libraries; else from=$sysroot/usr/lib64; fi
	cp -L --no-preserve=mode "$from/$library" "$out/glibc/"
	"$triplet-strip" --strip-debug "$out/glibc/$library"
done

"$cc" -O2 -Wall -Werror -D_GNU_SOURCE -static-pie -o "$out/tests/glibc/run" /src/image/run.c
grep -v '^#' /src/image/expected | awk -v who="$who" 'NF && ($2 == who || $2 == "both")' >"$out/tests/glibc/expected"

printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$out/etc/passwd"
printf 'root:x:0:\nnobody:x:65534:\n' >"$out/etc/group"
echo '127.0.0.1 localhost' >"$out/etc/hosts"
