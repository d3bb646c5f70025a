/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the publication of a release has gone through, for people: each step that was
 * passed with a sentence of what was found, and the one at which it ended. The steps come
 * in the order of enum publish_step; one that does not concern a release (files, a next
 * root) is not among them.
 */
#ifndef OTA_SERVER_STEPS_H
#define OTA_SERVER_STEPS_H

#include "../../common/tuf/metadata.h"

#define PUBLISH_STEPS(X)                                                               \
	X(MANIFEST, "manifest")	    /* it parses */                                    \
	X(PAYLOAD, "payload")	    /* descriptor, head, each chunk: what it names */  \
	X(FILES, "files")	    /* opaque ones */                                  \
	X(ROOT, "root")		    /* the next one follows the chain */               \
	X(SIGNATURES, "signatures") /* a threshold of the root's targets keys */       \
	X(LIST, "list")		    /* newer, names this manifest, none withdrawn */   \
	X(SIGN, "sign")		    /* snapshot and timestamp, by the signer */        \
	X(DEVICE, "device")	    /* one of today takes it */                        \
	X(STORE, "store")

enum publish_step {
#define ROW(name, word) STEP_##name,
	PUBLISH_STEPS(ROW)
#undef ROW
	    N_PUBLISH_STEPS
};

#define STEP_TEXT_MAX_LEN 255

struct publish_steps {
	size_t n_passed;
	struct {
		enum publish_step step;
		char text[STEP_TEXT_MAX_LEN + 1]; /* cut if it is longer */
	} passed[N_PUBLISH_STEPS];
	bool begun; /* at says where it is, or ended */
	enum publish_step at;
};

/* "manifest" and so on. */
const char *publish_step_name(enum publish_step s);

/* s NULL: nobody wants to know; likewise below. A step is begun once. */
void steps_begin(struct publish_steps *s, enum publish_step step);
/* The step that was begun last is passed. */
void steps_pass(struct publish_steps *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Passes it with the keys of role that have signed env, by the beginning of their ids, and
 * how many there must be. */
void steps_pass_signed(struct publish_steps *s, const struct tuf_envelope *env,
		       const struct tuf_role *role, uint64_t root_version);

#endif
