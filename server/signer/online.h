/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signer's own side: the online keys and the versions they have signed.
 *
 *	DIR/snapshot.key	key files, mode 0600, made at the first start
 *	DIR/timestamp.key
 *	DIR/issued.json		{"snapshot":N,"timestamp":N,"targets":N,"renewed":N,
 *			 "roles":N}
 *
 * issued.json is replaced, flushed, *before* a signature is handed out. So after any
 * crash the next version is above all that anybody can have seen; a version may be
 * skipped, never repeated.
 */
#ifndef OTA_SERVER_SIGNER_ONLINE_H
#define OTA_SERVER_SIGNER_ONLINE_H

#include "../../common/base/clock.h"
#include "../../common/crypto/sign.h"
#include "signer.h"

struct online {
	char dir[4096];
	const struct clock *clock;
	int lock_fd; /* of DIR/lock: one signer a directory */
	struct privkey *snapshot_key, *timestamp_key;
	struct pubkey *snapshot_public, *timestamp_public;
	uint64_t snapshot, timestamp; /* last issued */
	uint64_t targets;	      /* newest signed for */
	uint64_t renewed;	      /* newest snapshot renewed */
	uint64_t roles;		      /* last issued, of any delegated role */
};

/* ERR_CONFLICT: another signer works in dir. */
int online_init(struct online *o, const char *dir, const struct clock *clock,
		struct err *e) MUST_USE;
void online_fini(struct online *o);

/* As signer_sign() and signer_renew(). */
int online_sign(struct online *o, const struct signer_ask *ask,
		struct signer_answer *ret, struct err *e) MUST_USE;
int online_renew(struct online *o, const struct signer_ask *ask,
		 struct signer_answer *ret, struct err *e) MUST_USE;

/* As signer_role(). */
int online_role(struct online *o, const struct signer_role_ask *ask, struct buf *ret,
		uint64_t *ret_version, struct err *e) MUST_USE;

#endif
