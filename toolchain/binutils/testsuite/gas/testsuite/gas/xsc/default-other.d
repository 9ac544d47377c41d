#as: 
#source: code.s
#readelf: -n
#notarget: *-xsc-linux*

#failif
#...
.*XSC.*
#...
