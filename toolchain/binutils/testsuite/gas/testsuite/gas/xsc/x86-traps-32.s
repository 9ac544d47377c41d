	.text
	int $0x80
	sysenter
	syscall
