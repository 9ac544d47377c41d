	.section .note.XSC-ABI, "a", %note
	.balign 4
	.4byte 4, 4, 2
	.asciz "XSC"
	.4byte 1
