	.text
	syscall
	sysenter
	int $0x80
	{disp32} syscall
	int $late		# Not known yet.
	.set late, 3
	int $elsewhere
	.intel_syntax noprefix
	int 0x80
	.att_syntax
	.macro gate
	syscall
	.endm
	gate
