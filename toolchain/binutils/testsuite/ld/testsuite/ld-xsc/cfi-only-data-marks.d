#source: data.s -msyscall
#ld: -z xsc-abi=cfi -shared
#readelf: -n

#...
 +Properties: (x86 feature: IBT, SHSTK|AArch64 feature: BTI, PAC)
#pass
