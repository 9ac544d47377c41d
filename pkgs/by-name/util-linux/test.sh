# A mount and its end, namespaces, devices, and the kernel's messages.
set -eu
mkdir m
mount -t tmpfs -o size=64k none m
findmnt -n m | grep -q tmpfs
umount m
findmnt -n m >/dev/null && exit 1 || :
[ "$(setsid sh -c 'echo session')" = session ]
dmesg >/dev/null
lsblk >/dev/null
[ "$(printf 'a b\nc d\n' | column -t | wc -l)" = 2 ]
uuidgen | grep -Eq '^[0-9a-f-]{36}$'
unshare -m true
flock lock true
