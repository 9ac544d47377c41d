#source: overrun.s
#objdump: -p

#...
XSC ABI: <corrupt>
#pass
