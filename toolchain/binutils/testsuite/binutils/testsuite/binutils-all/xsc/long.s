	.section .note.XSC-ABI, "a", %note
	.balign 4
	.4byte 4, 12, 1
	.asciz "XSC"
	.4byte 1, 1, 7
