	.text
	svc #0
	svc 0xffff
	SVC #1
	.inst 0xd4000001
	.inst 0xd503201f, 0xd4001fe1
	.macro gate
	svc #0
	.endm
	gate
