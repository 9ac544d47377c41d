#source: start.s -mno-syscall
#source: more.s -msyscall
#ld:
#target: *-xsc-linux*
#error: .*tmpdir/more\.o: no XSC ABI note, so it may hold trap instructions: rebuild it without -msyscall, or link with -z xsc-unnoted.*
