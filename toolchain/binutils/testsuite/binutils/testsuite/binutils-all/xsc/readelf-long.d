#source: long.s
#readelf: -n

#...
Displaying notes found in: \.note\.XSC-ABI
[ 	]+Owner[ 	]+Data size[ 	]+Description
  XSC                  0x0000000c	NT_XSC_ABI \(ABI without trap instructions\)
    XSC ABI: version 1, features: cfi
#pass
