#as: --32 -mno-syscall
#error_output: x86-traps-32.l
