/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KTAP lines of the test programs: check, check_res, skip between tap_begin and tap_end.
 * Invariant: each case is one line beginning with "ok" or "not ok"; init counts these.
 */
#ifndef XSC_TEST_TAP_H
#define XSC_TEST_TAP_H

#define XSC_TEST_SECONDS	20
#define KSFT_FAIL		1
#define KSFT_SKIP		4

static unsigned int tap_count, tap_failed, tap_skipped;

static void tap_line(bool ok, const char *why, const char *fmt, va_list ap)
{
	char name[512];

	format_args(name, sizeof(name), fmt, ap);
	say("%s %u %s%s%s\n", ok ? "ok" : "not ok", ++tap_count, name, why ? " # SKIP " : "",
	    why ? why : "");
}

/* One test case: its outcome and its name. */
__attribute__((unused, format(printf, 2, 3)))
static bool check(bool ok, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line(ok, NULL, fmt, ap);
	va_end(ap);
	tap_failed += !ok;
	return ok;
}

__attribute__((unused, format(printf, 2, 3)))
static void skip(const char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line(true, why, fmt, ap);
	va_end(ap);
	tap_skipped++;
}

/* A result compared, with both values in the line. */
__attribute__((unused))
static bool check_res(long got, long want, const char *name)
{
	return check(got == want, "%s: %ld (want %ld)", name, got, want);
}

__attribute__((unused))
static void tap_begin(void)
{
	say("TAP version 13\n");
}

__attribute__((unused))
static int tap_end(void)
{
	say("1..%u\n# pass=%u fail=%u skip=%u\n", tap_count,
	    tap_count - tap_failed - tap_skipped, tap_failed, tap_skipped);
	return tap_failed ? KSFT_FAIL : 0;
}

#endif /* XSC_TEST_TAP_H */
