/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include "../../common/base/text.h"

#include <assert.h>
#include <string.h>

#define TO(state) (1u << (state))

/* The allowed edges. Every change of a state goes through move(), which looks here. */
static const unsigned edges[N_SLOT_STATES] = {
    [SLOT_EMPTY] = TO(SLOT_WRITING),
    [SLOT_WRITING] = TO(SLOT_WRITING) | TO(SLOT_WRITTEN),
    [SLOT_WRITTEN] = TO(SLOT_WRITING) | TO(SLOT_PENDING),
    [SLOT_PENDING] = TO(SLOT_WRITING) | TO(SLOT_TRYING) | TO(SLOT_BAD),
    [SLOT_TRYING] = TO(SLOT_WRITING) | TO(SLOT_TRYING) | TO(SLOT_GOOD) | TO(SLOT_BAD),
    [SLOT_GOOD] = TO(SLOT_WRITING) | TO(SLOT_BAD),
    [SLOT_BAD] = TO(SLOT_WRITING),
};

/* Why a GOOD slot may be given up; the floor does so by record_raise_floor(). */
static const bool reason_ends_good[N_SLOT_REASONS] = {
    [REASON_UNVERIFIED] = true,
    [REASON_VERITY] = true,
    [REASON_OPERATOR] = true,
};

static const char *const state_names[N_SLOT_STATES] = {
    [SLOT_EMPTY] = "EMPTY",	[SLOT_WRITING] = "WRITING", [SLOT_WRITTEN] = "WRITTEN",
    [SLOT_PENDING] = "PENDING", [SLOT_TRYING] = "TRYING",   [SLOT_GOOD] = "GOOD",
    [SLOT_BAD] = "BAD",
};

static const char *const reason_names[N_SLOT_REASONS] = {
    [REASON_NONE] = "none",
    [REASON_EXHAUSTED] = "tries exhausted",
    [REASON_HEALTH] = "health check failed",
    [REASON_DEADLINE] = "not confirmed in time",
    [REASON_UNVERIFIED] = "not verified",
    [REASON_VERITY] = "corrupted on the medium",
    [REASON_FLOOR] = "below the security floor",
    [REASON_OPERATOR] = "rolled back by request",
};

const char *slot_state_name(enum slot_state s)
{
	return (unsigned)s < N_SLOT_STATES ? state_names[s] : "?";
}

const char *slot_reason_name(enum slot_reason r)
{
	return (unsigned)r < N_SLOT_REASONS ? reason_names[r] : "?";
}

char slot_letter(unsigned slot)
{
	return slot < N_SLOTS ? (char)('A' + slot) : '-';
}

static unsigned other_slot(unsigned slot)
{
	return 1 - slot;
}

int record_pick(const struct slot_record *copy0, const struct slot_record *copy1)
{
	if (copy0 == NULL && copy1 == NULL)
		return -1;
	if (copy0 == NULL)
		return 1;
	if (copy1 == NULL)
		return 0;
	return copy1->sequence > copy0->sequence;
}

/* ---- the ring of events -------------------------------------------------------- */

size_t record_n_events(const struct slot_record *r)
{
	size_t n = 0;

	while (n < RECORD_N_EVENTS && r->events[n].id != 0)
		n++;
	return n;
}

static void drop_event(struct slot_record *r, size_t i)
{
	memmove(&r->events[i], &r->events[i + 1],
		(RECORD_N_EVENTS - 1 - i) * sizeof(r->events[0]));
	memset(&r->events[RECORD_N_EVENTS - 1], 0, sizeof(r->events[0]));
}

/* What is lost first when room is needed: progress, then good news, rollbacks last. */
static unsigned event_weight(const struct slot_event *ev)
{
	if (ev->to_state == SLOT_BAD)
		return 2;
	return ev->to_state == SLOT_GOOD ? 1 : 0;
}

/* write_begin has seen to it that a rollback need never make room for something else.
 */
static void make_room(struct slot_record *r)
{
	size_t victim = 0;

	if (record_n_events(r) < RECORD_N_EVENTS)
		return;
	for (size_t i = 1; i < RECORD_N_EVENTS; i++)
		if (event_weight(&r->events[i]) < event_weight(&r->events[victim]))
			victim = i;
	drop_event(r, victim);
}

