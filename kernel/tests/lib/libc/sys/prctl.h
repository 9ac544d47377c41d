/* SPDX-License-Identifier: GPL-2.0 */
/* In the place of a libc's <sys/prctl.h> for the tests of the ring device: all of it is posix.h. */
#include "posix.h"
