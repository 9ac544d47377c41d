#source: start.s -mno-syscall
#source: version.s -mno-syscall
#ld: -z xsc-abi=base
#error: .*tmpdir/version\.o: the XSC ABI note is of another version than 1.*
