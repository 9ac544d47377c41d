#!/bin/sh
# SPDX-License-Identifier: MIT
# Given to glibc's makefiles as test wrapper: writes down how upstream would run a test (folder,
# environment, command; a line of $XSC_TEST_LIST, fields parted by tabs) and runs nothing.
line=$(pwd)
for word in "$@"; do line="$line	$word"; done
printf '%s\n' "$line" >>"$XSC_TEST_LIST"
