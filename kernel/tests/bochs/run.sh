#!/bin/bash
# Boots an ISO image in Bochs, whose tigerlake processor has shadow stacks, and judges what its serial port
# says: run.sh ISO [SECONDS [LOG]]. No display, no network, nothing written but LOG (default: a scratch file).
# Invariant: exit status 0 only if the guest's verdict line says that nothing failed.
set -euo pipefail

iso=$(realpath "$1") limit=${2:-900} here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
share=${BOCHS_SHARE:-/usr/share/bochs} vga=${BOCHS_VGA:-/usr/share/vgabios/vgabios.bin}
work=$(mktemp -d "${TMPDIR:-/tmp}/xsc-bochs.XXXXXX")
log=${3:-$work/serial.log}
bochs=
trap '[[ -z $bochs ]] || kill "$bochs" 2>/dev/null || true; rm -rf "$work"' EXIT

command -v bochs >/dev/null || { echo "bochs is not installed" >&2; exit 4; }
[[ -e $vga ]] || vga=$share/VGABIOS-lgpl-latest
sed -e "s|@ISO@|$iso|" -e "s|@LOG@|$log|" -e "s|@SHARE@|$share|" -e "s|@VGA@|$vga|" \
    -e "s|@WORK@|$work|" "$here/bochsrc" >"$work/bochsrc"
: >"$log"
# It stops in its debugger when it was built with one: "continue" is the only command it may need.
(cd "$work" && exec bochs -q -f "$work/bochsrc" <<<c >"$work/out" 2>&1) &
bochs=$!

verdict= shown=0 end=$((SECONDS + limit))
while ((SECONDS < end)); do
    tail -c +$((shown + 1)) "$log" | tr -d '\r'
    shown=$(stat -c %s "$log")
    verdict=$(tr -d '\r' <"$log" | grep -m1 '^xsc-verdict:' || true)
    [[ -z $verdict ]] || break
    kill -0 "$bochs" 2>/dev/null || { echo "bochs ended: $(tail -3 "$work/out")"; break; }
    sleep 1
done
tail -c +$((shown + 1)) "$log" | tr -d '\r'
[[ -n $verdict ]] || { echo "no verdict after $limit s"; exit 1; }
[[ $verdict == *" fail=0 "* && $verdict == *" ok" ]]
