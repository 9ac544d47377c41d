#as: -msyscall -mxsc-abi=cfi
#source: code.s
#readelf: -n

#failif
#...
.*XSC.*
#...
