#source: start.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#source: more.s -mno-syscall -mxsc-abi=cfi
#ld: -z xsc-abi=cfi
#error: .*tmpdir/more\.o: not marked for (IBT and SHSTK|BTI and PAC), which -z xsc-abi=cfi demands: compile it with -(fcf-protection=full|mbranch-protection=standard).*
