#source: other.s
#objdump: -p

#...
XSC ABI: <corrupt>
#pass
