#source: start.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#source: more.s -mno-syscall
#ld: -z xsc-abi=cfi
#error: .*tmpdir/more\.o: its XSC ABI is base, that of the output cfi: variants can.t be mixed.*
