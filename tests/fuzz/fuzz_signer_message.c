/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says to its signer: the one place where a stolen server meets the
 * online keys. */
#include "../../server/signer/protocol.h"
#include "../../server/signer/signer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf message = BUF_INIT(size + 1);
	struct message_reader r = {0};
	enum signer_message kind = 0;
	struct signer_ask ask = {0};
	AUTO(message_files) struct message_files files = {0};
	const uint8_t *bytes = NULL;
	size_t len = 0;

	if (buf_add(&message, data, size, NULL) != 0 ||
	    message_open(&message, &kind, &r, NULL) != 0)
		return 0;
	if (message_get_ask(&r, &ask, &bytes, &len, NULL) != 0)
		return 0;
	/* What was given out lies within. */
	if (len > 0 &&
	    (bytes < message.data || bytes + len > message.data + message.len))
		abort();
	if (message_get_files(&r, kind == SIGNER_SIGN, &files, NULL) != 0)
		return 0;
	/* Whole and nothing behind it: then it is exactly this long. */
	for (size_t i = 0; i < files.n_items; i++)
		len += 4 + strlen(files.items[i].name) + 8 + 4 + 32 +
		       (kind == SIGNER_SIGN ? 8u : 0u);
	if (size != 4 + 1 + 4 * 8 + 4 + len + 8)
		abort();
	return 0;
}
