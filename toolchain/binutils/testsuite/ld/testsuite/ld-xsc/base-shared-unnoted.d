#source: caller-strong.s -mno-syscall
#ld: -z xsc-abi=base
#ld_after_inputfiles: tmpdir/libxsc-unnoted.so
#error: .*tmpdir/libxsc-unnoted\.so: no XSC ABI note, so it may hold trap instructions: rebuild it without -msyscall, or link with -z xsc-unnoted.*
