#source: start.s -EB -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#ld: -EB -z xsc-abi=cfi
#readelf: -n

#...
Displaying notes found in: \.note\.XSC-ABI
[ 	]+Owner[ 	]+Data size[ 	]+Description
  XSC                  0x00000008	NT_XSC_ABI \(ABI without trap instructions\)
    XSC ABI: version 1, features: cfi
#pass
