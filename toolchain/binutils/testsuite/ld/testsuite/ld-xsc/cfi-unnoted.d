#source: start.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#source: more.s -msyscall
#ld: -z xsc-abi=cfi
#error: \A[^\n]*tmpdir/more\.o: no XSC ABI note, so [^\n]*\n?\Z
