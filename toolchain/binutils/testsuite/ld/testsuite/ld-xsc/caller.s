	.text
	.globl _start
_start:
	nop
	.data
	.weak callee
	.dc.a callee
	/* What -fcf-protection and -mbranch-protection have the compiler write:
	   the bits in MARKS, which as defines or not.  */
	.ifdef MARKS
	.section .note.gnu.property, "a"
	.balign 8
	.4byte 4, 16, 5
	.asciz "GNU"
	.ifdef X86
	.4byte 0xc0000002
	.endif
	.ifdef AARCH64
	.4byte 0xc0000000
	.endif
	.4byte 4, MARKS, 0
	.endif