static void add_event(struct slot_record *r, unsigned slot, uint8_t tries)
{
	const struct slot *s = &r->slots[slot];

	make_room(r);
	r->events[record_n_events(r)] = (struct slot_event){
	    .id = r->next_event_id++,
	    .slot = (uint8_t)slot,
	    .to_state = (uint8_t)s->state,
	    .reason = (uint8_t)s->reason,
	    .tries = tries,
	    .transaction = r->transaction,
	};
}

void record_ack_events(struct slot_record *r, uint32_t up_to_id)
{
	bool any = false;

	while (r->events[0].id != 0 && r->events[0].id <= up_to_id) {
		drop_event(r, 0);
		any = true;
	}
	r->sequence += any;
}

/* Places in the ring that a rollback may take: free ones and those of lesser events. */
static size_t room_for_rollbacks(const struct slot_record *r)
{
	size_t room = 0;

	for (size_t i = 0; i < RECORD_N_EVENTS; i++)
		room += r->events[i].id == 0 || r->events[i].to_state != SLOT_BAD;
	return room;
}

/* ---- what may boot ------------------------------------------------------------- */

static bool may_boot(const struct slot_record *r, unsigned slot)
{
	const struct slot *s = &r->slots[slot];

	if (s->verity_bad || s->security_version < r->floor)
		return false;
	return s->state == SLOT_GOOD || s->state == SLOT_PENDING ||
	       s->state == SLOT_TRYING;
}

static bool is_fallback(const struct slot_record *r, unsigned slot)
{
	return r->slots[slot].state == SLOT_GOOD && may_boot(r, slot);
}

/* The slots in the order in which they boot. */
static unsigned first_in_line(const struct slot_record *r)
{
	return r->slots[1].priority > r->slots[0].priority;
}

enum boot_choice record_choose(const struct slot_record *r, unsigned *ret_slot)
{
	return record_choose_except(r, 0, ret_slot);
}

enum boot_choice record_choose_except(const struct slot_record *r, unsigned refused,
				      unsigned *ret_slot)
{
	unsigned order[N_SLOTS] = {first_in_line(r), other_slot(first_in_line(r))};

	for (unsigned i = 0; i < N_SLOTS; i++) {
		const struct slot *s = &r->slots[order[i]];

		if ((refused & 1u << order[i]) != 0 || !may_boot(r, order[i]))
			continue;
		*ret_slot = order[i];
		if (s->state == SLOT_GOOD)
			return BOOT_SLOT;
		return s->tries > 0 ? BOOT_TRY : BOOT_EXHAUST;
	}
	return BOOT_NONE;
}

bool record_best_good(const struct slot_record *r, unsigned *ret_slot)
{
	unsigned first = first_in_line(r);

	if (!is_fallback(r, first))
		first = other_slot(first);
	*ret_slot = first;
	return is_fallback(r, first);
}

/* ---- transitions --------------------------------------------------------------- */

static int check_slot(unsigned slot, struct err *e)
{
	if (slot < N_SLOTS)
		return 0;
	return err_set(e, ERR_USAGE, "there is no slot number %u", slot);
}

static int check_edge(const struct slot_record *r, unsigned slot, enum slot_state to,
		      struct err *e)
{
	enum slot_state from = r->slots[slot].state;

	if ((edges[from] & TO(to)) != 0)
		return 0;
	return err_set(e, ERR_CONFLICT, "slot %c cannot go from %s to %s",
		       slot_letter(slot), slot_state_name(from), slot_state_name(to));
}

static int check_floor(const struct slot_record *r, unsigned slot,
		       uint32_t security_version, struct err *e)
{
	if (security_version >= r->floor)
		return 0;
	return err_set(e, ERR_ROLLBACK,
		       "slot %c: security version %u is below the floor %u",
		       slot_letter(slot), security_version, r->floor);
}

/* The one place where a state changes; the edge has been checked. */
static void move(struct slot_record *r, unsigned slot, enum slot_state to,
		 enum slot_reason reason)
{
	struct slot *s = &r->slots[slot];
	uint8_t tries_left = s->tries;

