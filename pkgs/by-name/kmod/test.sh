# It knows its features and reads the list of modules, if the kernel has one.
set -eu
kmod --version | grep -q +ZSTD
[ ! -e /proc/modules ] || lsmod | grep -q ^Module
modinfo no-such-module 2>/dev/null && exit 1 || :
