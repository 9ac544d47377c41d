#source: base.s
#objdump: -p

#...
XSC ABI: version 1, features: none
#pass
