#source: caller-strong.s -mno-syscall
#ld: -z xsc-abi=base
#ld_after_inputfiles: tmpdir/libcallee.a
#error: .*tmpdir/libcallee\.a\(callee\.o\): no XSC ABI note, so it may hold trap instructions: rebuild it without -msyscall, or link with -z xsc-unnoted.*
