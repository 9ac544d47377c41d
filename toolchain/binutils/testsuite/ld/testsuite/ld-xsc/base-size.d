#source: start.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#source: more.s -mno-syscall
#ld: -z xsc-abi=base
#readelf: -SW

#...
  \[ *[0-9]+\] \.note\.XSC-ABI +NOTE +[0-9a-f]+ [0-9a-f]+ 000014 00 +A +0 +0 +4
#pass
