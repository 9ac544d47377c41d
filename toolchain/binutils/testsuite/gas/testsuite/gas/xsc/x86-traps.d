#as: -mno-syscall
#error_output: x86-traps.l
