#!/bin/bash
# Boots an ISO image in Bochs, whose tigerlake processor has shadow stacks, and judges what its serial port
# says: run.sh ISO [SECONDS [LOG]]. Bochs 2.8 or later (2.7 does not keep a task's shadow stack over a context
# switch); BOCHS, BOCHS_SHARE and BOCHS_VGA name another one than the installed. The image's command line has
# console=ttyS0 loglevel=1. No display, no network.
# Invariant: exit status 0 only if the guest's verdict counts tests and no failure.
set -euo pipefail

iso=$(realpath "$1") limit=${2:-900} here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bochs=${BOCHS:-bochs} share=${BOCHS_SHARE:-/usr/share/bochs} vga=${BOCHS_VGA:-/usr/share/vgabios/vgabios.bin}
work=$(mktemp -d "${TMPDIR:-/tmp}/xsc-bochs.XXXXXX")
log=$(realpath -m "${3:-$work/serial.log}")
pid=
trap '[[ -z $pid ]] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

command -v "$bochs" >/dev/null || { echo "skipped: bochs is not installed" >&2; exit 4; }
version=$("$bochs" --help 2>&1 | sed -nE 's/.*Bochs x86 Emulator ([0-9.]+).*/\1/p')
[[ $version != 2.[0-7]* || $version == 2.[0-9][0-9]* ]] ||
    { echo "skipped: bochs $version loses shadow stacks at context switches, 2.8 does not" >&2; exit 4; }
[[ -e $vga ]] || vga=$share/VGABIOS-lgpl-latest
sed -e "s|@ISO@|$iso|" -e "s|@LOG@|$log|" -e "s|@SHARE@|$share|" -e "s|@VGA@|$vga|" \
    -e "s|@WORK@|$work|" "$here/bochsrc" >"$work/bochsrc"
: >"$log"
# A Bochs with a debugger begins in it, and is told to continue.
(cd "$work" && exec "$bochs" -q -f "$work/bochsrc" <<<c >"$work/out" 2>&1) &
pid=$!

# Shows what the serial port said since the last time.
shown=0
show() {
    local size
    size=$(stat -c %s "$log")
    if ((size > shown)); then tail -c +$((shown + 1)) "$log" | head -c $((size - shown)) | tr -d '\r'; fi
    shown=$size
}

# The verdict, complete; lines of the kernel that came in the middle of it are taken out.
verdict() {
    tr -d '\r' <"$log" | sed -zE 's/\[ *[0-9]+\.[0-9]{6}\] [^\n]*\n//g' |
        grep -am1 -E '^xsc-verdict: .* (ok|bad)$'
}

end=$((SECONDS + limit)) why="no verdict after $limit s"
while ((SECONDS < end)); do
    show
    if verdict >/dev/null; then why=; break; fi
    if grep -q 'Kernel panic' "$log"; then why="the kernel panicked"; break; fi
    kill -0 "$pid" 2>/dev/null || { why="bochs ended: $(tail -3 "$work/out")"; break; }
    sleep 1
done
show
[[ -z $why ]] || { echo "bochs $version: $why"; exit 1; }
said=$(verdict)
echo "bochs $version: $said"
[[ $said =~ pass=[1-9].*\ ok$ ]]
