#source: data.s -msyscall
#ld: -z xsc-abi=base -e 0
#readelf: -n

#...
Displaying notes found in: \.note\.XSC-ABI
[ 	]+Owner[ 	]+Data size[ 	]+Description
  XSC                  0x00000004	NT_XSC_ABI \(ABI without trap instructions\)
    XSC ABI: version 1, features: none
#pass
