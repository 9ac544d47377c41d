#source: start.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#source: more.s -msyscall
#ld: -r -z xsc-abi=base
#readelf: -n

#failif
#...
.*XSC.*
#...
