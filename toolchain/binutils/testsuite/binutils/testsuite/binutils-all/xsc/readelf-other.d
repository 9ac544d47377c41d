#source: other.s
#readelf: -n

#failif
#...
.*XSC ABI:.*
#...
