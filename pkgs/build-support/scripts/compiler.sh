#!/bin/sh
# The target's compiler behind a guard; build.sh installs it under each of the compiler's names.
# Invariant: no header, library or folder of the build machine reaches the compiler. An argument that names one is
# refused, and noted in $host_files: a configure test that only fails would hide it.
name=${0##*/}
# The compiler names itself by argv[0], so it is started by its own path.
real=/usr/bin/$name
case $name in *-cc) real=${real%cc}gcc ;; *-c++) real=${real%c++}g++ ;; esac

for arg do
	path=$arg
	case $arg in
	-[ILB]/*) path=${arg#-?} ;;
	-isystem/* | -idirafter/*) path=/${arg#*/} ;;
	-L=* | -I=*) continue ;;
	-*) continue ;;
	esac
	case $path in
	"$XSC_SYSROOT" | "$XSC_SYSROOT"/*) ;;
	/usr/lib | /usr/lib/* | /usr/lib64 | /usr/lib64/* | /usr/include | /usr/include/* | /usr/local/* | \
		/lib | /lib/* | /lib64 | /lib64/* | /opt/*)
		message="$PWD: $name was told to use $path (argument $arg), a file of the build machine"
		printf '%s\n' "$message" >>"$host_files"
		printf 'error: %s\n' "$message" >&2
		exit 1
		;;
	esac
done
exec "$real" "$@"
