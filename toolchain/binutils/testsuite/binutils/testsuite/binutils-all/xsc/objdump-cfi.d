#source: cfi.s
#objdump: -p

#...
XSC ABI: version 1, features: cfi
#pass
