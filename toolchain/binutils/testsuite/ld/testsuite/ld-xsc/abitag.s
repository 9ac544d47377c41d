	.section .note.ABI-tag, "a", %note
	.balign 4
	.4byte 4, 16, 1
	.asciz "GNU"
	.4byte 0, 3, 2, 0
