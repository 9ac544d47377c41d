#source: start.s -mno-syscall
#ld: -z xsc-abi=base -T $srcdir/$subdir/discard.ld
#readelf: -n

#failif
#...
.*XSC.*
#...
