/* SPDX-License-Identifier: Apache-2.0 */
/* The record's bytes: docs/formats/record.md draws them, tests/unit/test_record.c holds
 * the vector. */
#include "record.h"

#include "../../common/base/bytes.h"
#include "../../common/base/text.h"

#include <assert.h>
#include <string.h>

#define MAGIC "OTARECD1"
#define FORMAT 1

enum {
	AT_MAGIC = 0,
	AT_FORMAT = 8,
	AT_MUST_UNDERSTAND = 12,
	AT_SEQUENCE = 16,
	AT_TRANSACTION = 24,
	AT_FLOOR = 28,
	AT_NEXT_EVENT = 32,
	AT_BOOT_COUNT = 36,
	AT_MIN_KEY = 40,
	AT_SLOTS = 48,
	SLOT_BYTES = 112,
	AT_EVENTS = AT_SLOTS + N_SLOTS * SLOT_BYTES,
	EVENT_BYTES = 16,
	AT_RESERVED = AT_EVENTS + RECORD_N_EVENTS * EVENT_BYTES,
	AT_CRC = RECORD_LEN - 4,
};

/* Within a slot. */
enum {
	SLOT_AT_STATE = 0,
	SLOT_AT_TRIES = 1,
	SLOT_AT_PRIORITY = 2,
	SLOT_AT_FLAGS = 3,
	SLOT_AT_REASON = 4,
	SLOT_AT_SECURITY = 8,
	SLOT_AT_ROOT = 16,
	SLOT_AT_VERSION = 48,
};

#define SLOT_FLAG_VERITY_BAD 0x01

static_assert(AT_RESERVED == 368, "the layout of docs/formats/record.md");
static_assert(AT_RESERVED <= AT_CRC, "a record fits its sector");
static_assert(SLOT_AT_ROOT + SHA256_LEN == SLOT_AT_VERSION, "no gap in a slot");
static_assert(SLOT_AT_VERSION + VERSION_MAX_LEN == SLOT_BYTES, "no gap in a slot");
static_assert(sizeof(MAGIC) - 1 == AT_FORMAT, "eight bytes of magic");

static void encode_slot(const struct slot *s, uint8_t *p)
{
	p[SLOT_AT_STATE] = (uint8_t)s->state;
	p[SLOT_AT_TRIES] = s->tries;
	p[SLOT_AT_PRIORITY] = s->priority;
	p[SLOT_AT_FLAGS] = s->verity_bad ? SLOT_FLAG_VERITY_BAD : 0;
	p[SLOT_AT_REASON] = (uint8_t)s->reason;
	store_le32(p + SLOT_AT_SECURITY, s->security_version);
	memcpy(p + SLOT_AT_ROOT, s->root_hash, SHA256_LEN);
	memcpy(p + SLOT_AT_VERSION, s->version, strnlen(s->version, VERSION_MAX_LEN));
}

static void encode_event(const struct slot_event *ev, uint8_t *p)
{
	store_le32(p, ev->id);
	store_le32(p + 4, ev->transaction);
	p[8] = ev->slot;
	p[9] = ev->to_state;
	p[10] = ev->reason;
	p[11] = ev->tries;
}

void record_encode(const struct slot_record *r, uint8_t ret[RECORD_LEN])
{
	memset(ret, 0, RECORD_LEN);
	memcpy(ret + AT_MAGIC, MAGIC, sizeof(MAGIC) - 1);
	store_le16(ret + AT_FORMAT, FORMAT);
	store_le64(ret + AT_SEQUENCE, r->sequence);
	store_le32(ret + AT_TRANSACTION, r->transaction);
	store_le32(ret + AT_FLOOR, r->floor);
	store_le32(ret + AT_NEXT_EVENT, r->next_event_id);
	store_le32(ret + AT_BOOT_COUNT, r->boot_count);
	ret[AT_MIN_KEY] = r->min_key_index;
	for (size_t i = 0; i < N_SLOTS; i++)
		encode_slot(&r->slots[i], ret + AT_SLOTS + i * SLOT_BYTES);
	for (size_t i = 0; i < RECORD_N_EVENTS; i++)
		encode_event(&r->events[i], ret + AT_EVENTS + i * EVENT_BYTES);
	store_le32(ret + AT_CRC, crc32_ieee(ret, AT_CRC));
}

/* Which fields a slot has in each state; a record that says otherwise was not made by
 * us. */
static bool slot_is_consistent(const struct slot *s)
{
	bool named = s->version[0] != '\0';
	bool bad = s->state == SLOT_BAD;

	if (named && !text_is_name(s->version, VERSION_MAX_LEN, "._+~-"))
		return false;
	if (bad != (s->reason != REASON_NONE) ||
	    s->verity_bad != (s->reason == REASON_VERITY))
		return false;
	if (s->tries > 0 && s->state != SLOT_PENDING && s->state != SLOT_TRYING)
		return false;
	if (s->state == SLOT_PENDING && s->tries < MIN_TRIES)
		return false;
	return named == (s->state != SLOT_EMPTY && s->state != SLOT_WRITING);
}

