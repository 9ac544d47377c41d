# Looks at what was built; build.sh sources it last. Invariant: what passes runs with the packages it names and nothing
# else: every ELF file is the target's, has the target's loader, no search path of its own, and libraries that exist.

say check
problems=/build/problems
: >"$problems"
problem() { printf '%s\n' "$*" >>"$problems"; }

case $XSC_ARCH in
x86_64) machine='Advanced Micro Devices X86-64' ;;
aarch64) machine=AArch64 ;;
*) fail "check.sh does not know the architecture $XSC_ARCH" ;;
esac

check_elf() {
	local file=$1 path=/${1#"$out"/} facts library
	facts=$("$READELF" -hldW "$file")
	case $facts in *"$machine"*) ;; *) problem "$path: not a file for $machine" ;; esac
	case $facts in *'(RPATH)'* | *'(RUNPATH)'*) problem "$path: it has a library search path of its own (RUNPATH)" ;; esac
	case $facts in *'(TEXTREL)'*) problem "$path: it has text relocations" ;; esac
	case $facts in
	*'Requesting program interpreter: '*)
		case $facts in
		*"interpreter: $XSC_LOADER]"*) ;;
		*) problem "$path: its program interpreter is not $XSC_LOADER" ;;
		esac
		;;
	esac
	sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$facts" | while read -r library; do
		[ -n "$(find "$XSC_SYSROOT/usr/lib64" "$XSC_SYSROOT/usr/lib" "$out/usr/lib64" -name "$library" -print -quit 2>/dev/null)" ] ||
			problem "$path: it needs $library, which neither the toolchain nor a package of buildInputs has"
	done
}

cd "$out"
while read -r file; do
	[ "$(head -c 4 "$file" | tr -d '\0')" != $'\x7fELF' ] || check_elf "$file"
done < <(find "$out" -type f)

for from in "$source_dir" "$XSC_SYSROOT" /build/ /xsc/; do
	while read -r file; do
		path=${file#/build/out/*/}
		read_words "$XSC_MAY_NAME_SOURCE"
		for allowed in "${words[@]}"; do
			[ "$path" != "$allowed" ] || continue 2
		done
		problem "/$path: it names $from, a folder of the build"
	done < <(grep -rlF -- "$from" "$out" "$dev" || :)
done

[ -n "$(ls -A "$out")" ] || problem "nothing was installed"
[ ! -s "$problems" ] || {
	sort -u "$problems" >&2
	fail "$(sort -u "$problems" | wc -l) faults in what was installed"
}
