	.text
	nop
	.section .note.XSC-ABI, "a", %note
	.balign 4
	.4byte 4, 8, 1
	.asciz "XSC"
	.4byte 1, 1
	.4byte 4, 4, 1
	.asciz "XSC"
	.4byte 1
