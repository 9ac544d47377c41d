	.text
	hvc #0
	brk #0x80
	.inst 0xd503201f
	.word 0xd4000001