static int decode_slot(const uint8_t *p, struct slot *ret)
{
	if (p[SLOT_AT_STATE] >= N_SLOT_STATES || p[SLOT_AT_REASON] >= N_SLOT_REASONS ||
	    p[SLOT_AT_FLAGS] > SLOT_FLAG_VERITY_BAD)
		return -1;
	*ret = (struct slot){
	    .state = (enum slot_state)p[SLOT_AT_STATE],
	    .tries = p[SLOT_AT_TRIES],
	    .priority = p[SLOT_AT_PRIORITY],
	    .verity_bad = p[SLOT_AT_FLAGS] == SLOT_FLAG_VERITY_BAD,
	    .reason = (enum slot_reason)p[SLOT_AT_REASON],
	    .security_version = load_le32(p + SLOT_AT_SECURITY),
	};
	memcpy(ret->root_hash, p + SLOT_AT_ROOT, SHA256_LEN);
	memcpy(ret->version, p + SLOT_AT_VERSION, VERSION_MAX_LEN);
	return slot_is_consistent(ret) ? 0 : -1;
}

static int decode_event(const uint8_t *p, uint32_t previous_id, struct slot_event *ret)
{
	*ret = (struct slot_event){
	    .id = load_le32(p),
	    .transaction = load_le32(p + 4),
	    .slot = p[8],
	    .to_state = p[9],
	    .reason = p[10],
	    .tries = p[11],
	};
	if (ret->id == 0)
		return 0; /* all zero, or the re-encoding differs */
	if (ret->id <= previous_id || ret->slot >= N_SLOTS ||
	    ret->to_state >= N_SLOT_STATES || ret->reason >= N_SLOT_REASONS)
		return -1;
	return 0;
}

static int decode_events(const uint8_t *p, struct slot_record *ret)
{
	uint32_t last = 0;
	bool ended = false;

	for (size_t i = 0; i < RECORD_N_EVENTS; i++) {
		struct slot_event *ev = &ret->events[i];

		if (decode_event(p + i * EVENT_BYTES, last, ev) < 0 ||
		    (ended && ev->id != 0))
			return -1;
		ended = ev->id == 0;
		last = ended ? last : ev->id;
	}
	return last < ret->next_event_id ? 0 : -1;
}

static int check_head(const uint8_t data[RECORD_LEN], struct err *e)
{
	uint32_t bits = load_le32(data + AT_MUST_UNDERSTAND);

	if (memcmp(data + AT_MAGIC, MAGIC, sizeof(MAGIC) - 1) != 0)
		return err_set(e, ERR_FORMAT, "no slot record is here");
	if (load_le32(data + AT_CRC) != crc32_ieee(data, AT_CRC))
		return err_set(e, ERR_FORMAT, "the slot record's checksum is wrong");
	if (load_le16(data + AT_FORMAT) != FORMAT)
		return err_set(e, ERR_UNSUPPORTED,
			       "slot record of format %u, this program knows %d",
			       load_le16(data + AT_FORMAT), FORMAT);
	if (bits != 0)
		return err_set(e, ERR_UNSUPPORTED,
			       "slot record with must-understand bits 0x%x", bits);
	return 0;
}

int record_decode(const uint8_t data[RECORD_LEN], struct slot_record *ret,
		  struct err *e)
{
	uint8_t again[RECORD_LEN];

	if (check_head(data, e) < 0)
		return -1;
	*ret = (struct slot_record){
	    .sequence = load_le64(data + AT_SEQUENCE),
	    .transaction = load_le32(data + AT_TRANSACTION),
	    .floor = load_le32(data + AT_FLOOR),
	    .min_key_index = data[AT_MIN_KEY],
	    .next_event_id = load_le32(data + AT_NEXT_EVENT),
	    .boot_count = load_le32(data + AT_BOOT_COUNT),
	};
	if (ret->min_key_index > MAX_BOOT_KEY_INDEX)
		return err_set(e, ERR_FORMAT, "the slot record names boot key %u",
			       ret->min_key_index);
	for (unsigned i = 0; i < N_SLOTS; i++)
		if (decode_slot(data + AT_SLOTS + i * SLOT_BYTES, &ret->slots[i]) < 0)
			return err_set(
			    e, ERR_FORMAT,
			    "the slot record's entry of slot %c makes no sense",
			    slot_letter(i));
	if (decode_events(data + AT_EVENTS, ret) < 0)
		return err_set(e, ERR_FORMAT, "the slot record's events make no sense");
	/* Reserved bytes, text after a NUL, an unused event's rest: one encoding each.
	 */
	record_encode(ret, again);
	if (memcmp(again, data, RECORD_LEN) != 0)
		return err_set(e, ERR_FORMAT,
			       "the slot record has bytes where none belong");
	return 0;
}
