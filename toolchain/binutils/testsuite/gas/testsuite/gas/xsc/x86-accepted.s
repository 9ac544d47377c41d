	.text
	int3
	int $3
	int $0x81
	.set known, 4
	int $known
	.byte 0x0f, 0x05
	ud2
