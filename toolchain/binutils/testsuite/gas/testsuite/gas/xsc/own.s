	.text
	nop
	.section .note.XSC-ABI, "a"
	.balign 4
	.4byte 4, 8, 1
	.asciz "XSC"
	.4byte 1, 1
