/* SPDX-License-Identifier: Apache-2.0 */
#include "openssl_err.h"

#include <openssl/err.h>

int openssl_failed(struct err *e, enum err_code code, const char *what)
{
	unsigned long fault = ERR_peek_last_error();
	const char *reason = fault != 0 ? ERR_reason_error_string(fault) : NULL;

	ERR_clear_error();
	if (reason == NULL)
		return err_set(e, code, "%s", what);
	return err_set(e, code, "%s: %s", what, reason);
}
