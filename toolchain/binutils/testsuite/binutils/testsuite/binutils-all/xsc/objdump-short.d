#source: short.s
#objdump: -p

#...
XSC ABI: <corrupt>
#pass
