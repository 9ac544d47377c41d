#source: start.s -mno-syscall -mxsc-abi=cfi --defsym MARKS=3
#ld: -z xsc-abi=cfi --build-id=sha1
#readelf: -lW

#...
 +NOTE +0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x0+20 0x0+20 R +0x8
 +NOTE +0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x0+3c 0x0+3c R +0x4
#...
 +[0-9]+ +\.note\.gnu\.property *
 +[0-9]+ +\.note\.gnu\.build-id \.note\.XSC-ABI *
#pass
