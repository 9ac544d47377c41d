#source: start.s -mno-syscall
#source: more.s -msyscall
#ld: -z xsc-abi=base -z xsc-unnoted
#readelf: -n

#failif
#...
.*XSC.*
#...
