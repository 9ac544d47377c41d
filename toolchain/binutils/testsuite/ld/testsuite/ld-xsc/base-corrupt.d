#source: start.s -mno-syscall
#source: corrupt.s -mno-syscall
#ld: -z xsc-abi=base
#error: .*tmpdir/corrupt\.o: the XSC ABI note is corrupt.*
