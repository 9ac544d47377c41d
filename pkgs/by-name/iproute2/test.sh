# The loopback device is there, takes an address and loses it; sockets are listed.
set -eu
ip -br link show lo | grep -q LOOPBACK
ip addr add 127.9.9.9/32 dev lo
ip -4 addr show dev lo | grep -q 127.9.9.9
ip addr del 127.9.9.9/32 dev lo
ip -4 addr show dev lo | grep -q 127.9.9.9 && exit 1 || :
ss -tln >/dev/null
