#source: version.s
#objdump: -p

#...
XSC ABI: unknown version
#pass
