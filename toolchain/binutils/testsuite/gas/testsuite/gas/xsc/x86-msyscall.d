#as: -msyscall
#source: x86-traps.s
#objdump: -d --no-show-raw-insn

#...
[ 	]*0:[ 	]+syscall *
[ 	]*2:[ 	]+sysenter *
[ 	]*4:[ 	]+int +\$0x80
[ 	]*6:[ 	]+syscall *
#pass
