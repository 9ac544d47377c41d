#source: start.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#source: abitag.s -msyscall
#ld: -z xsc-abi=cfi --build-id=sha1
#readelf: -n

#...
Displaying notes found in: \.note\.XSC-ABI
[ 	]+Owner[ 	]+Data size[ 	]+Description
  XSC                  0x00000008	NT_XSC_ABI \(ABI without trap instructions\)
    XSC ABI: version 1, features: cfi
#...
Displaying notes found in: \.note\.ABI-tag
[ 	]+Owner[ 	]+Data size[ 	]+Description
  GNU                  0x00000010	NT_GNU_ABI_TAG \(ABI version tag\)
#pass
