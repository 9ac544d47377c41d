/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Formatted text for the test programs: nolibc's printf has no widths and writes piecewise, so
 * lines of two processes mix. Here a line is formatted in memory and written by one call.
 * Invariant: a result never exceeds the buffer and ends with a zero.
 */
#ifndef XSC_TEST_PRINT_H
#define XSC_TEST_PRINT_H

struct text {
	char *at, *end;
};

static inline void text_char(struct text *t, char c)
{
	if (t->at < t->end)
		*t->at++ = c;
}

static void text_field(struct text *t, const char *s, int len, int width, bool left, char pad)
{
	int fill = width - len;

	for (; !left && fill > 0; fill--)
		text_char(t, pad);
	while (len-- > 0)
		text_char(t, *s++);
	for (; left && fill > 0; fill--)
		text_char(t, ' ');
}

static void text_number(struct text *t, unsigned long v, bool negative, unsigned int base,
			int width, bool left, char pad)
{
	char digits[24], *p = digits + sizeof(digits);

	do {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	if (negative)
		*--p = '-';
	text_field(t, p, digits + sizeof(digits) - p, width, left, pad);
}

/* %d %i %u %x %c %s %p %%, with l, ll, z, '-', '0', width and .precision (of %s). */
__attribute__((unused, format(printf, 3, 0)))
static int format_args(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct text t = { buf, buf + size - 1 };

	for (; *fmt; fmt++) {
		int width = 0, precision = -1, longs = 0;
		bool left = false, alternate = false;
		char pad = ' ';
		long v;

		if (*fmt != '%') {
			text_char(&t, *fmt);
			continue;
		}
		for (fmt++; *fmt == '-' || *fmt == '0' || *fmt == '#'; fmt++) {
			left |= *fmt == '-';
			alternate |= *fmt == '#';
			if (*fmt == '0')
				pad = '0';
		}
		if (*fmt == '*') {
			width = va_arg(ap, int);
			fmt++;
		}
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + *fmt - '0';
		if (*fmt == '.') {
			precision = 0;
			if (*++fmt == '*') {
				precision = va_arg(ap, int);
				fmt++;
			}
			for (; *fmt >= '0' && *fmt <= '9'; fmt++)
				precision = precision * 10 + *fmt - '0';
		}
		for (; *fmt == 'l' || *fmt == 'z'; fmt++)
			longs++;
		switch (*fmt) {
		case 'd':
		case 'i':
			v = longs ? va_arg(ap, long) : va_arg(ap, int);
			text_number(&t, v < 0 ? -(unsigned long)v : (unsigned long)v, v < 0, 10,
				    width, left, pad);
			break;
		case 'u':
		case 'x':
			v = longs ? va_arg(ap, long) : (long)va_arg(ap, unsigned int);
			if (alternate)
				text_field(&t, "0x", 2, 0, false, ' ');
			text_number(&t, v, false, *fmt == 'u' ? 10 : 16, width, left, pad);
			break;
		case 'p':
			text_field(&t, "0x", 2, 0, false, ' ');
			text_number(&t, (unsigned long)va_arg(ap, void *), false, 16, width, left,
				    pad);
			break;
		case 'c':
			text_char(&t, va_arg(ap, int));
			break;
		case 's': {
			const char *s = va_arg(ap, const char *);
			int len = 0;

			if (!s)
				s = "(null)";
			while (s[len] && len != precision)
				len++;
			text_field(&t, s, len, width, left, ' ');
			break;
		}
		case 0:
			fmt--;
			break;
		default:
			text_char(&t, *fmt);
		}
	}
	*t.at = 0;
	return t.at - buf;
}

__attribute__((unused, format(printf, 3, 4)))
static int format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = format_args(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

static void write_all(int fd, const char *s, size_t len)
{
	while (len) {
		long n = sys(__NR_write, fd, s, len);

		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n <= 0)
			return;
		s += n;
		len -= n;
	}
}

__attribute__((unused, format(printf, 1, 2)))
static void say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = format_args(line, sizeof(line), fmt, ap);
	va_end(ap);
	write_all(1, line, len);
}

#endif /* XSC_TEST_PRINT_H */
