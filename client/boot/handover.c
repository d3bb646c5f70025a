/* SPDX-License-Identifier: Apache-2.0 */
#include "handover.h"

#include "../../common/base/bytes.h"
#include "../../common/base/file.h"
#include "../../common/base/text.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MAGIC "OTAHAND1"
#define FORMAT 1
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

enum {
	AT_MAGIC = 0,
	AT_FORMAT = 8,
	AT_SLOT = 10,
	AT_TRIES = 11,
	AT_MUST_UNDERSTAND = 12,
	AT_BOOT_COUNT = 16,
	AT_SECURITY = 20,
	AT_BOOT_ID = 24,
	AT_ROOT = 40,
	AT_VERSION = 72,
	AT_RESERVED = 136,
};

static_assert(AT_BOOT_ID + BOOT_ID_LEN == AT_ROOT, "no gap");
static_assert(AT_ROOT + SHA256_LEN == AT_VERSION, "no gap");
static_assert(AT_VERSION + VERSION_MAX_LEN == AT_RESERVED, "no gap");
static_assert(AT_RESERVED < HANDOVER_LEN, "it fits");

void handover_encode(const struct handover *h, uint8_t ret[HANDOVER_LEN])
{
	memset(ret, 0, HANDOVER_LEN);
	memcpy(ret + AT_MAGIC, MAGIC, sizeof(MAGIC) - 1);
	store_le16(ret + AT_FORMAT, FORMAT);
	ret[AT_SLOT] = (uint8_t)h->slot;
	ret[AT_TRIES] = h->tries;
	store_le32(ret + AT_BOOT_COUNT, h->boot_count);
	store_le32(ret + AT_SECURITY, h->security_version);
	memcpy(ret + AT_BOOT_ID, h->boot_id, BOOT_ID_LEN);
	memcpy(ret + AT_ROOT, h->root_hash, SHA256_LEN);
	memcpy(ret + AT_VERSION, h->version, strnlen(h->version, VERSION_MAX_LEN));
}

static int check_head(const uint8_t data[HANDOVER_LEN], struct err *e)
{
	if (memcmp(data + AT_MAGIC, MAGIC, sizeof(MAGIC) - 1) != 0)
		return err_set(e, ERR_FORMAT, "not a hand-over");
	if (load_le16(data + AT_FORMAT) != FORMAT ||
	    load_le32(data + AT_MUST_UNDERSTAND) != 0)
		return err_set(
		    e, ERR_UNSUPPORTED,
		    "a hand-over of format %u with must-understand bits 0x%x",
		    load_le16(data + AT_FORMAT), load_le32(data + AT_MUST_UNDERSTAND));
	return 0;
}

int handover_decode(const uint8_t data[HANDOVER_LEN], struct handover *ret,
		    struct err *e)
{
	uint8_t again[HANDOVER_LEN];

	if (check_head(data, e) < 0)
		return -1;
	*ret = (struct handover){
	    .slot = data[AT_SLOT],
	    .tries = data[AT_TRIES],
	    .boot_count = load_le32(data + AT_BOOT_COUNT),
	    .security_version = load_le32(data + AT_SECURITY),
	};
	memcpy(ret->boot_id, data + AT_BOOT_ID, BOOT_ID_LEN);
	memcpy(ret->root_hash, data + AT_ROOT, SHA256_LEN);
	memcpy(ret->version, data + AT_VERSION, VERSION_MAX_LEN);
	if (ret->slot >= N_SLOTS)
		return err_set(e, ERR_FORMAT, "there is no slot number %u", ret->slot);
	if (!text_is_name(ret->version, VERSION_MAX_LEN, "._+~-"))
		return err_set(e, ERR_FORMAT, "the hand-over's version is none");
	handover_encode(ret, again);
	if (memcmp(again, data, HANDOVER_LEN) != 0)
		return err_set(e, ERR_FORMAT,
			       "the hand-over has bytes where none belong");
	return 0;
}

int handover_make_fd(const struct handover *h, int *ret_fd, struct err *e)
{
	AUTO_CLOSE int fd =
	    memfd_create("ota-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint8_t bytes[HANDOVER_LEN];

	if (fd < 0)
		return err_sys(e, "make memory file");
	handover_encode(h, bytes);
	if (fd_write_full(fd, bytes, sizeof(bytes), e) < 0)
		return -1;
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return err_sys(e, "seal memory file");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int handover_read(int fd, struct handover *ret, struct err *e)
{
	uint8_t bytes[HANDOVER_LEN];
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS)
		return err_set(e, ERR_UNTRUSTED, "descriptor %d is not sealed", fd);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "descriptor %d", fd);
	if (st.st_size != HANDOVER_LEN)
		return err_set(e, ERR_FORMAT, "%lld bytes, not %u",
			       (long long)st.st_size, HANDOVER_LEN);
	if (fd_pread_full(fd, bytes, sizeof(bytes), 0, e) < 0)
		return -1;
	return handover_decode(bytes, ret, e);
}
