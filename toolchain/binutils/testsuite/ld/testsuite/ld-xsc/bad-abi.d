#source: start.s -mno-syscall
#ld: -z xsc-abi=strict
#error: .*invalid XSC ABI .strict.: base, cfi or none.*
