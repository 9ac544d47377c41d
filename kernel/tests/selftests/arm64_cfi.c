// SPDX-License-Identifier: GPL-2.0
/*
 * arm64.c as a program that demands control-flow integrity: it has to run as before, and its
 * keys cannot be switched off. Needs a processor with BTI and PAC.
 */
#ifdef __aarch64__
#define XSC_NOTE_FEATURES 1	/* XSC_NOTE_CFI */
#endif
#include "xsc_test.h"
#include "arm64.c"
