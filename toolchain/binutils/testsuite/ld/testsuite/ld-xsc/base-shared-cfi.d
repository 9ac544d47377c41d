#source: caller-strong.s -mno-syscall
#ld: -z xsc-abi=base
#ld_after_inputfiles: tmpdir/libxsc-cfi.so
#readelf: -n

#...
Displaying notes found in: \.note\.XSC-ABI
[ 	]+Owner[ 	]+Data size[ 	]+Description
  XSC                  0x00000004	NT_XSC_ABI \(ABI without trap instructions\)
    XSC ABI: version 1, features: none
#pass
