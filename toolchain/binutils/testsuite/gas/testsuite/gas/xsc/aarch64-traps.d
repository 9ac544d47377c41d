#as: -mno-syscall
#error_output: aarch64-traps.l
