/* SPDX-License-Identifier: Apache-2.0 */
/* Inside common/crypto only: what OpenSSL says went wrong, as our error. */
#ifndef OTA_CRYPTO_OPENSSL_ERR_H
#define OTA_CRYPTO_OPENSSL_ERR_H

#include "../base/err.h"

/* "what: OpenSSL's reason"; empties OpenSSL's error queue of this thread. Returns -1.
 */
int openssl_failed(struct err *e, enum err_code code, const char *what);

#endif
