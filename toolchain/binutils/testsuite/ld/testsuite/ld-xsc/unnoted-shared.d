#source: caller-strong.s -mno-syscall
#ld: -z xsc-abi=base -z xsc-unnoted
#ld_after_inputfiles: tmpdir/libxsc-unnoted.so
#readelf: -n

#failif
#...
.*XSC.*
#...
