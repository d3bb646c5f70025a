/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

#include "../../common/base/buf.h"
#include "../../common/tuf/verify.h"

#include <stdarg.h>
#include <stdio.h>

const char *publish_step_name(enum publish_step s)
{
	static const char *const names[] = {
#define ROW(name, word) [STEP_##name] = word,
	    PUBLISH_STEPS(ROW)
#undef ROW
	};

	return names[s];
}

void steps_begin(struct publish_steps *s, enum publish_step step)
{
	if (s == NULL)
		return;
	s->begun = true;
	s->at = step;
}

void steps_pass(struct publish_steps *s, const char *fmt, ...)
{
	va_list args;

	if (s == NULL || s->n_passed >= N_PUBLISH_STEPS)
		return;
	s->passed[s->n_passed].step = s->at;
	va_start(args, fmt);
	(void)vsnprintf(s->passed[s->n_passed].text, sizeof(s->passed[0].text), fmt,
			args);
	va_end(args);
	s->n_passed++;
}

void steps_pass_signed(struct publish_steps *s, const struct tuf_envelope *env,
		       const struct tuf_role *role, uint64_t root_version)
{
	AUTO(buf) struct buf keys = BUF_INIT(STEP_TEXT_MAX_LEN);

	if (s == NULL)
		return;
	for (size_t i = 0; i < role->n_keys; i++) {
		const struct tuf_role one = {
		    .keys = &role->keys[i], .n_keys = 1, .threshold = 1};

		/* Beyond the room there are more; these are named. */
		if (tuf_verify(env, &one, NULL) == 0 &&
		    buf_printf(&keys, NULL, "%s%.12s", keys.len > 0 ? ", " : "",
			       role->keys[i]->keyid) != 0)
			break;
	}
	steps_pass(s,
		   "signed by %s; root version %llu needs %llu of its %zu targets keys",
		   buf_str(&keys), (unsigned long long)root_version,
		   (unsigned long long)role->threshold, role->n_keys);
}
