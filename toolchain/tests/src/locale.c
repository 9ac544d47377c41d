/* SPDX-License-Identifier: MIT */
/*
 * Locales and character sets: what is built into the C library (C, C.UTF-8) and what is loaded from
 * files if the system has them. Invariant: no case depends on a locale archive.
 */
#include "tap.h"

#include <iconv.h>
#include <langinfo.h>
#include <locale.h>
#include <regex.h>
#include <wchar.h>
#include <wctype.h>

static bool convert(const char *to, const char *from, const char *in, const char *wanted, size_t n)
{
	char text[64], *src = text, out[64], *dst = out;
	size_t left = strlen(in), room = sizeof(out);
	iconv_t cd = iconv_open(to, from);
	bool good;

	if (cd == (iconv_t)-1)
		return false;
	strcpy(text, in);
	good = iconv(cd, &src, &left, &dst, &room) != (size_t)-1 && !left &&
	       (size_t)(dst - out) == n && !memcmp(out, wanted, n);
	iconv_close(cd);
	return good;
}

int main(void)
{
	static const char umlauts[] = "gr\xc3\xb6\xc3\x9f" "er \xe2\x82\xac";
	wchar_t wide[32];
	char narrow[64];
	regex_t regex;
	iconv_t cd;
	locale_t l;

	tap_begin();
	check(!strcmp(setlocale(LC_ALL, NULL), "C"), "the locale at start is C");
	check(!strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968"), "its character set");
	check(setlocale(LC_ALL, "C.UTF-8") != NULL, "setlocale C.UTF-8");
	check(!strcmp(nl_langinfo(CODESET), "UTF-8"), "its character set");
	check_eq(mbstowcs(wide, umlauts, 32), 8, "mbstowcs");
	check(wide[2] == 0xf6 && wide[7] == 0x20ac, "its characters");
	check(towupper(0xf6) == 0xd6 && iswalpha(0xdf) && !iswalpha(0x20ac), "classes and cases");
	check(wcstombs(narrow, wide, sizeof(narrow)) == 12 && !strcmp(narrow, umlauts), "and back");
	check(wcwidth(0x4e00) == 2 && wcwidth('a') == 1, "wcwidth");
	check(strcoll("a", "b") < 0 && strcoll("b", "a") > 0 && !strcoll("a", "a"), "strcoll");
	check(strcoll("\xc3\xa9", "f") > 0, "C.UTF-8 collates by code point");
	check(strxfrm(narrow, "abc", sizeof(narrow)) > 0, "strxfrm");
	check(!setlocale(LC_ALL, "xx_XX.NOSUCH"), "a locale that is not there");
	must(!regcomp(&regex, "^gr.{2}er [[:punct:]]?.$", REG_EXTENDED));
	check(!regexec(&regex, umlauts, 0, NULL, 0), "regular expressions on UTF-8");
	regfree(&regex);
	l = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	check(l && uselocale(l) && !strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968"), "uselocale");
	uselocale(LC_GLOBAL_LOCALE);
	freelocale(l);
	check(!strcmp(nl_langinfo(CODESET), "UTF-8"), "and back to the global one");
	check(swprintf(wide, 32, L"%ls %d", L"\u20ac", 5) == 3, "swprintf");

	check(convert("UCS-4", "UTF-8", "\xe2\x82\xac", "\0\0\x20\xac", 4), "iconv to UCS-4");
	check(convert("UTF-8", "ASCII", "plain", "plain", 5), "iconv from ASCII");
	cd = iconv_open("ISO-8859-15", "UTF-8");
	if (cd == (iconv_t)-1) {
		skip("no converter modules on this system", "iconv to ISO-8859-15");
	} else {
		iconv_close(cd);
		check(convert("ISO-8859-15", "UTF-8", umlauts, "gr\xf6\xdf" "er \xa4", 8),
		      "iconv to ISO-8859-15");
	}
	check(!convert("UTF-8", "UTF-8", "\xff", "", 0), "iconv refuses what is no UTF-8");
	errno = 0;
	check(iconv_open("NO-SUCH-SET", "UTF-8") == (iconv_t)-1 && errno == EINVAL,
	      "iconv_open of nothing");
	return tap_end();
}
