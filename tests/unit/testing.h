/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka, and OK/FAILS for functions that take a struct
 * err. */
#ifndef OTA_TESTS_TESTING_H
#define OTA_TESTS_TESTING_H

/* clang-format off: cmocka wants these before itself */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

/* The call returns 0; else the test fails with the error's text. */
#define OK(call)                                                                       \
	do {                                                                           \
		if ((call) != 0)                                                       \
			fail_msg("%s: %s", #call, e.text);                             \
	} while (0)

/* The call returns -1 with this code. */
#define FAILS(call, expected)                                                          \
	do {                                                                           \
		e = ERR_INIT;                                                          \
		if ((call) != -1)                                                      \
			fail_msg("%s: did not fail", #call);                           \
		if (e.code != (expected))                                              \
			fail_msg("%s: %s, not %s: %s", #call, err_slug(e.code),        \
				 err_slug(expected), e.text);                          \
	} while (0)

#endif
