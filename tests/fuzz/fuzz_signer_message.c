/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says to its signer: the one place where a stolen server meets the
 * online keys. */
#include "../../server/signer/protocol.h"
#include "../../server/signer/signer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf message = BUF_INIT(size + 1);
	struct message_reader r = {0};
	enum signer_message kind = 0;
	struct signer_ask ask = {0};
	const uint8_t *bytes = NULL;
	size_t len = 0;

	if (buf_add(&message, data, size, NULL) != 0 ||
	    message_open(&message, &kind, &r, NULL) != 0)
		return 0;
	if (message_get_ask(&r, &ask, &bytes, &len, NULL) != 0)
		return 0;
	/* Whole and nothing behind it: then it is exactly this long and lies within. */
	if (size != 4 + 1 + 4 * 8 + 4 + len ||
	    (len > 0 &&
	     (bytes < message.data || bytes + len != message.data + message.len)))
		abort();
	return 0;
}