	assert((edges[s->state] & TO(to)) != 0);
	s->state = to;
	s->reason = reason;
	if (to == SLOT_GOOD || to == SLOT_BAD)
		s->tries = 0;
	if (to == SLOT_BAD)
		s->priority = 0;
	add_event(r, slot, tries_left);
	r->sequence++;
}

/* Puts slot in front. Two ranks are all that two slots need. */
static void put_first(struct slot_record *r, unsigned slot)
{
	r->slots[slot].priority = 2;
	if (r->slots[other_slot(slot)].priority > 1)
		r->slots[other_slot(slot)].priority = 1;
}

/* The slot that stays behind must be able to boot whatever becomes of the other. */
static int check_may_overwrite(const struct slot_record *r, unsigned slot,
			       unsigned running, struct err *e)
{
	char self = slot_letter(slot), other = slot_letter(other_slot(slot));

	if (slot == running)
		return err_set(e, ERR_CONFLICT,
			       "slot %c is running: the running slot is never written",
			       self);
	if (running != NO_SLOT && !is_fallback(r, running))
		return err_set(
		    e, ERR_CONFLICT,
		    "slot %c runs as %s, not as GOOD: slot %c is kept as its "
		    "fallback",
		    other, slot_state_name(r->slots[running].state), self);
	if (running == NO_SLOT && r->slots[slot].state == SLOT_TRYING)
		return err_set(e, ERR_CONFLICT,
			       "slot %c is on trial and may be running: it is not "
			       "written without the bootloader's hand-over",
			       self);
	if (running == NO_SLOT && is_fallback(r, slot) &&
	    !is_fallback(r, other_slot(slot)))
		return err_set(e, ERR_CONFLICT,
			       "slot %c is the only GOOD one: it is not written", self);
	return 0;
}

int record_write_begin(struct slot_record *r, unsigned slot, unsigned running,
		       struct err *e)
{
	size_t may_fail = 1;

	if (check_slot(slot, e) < 0 || check_may_overwrite(r, slot, running, e) < 0 ||
	    check_edge(r, slot, SLOT_WRITING, e) < 0)
		return -1;
	may_fail += r->slots[other_slot(slot)].state != SLOT_BAD;
	if (room_for_rollbacks(r) < may_fail)
		return err_set(e, ERR_BUSY,
			       "%zu rollbacks are not yet acknowledged by the server: "
			       "nothing is installed before it knows them",
			       RECORD_N_EVENTS - room_for_rollbacks(r));
	/* All but the state, which move() needs, is forgotten. */
	r->slots[slot] = (struct slot){.state = r->slots[slot].state};
	r->transaction++;
	move(r, slot, SLOT_WRITING, REASON_NONE);
	return 0;
}

static bool version_is_valid(const char *version)
{
	return text_is_name(version, VERSION_MAX_LEN, "._+~-");
}

int record_write_done(struct slot_record *r, unsigned slot,
		      const uint8_t root_hash[SHA256_LEN], const char *version,
		      uint32_t security_version, struct err *e)
{
	struct slot *s;

	if (check_slot(slot, e) < 0 || check_edge(r, slot, SLOT_WRITTEN, e) < 0 ||
	    check_floor(r, slot, security_version, e) < 0)
		return -1;
	if (!version_is_valid(version))
		return err_set(e, ERR_FORMAT, "slot %c: not a version",
			       slot_letter(slot));
	s = &r->slots[slot];
	memcpy(s->root_hash, root_hash, SHA256_LEN);
	s->security_version = security_version;
	if (text_copy(s->version, sizeof(s->version), version, "version", e) < 0)
		return -1;
	move(r, slot, SLOT_WRITTEN, REASON_NONE);
	return 0;
}

int record_arm(struct slot_record *r, unsigned slot, uint8_t tries, struct err *e)
{
	if (check_slot(slot, e) < 0 || check_edge(r, slot, SLOT_PENDING, e) < 0 ||
	    check_floor(r, slot, r->slots[slot].security_version, e) < 0)
		return -1;
	if (tries < MIN_TRIES)
		return err_set(e, ERR_USAGE, "slot %c: %u tries are fewer than %d",
			       slot_letter(slot), tries, MIN_TRIES);
	r->slots[slot].tries = tries;
	put_first(r, slot);
	move(r, slot, SLOT_PENDING, REASON_NONE);
	return 0;
}

