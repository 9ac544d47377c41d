#source: feature.s
#objdump: -p

#...
XSC ABI: unknown features: 0x82
#pass
