#as: -mxsc-abi=strict
#source: code.s
#error: .*invalid -mxsc-abi= option: `strict'.*
