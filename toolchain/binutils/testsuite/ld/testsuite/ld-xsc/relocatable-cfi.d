#source: start.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#source: more.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#source: data.s -msyscall
#ld: -r -z xsc-abi=base
#readelf: -n

#...
Displaying notes found in: \.note\.XSC-ABI
[ 	]+Owner[ 	]+Data size[ 	]+Description
  XSC                  0x00000008	NT_XSC_ABI \(ABI without trap instructions\)
    XSC ABI: version 1, features: cfi
#pass
