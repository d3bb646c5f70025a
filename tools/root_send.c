/* SPDX-License-Identifier: Apache-2.0 */
#include "root_send.h"

#include "upload.h"

int root_known(const struct api *a, uint64_t *ret, struct err *e)
{
	AUTO(buf) struct buf path = BUF_INIT(256);
	AUTO_PTR(json) struct json *info = NULL;
	const struct json *tuf;

	*ret = 0;
	if (buf_add_str(&path, "/api/v1/info?tenant=", e) < 0 ||
	    api_escape(&path, a->tenant, e) < 0 ||
	    api_call(a, "GET", buf_str(&path), NULL, &info, e) < 0)
		return -1;
	tuf = json_get(info, "tuf");
	if (!json_is_object(tuf) || !json_is_int(json_get(tuf, "root_version")))
		return 0;
	return json_get_u64(tuf, "root_version", ret, e);
}

int root_send(const struct api *a, const struct buf *root, struct err *e)
{
	struct upload_source source = {.data = root->data, .len = root->len};
	AUTO_PTR(json) struct json *body = json_new_object();
	AUTO(progress) struct progress bar;
	char sha256_text[2 * SHA256_LEN + 1];

	progress_begin(&bar, "root");
	if (upload_send(a, &source, &bar, sha256_text, e) < 0 ||
	    json_set(body, "root", json_new_text(sha256_text), e) < 0)
		return -1;
	return api_call(a, "POST", "/api/v1/repository/root", body, NULL, e);
}