int record_boot_try(struct slot_record *r, unsigned slot, struct err *e)
{
	if (check_slot(slot, e) < 0 || check_edge(r, slot, SLOT_TRYING, e) < 0 ||
	    check_floor(r, slot, r->slots[slot].security_version, e) < 0)
		return -1;
	if (r->slots[slot].tries == 0)
		return err_set(e, ERR_CONFLICT, "slot %c has no tries left",
			       slot_letter(slot));
	r->slots[slot].tries--;
	r->boot_count++;
	move(r, slot, SLOT_TRYING, REASON_NONE);
	return 0;
}

int record_boot_good(struct slot_record *r, unsigned slot, struct err *e)
{
	if (check_slot(slot, e) < 0)
		return -1;
	if (!is_fallback(r, slot))
		return err_set(
		    e, ERR_CONFLICT, "slot %c is %s and does not boot as GOOD",
		    slot_letter(slot), slot_state_name(r->slots[slot].state));
	r->boot_count++;
	r->sequence++;
	return 0;
}

int record_confirm(struct slot_record *r, unsigned slot,
		   const uint8_t running_root[SHA256_LEN], struct err *e)
{
	if (check_slot(slot, e) < 0 || check_edge(r, slot, SLOT_GOOD, e) < 0 ||
	    check_floor(r, slot, r->slots[slot].security_version, e) < 0)
		return -1;
	if (memcmp(r->slots[slot].root_hash, running_root, SHA256_LEN) != 0)
		return err_set(e, ERR_DIGEST,
			       "slot %c: what runs is not what was installed in it",
			       slot_letter(slot));
	move(r, slot, SLOT_GOOD, REASON_NONE);
	return 0;
}

static int check_may_reject(const struct slot_record *r, unsigned slot,
			    enum slot_reason why, struct err *e)
{
	const struct slot *s = &r->slots[slot];

	if (why == REASON_NONE || (unsigned)why >= N_SLOT_REASONS)
		return err_set(e, ERR_USAGE, "slot %c: a rejection needs a reason",
			       slot_letter(slot));
	if (why == REASON_EXHAUSTED && s->tries > 0)
		return err_set(e, ERR_CONFLICT, "slot %c has %u tries left",
			       slot_letter(slot), s->tries);
	if (s->state != SLOT_GOOD)
		return 0;
	if (!reason_ends_good[why])
		return err_set(e, ERR_CONFLICT,
			       "slot %c is GOOD: \"%s\" is no reason to give it up",
			       slot_letter(slot), slot_reason_name(why));
	if (!is_fallback(r, other_slot(slot)))
		return err_set(e, ERR_CONFLICT,
			       "slot %c is the only GOOD one: it cannot go to BAD (%s)",
			       slot_letter(slot), slot_reason_name(why));
	return 0;
}

int record_reject(struct slot_record *r, unsigned slot, enum slot_reason why,
		  struct err *e)
{
	if (check_slot(slot, e) < 0 || check_edge(r, slot, SLOT_BAD, e) < 0 ||
	    check_may_reject(r, slot, why, e) < 0)
		return -1;
	r->slots[slot].verity_bad = why == REASON_VERITY;
	move(r, slot, SLOT_BAD, why);
	return 0;
}

static int check_running_good(const struct slot_record *r, unsigned running,
			      const char *what, struct err *e)
{
	if (check_slot(running, e) < 0)
		return -1;
	if (is_fallback(r, running))
		return 0;
	return err_set(e, ERR_CONFLICT,
		       "slot %c is %s: only a running slot that is GOOD raises the %s",
		       slot_letter(running), slot_state_name(r->slots[running].state),
		       what);
}

int record_raise_floor(struct slot_record *r, unsigned running, uint32_t floor,
		       struct err *e)
{
	struct slot *other;

