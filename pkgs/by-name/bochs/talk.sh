#!/bin/bash
# Tests a system in Bochs as a person at its console would: talk.sh SCRIPT BOCHSRC ISO [LOG]. The
# script is what profiles/README.md describes ("What a test types"), and composer/vm follows in QEMU; limits count ten times, because
# this emulator is slow. Prints TAP. Invariant: exit status 0 only if every step worked and the machine switched itself
# off.
set -uo pipefail

script=$1 bochsrc=$2 iso=$(realpath "$3")
bochs=${BOCHS:-bochs} share=${BOCHS_SHARE:-/usr/share/bochs} vga=${BOCHS_VGA:-/usr/share/vgabios/vgabios.bin}
slow=${XSC_SLOW:-10} port=${XSC_PORT:-2300}
work=$(mktemp -d "${TMPDIR:-/tmp}/xsc-bochs.XXXXXX")
log=$(realpath -m "${4:-$work/serial.log}")
pid='' reader=''
end() {
	[[ -z $pid ]] || kill "$pid" 2>/dev/null
	[[ -z $reader ]] || kill "$reader" 2>/dev/null
	rm -rf "$work"
}
trap end EXIT

[[ -e $vga ]] || vga=$share/VGABIOS-lgpl-latest
# The serial port is a socket that we connect to.
sed -e "s|@ISO@|$iso|" -e "s|@LOG@|$log|" -e "s|@SHARE@|$share|" -e "s|@VGA@|$vga|" -e "s|@WORK@|$work|" \
	-e "s|^com1:.*|com1: enabled=1, mode=socket-server, dev=127.0.0.1:$port|" "$bochsrc" >"$work/bochsrc"
: >"$log"
(cd "$work" && exec "$bochs" -q -f "$work/bochsrc" <<<c >"$work/out" 2>&1) &
pid=$!
for ((i = 0; i < 100; i++)); do
	{ exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null && break
	kill -0 "$pid" 2>/dev/null || { echo "bochs ended: $(tail -n 3 "$work/out")"; exit 1; }
	sleep 0.2
done
cat <&3 >>"$log" &
reader=$!

# What the console said since `mark`, as lines of text.
mark=0
heard() { tail -c +$((mark + 1)) "$log" | head -c 262144 | tr -d '\r\0' | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g'; }
done_with() { mark=$(stat -c %s "$log"); }
enter() { printf '%s\n' "$1" >&3; }
running() { kill -0 "$pid" 2>/dev/null; }

# Waits for a line or text that a pattern of grep finds; status 1 after `limit`.
limit=120
wait_for() {
	local until=$((SECONDS + limit * slow))
	until heard | grep -qE -- "$1"; do
		((SECONDS < until)) && running || return 1
		sleep 0.3
	done
}
quoted() { sed 's/[][\.*^$+?(){}|/]/\\&/g' <<<"$1"; }

# Asks the shell to answer until it does.
ready() {
	local until=$((SECONDS + limit * slow)) i
	while ((SECONDS < until)) && running; do
		enter "echo xsc-$number-''ready"
		for ((i = 0; i < 60; i++)); do
			! heard | grep -qE 'Login incorrect' || return 1
			! heard | grep -qxE "xsc-$number-ready *" || return 0
			sleep 0.5
		done
	done
	return 1
}

number=0 passed=0 failed=0 last='' why=''
# Says how the last step went; `says` and `lacks` behind it may have changed that.
told() {
	[[ -n $last ]] || return 0
	if [[ -z $why ]]; then
		passed=$((passed + 1))
		echo "ok $number - $last"
	else
		failed=$((failed + 1))
		echo "not ok $number - $last ($why)"
		tail -n 30 <<<"$said" | sed 's/^/# /'
	fi
	last=''
}
give_up() {
	why=$1 said=$(heard)
	told
	echo "xsc-verdict: pass=$passed fail=$((failed + 1)) skip=0 taint=0 warn=0 bad"
	exit 1
}

said=''
while read -r word rest; do
	case $word in
	'' | '#'*) continue ;;
	limit)
		limit=$rest
		continue
		;;
	says)
		[[ -n $why || $said == *"$rest"* ]] || why="it does not say \`$rest\`"
		continue
		;;
	lacks)
		[[ -n $why || $said != *"$rest"* ]] || why="it says \`$rest\`"
		continue
		;;
	esac
	told
	number=$((number + 1)) last="$word $rest" why='' said=''
	case $word in
	expect)
		wait_for "$(quoted "$rest")" || give_up 'waited in vain'
		done_with
		;;
	send)
		done_with
		enter "$rest"
		;;
	login)
		read -r user password <<<"$rest"
		wait_for 'login:' || give_up 'no login prompt'
		done_with
		enter "$user"
		if [[ -n $password ]]; then
			wait_for 'assword:' || give_up 'no prompt for the password'
			done_with
			enter "$password"
		fi
		ready || give_up 'no shell'
		done_with
		;;
	shell)
		ready || give_up 'no shell'
		done_with
		;;
	run | fails)
		done_with
		enter "echo xsc-$number-''begin; eval '${rest//\'/\'\\\'\'}'; echo xsc-$number-''end-\$?"
		wait_for "xsc-$number-end-[0-9]+ *\$" || give_up 'it came to no end'
		said=$(heard | sed -n "/^xsc-$number-begin *\$/,/xsc-$number-end-[0-9]/p" | sed '1d')
		status=$(heard | sed -nE "s/.*xsc-$number-end-([0-9]+) *\$/\1/p" | tail -n 1)
		said=${said%xsc-"$number"-end-*}
		done_with
		if [[ $word == run && $status != 0 ]]; then why="it ended with $status"; fi
		if [[ $word == fails && $status == 0 ]]; then why='it ended with 0'; fi
		;;
	*) give_up 'no word of a script' ;;
	esac
done <"$script"
told
end_by=$((SECONDS + limit * slow))
# An emulator without ACPI goes on idly behind the kernel's last word.
until ! running || grep -qa 'reboot: Power down' "$log" || ((SECONDS >= end_by)); do sleep 0.5; done
off=ok
if running && ! grep -qa 'reboot: Power down' "$log"; then
	off=bad
	echo '# the machine did not switch itself off'
fi
grep -aE 'Kernel panic|BUG:|Oops' "$log" && off=bad
((failed == 0 && passed > 0)) || off=bad
echo "xsc-verdict: pass=$passed fail=$failed skip=0 taint=0 warn=0 $off"
[[ $off == ok ]]
