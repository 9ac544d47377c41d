#source: start.s -mno-syscall
#source: feature.s -mno-syscall
#ld: -z xsc-abi=base
#error: .*tmpdir/feature\.o: the XSC ABI note has an unknown feature \(0x82\).*