	if (check_running_good(r, running, "security floor", e) < 0)
		return -1;
	if (floor <= r->floor)
		return err_set(e, ERR_CONFLICT, "the security floor is %u already",
			       r->floor);
	if (floor > r->slots[running].security_version)
		return err_set(e, ERR_CONFLICT,
			       "a security floor of %u would shut out running slot %c "
			       "(security version %u)",
			       floor, slot_letter(running),
			       r->slots[running].security_version);
	r->floor = floor;
	other = &r->slots[other_slot(running)];
	if ((edges[other->state] & TO(SLOT_BAD)) != 0 &&
	    other->security_version < floor)
		move(r, other_slot(running), SLOT_BAD, REASON_FLOOR);
	else
		r->sequence++;
	return 0;
}

int record_raise_min_key(struct slot_record *r, unsigned running,
			 uint8_t running_key_index, uint8_t min_key_index,
			 struct err *e)
{
	if (check_running_good(r, running, "lowest boot key", e) < 0)
		return -1;
	if (min_key_index <= r->min_key_index)
		return err_set(e, ERR_CONFLICT, "the lowest boot key is %u already",
			       r->min_key_index);
	if (min_key_index > running_key_index || min_key_index > MAX_BOOT_KEY_INDEX)
		return err_set(e, ERR_CONFLICT,
			       "a lowest boot key of %u would shut out running slot %c "
			       "(signed by key %u)",
			       min_key_index, slot_letter(running), running_key_index);
	r->min_key_index = min_key_index;
	r->sequence++;
	return 0;
}

/* ---- records made anew --------------------------------------------------------- */

static int fill_slot(struct slot *s, const struct slot_content *c, struct err *e)
{
	if (!version_is_valid(c->version))
		return err_set(e, ERR_FORMAT, "not a version");
	memcpy(s->root_hash, c->root_hash, SHA256_LEN);
	s->security_version = c->security_version;
	return text_copy(s->version, sizeof(s->version), c->version, "version", e);
}

int record_init_factory(struct slot_record *ret, unsigned slot,
			const struct slot_content *c, struct err *e)
{
	*ret = (struct slot_record){.sequence = 1, .next_event_id = 1};
	if (check_slot(slot, e) < 0 || fill_slot(&ret->slots[slot], c, e) < 0)
		return -1;
	ret->slots[slot].state = SLOT_GOOD;
	ret->slots[slot].priority = 2;
	return 0;
}

static void raise_to_highest(struct slot_record *r,
			     const struct slot_content *const content[N_SLOTS])
{
	for (unsigned i = 0; i < N_SLOTS; i++)
		if (content[i] != NULL && content[i]->security_version > r->floor)
			r->floor = content[i]->security_version;
	for (unsigned i = 0; i < N_SLOTS; i++)
		if (content[i] != NULL && content[i]->security_version == r->floor &&
		    content[i]->key_index > r->min_key_index)
			r->min_key_index = content[i]->key_index;
}

static int recover_slot(struct slot_record *r, unsigned slot,
			const struct slot_content *c, struct err *e)
{
	struct slot *s = &r->slots[slot];
	bool holds =
	    c->security_version >= r->floor && c->key_index >= r->min_key_index;

	if (fill_slot(s, c, e) < 0)
		return err_wrap(e, "slot %c", slot_letter(slot));
	s->state = holds ? SLOT_PENDING : SLOT_BAD;
	s->reason = holds ? REASON_NONE : REASON_FLOOR;
	s->tries = holds ? DEFAULT_TRIES : 0;
	s->priority = holds ? (uint8_t)(2 - slot) : 0;
	add_event(r, slot, s->tries);
	return 0;
}

int record_init_recovery(struct slot_record *ret,
			 const struct slot_content *const content[N_SLOTS],
			 struct err *e)
{
	*ret = (struct slot_record){.sequence = 1, .next_event_id = 1};
	if (content[0] == NULL && content[1] == NULL)
		return err_set(e, ERR_NOT_FOUND,
			       "no slot holds firmware that verifies");
	raise_to_highest(ret, content);
	for (unsigned i = 0; i < N_SLOTS; i++)
		if (content[i] != NULL && recover_slot(ret, i, content[i], e) < 0)
			return -1;
	return 0;
}
