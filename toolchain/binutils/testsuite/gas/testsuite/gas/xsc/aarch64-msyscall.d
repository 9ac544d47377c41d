#as: -msyscall
#source: aarch64-traps.s
#objdump: -d --no-show-raw-insn

#...
[ 	]*0:[ 	]+svc[ 	]+#0x0
[ 	]*4:[ 	]+svc[ 	]+#0xffff
#pass
