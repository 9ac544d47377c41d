#source: start.s -msyscall
#source: more.s -mno-syscall
#ld: -z xsc-abi=base
#error: .*tmpdir/start\.o: no XSC ABI note, so it may hold trap instructions: rebuild it without -msyscall, or link with -z xsc-unnoted.*
