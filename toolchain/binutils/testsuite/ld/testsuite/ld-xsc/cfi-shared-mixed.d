#source: caller-strong.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#ld: -z xsc-abi=cfi
#ld_after_inputfiles: tmpdir/libxsc-base.so
#error: .*tmpdir/libxsc-base\.so: its XSC ABI is base, that of the output cfi: variants can.t be mixed.*
