# Sorts the installed files into outputs: what runs into `out`, what compiling against it needs into `dev`, manuals
# into `doc`. build.sh sources it. Invariant: a file is in one output; libtool's .la files and translations in none.

move() {
	local to=$1 path
	shift
	for path; do
		[ -e "$image/$path" ] || [ -L "$image/$path" ] || continue
		mkdir -p "$to/$(dirname "$path")"
		mv "$image/$path" "$to/$path"
	done
}

say split
cd "$image"
mkdir -p "$out" "$dev" "$doc"
# A file that is there only for package managers of other systems, or made of what others install too.
rm -rf usr/share/locale usr/share/info/dir
find . -name '*.la' -delete

shopt -s nullglob
move "$doc" usr/share/{man,info,doc,gtk-doc}
move "$dev" usr/include usr/lib64/pkgconfig usr/share/pkgconfig usr/share/aclocal usr/lib64/*.a usr/lib64/cmake usr/bin/*-config
for file in usr/lib64/*.so; do
	# The linker's name of a library: a link, or a script.
	if [ -L "$file" ] || [ "$(head -c 4 "$file")" != $'\x7fELF' ]; then
		move "$dev" "$file"
	fi
done
read_words "$XSC_DEV_FILES"
for pattern in "${words[@]}"; do
	# shellcheck disable=SC2086 # a pattern
	move "$dev" $pattern
done
shopt -u nullglob

say strip
find "$image" "$dev" -type f | while read -r file; do
	[ "$(head -c 4 "$file" | tr -d '\0')" = $'\x7fELF' ] || case $file in *.a) ;; *) continue ;; esac
	case $file in
	*.a | *.o) "$STRIP" -D --strip-debug "$file" ;;
	*) "$STRIP" -D --strip-unneeded "$file" ;;
	esac
done
find "$image" -depth -type d -empty -delete
mkdir -p "$image"
cp -a "$image/." "$out/"
