#source: start.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#source: more.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#source: data.s -msyscall
#ld: -z xsc-abi=cfi
#readelf: -n

#...
 +Properties: (x86 feature: IBT, SHSTK|AArch64 feature: BTI, PAC)
#pass
