#source: start.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#ld: -r -z xsc-abi=none
#readelf: -n

#failif
#...
.*XSC.*
#...
