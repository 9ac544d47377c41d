#as: -mno-syscall
#source: code.s
#readelf: -SW

#...
  \[ *[0-9]+\] \.note\.XSC-ABI +NOTE +0+ [0-9a-f]+ 000014 00 +A +0 +0 +4
#pass
