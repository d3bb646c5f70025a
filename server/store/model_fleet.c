/* SPDX-License-Identifier: Apache-2.0 */
#include "model_fleet.h"

#include "../../common/base/text.h"

#include <string.h>

static int check_name(const char *text, const char *what, size_t max_len, struct err *e)
{
	if (!text_is_name(text, max_len, "._:-"))
		return err_set(e, ERR_FORMAT,
			       "\"%.40s\" is not a %s: 1 to %zu letters, digits and "
			       ". _ : -",
			       text, what, max_len);
	return 0;
}

int group_name_check(const char *text, struct err *e)
{
	return check_name(text, "group's name", GROUP_NAME_MAX_LEN, e);
}

int tag_check(const char *text, struct err *e)
{
	return check_name(text, "tag", TAG_MAX_LEN, e);
}

/* Where the tag at `at` ends. */
static const char *tag_end(const char *at)
{
	return at + strcspn(at, " ");
}

static int compare_tag(const char *at, const char *tag)
{
	size_t len = (size_t)(tag_end(at) - at);
	int order = strncmp(at, tag, len);

	return order != 0 ? order : -(tag[len] != '\0');
}

int tags_add(char tags[TAGS_TEXT_MAX_LEN + 1], const char *tag, struct err *e)
{
	char rest[TAGS_TEXT_MAX_LEN + 1];
	char *at = tags;
	unsigned n = tags[0] != '\0';

	for (const char *c = tags; *c != '\0'; c++)
		n += *c == ' ';
	while (*at != '\0' && compare_tag(at, tag) < 0) {
		at += tag_end(at) - at;
		at += *at == ' ';
	}
	if (*at != '\0' && compare_tag(at, tag) == 0)
		return 0;
	if (n >= DEVICE_MAX_TAGS)
		return err_set(e, ERR_LIMIT, "a device has at most %d tags",
			       DEVICE_MAX_TAGS);
	(void)snprintf(rest, sizeof(rest), "%s", at);
	return text_format(at, TAGS_TEXT_MAX_LEN + 1 - (size_t)(at - tags), e,
			   "%s%s%s%s", at > tags && at[-1] != ' ' ? " " : "", tag,
			   rest[0] != '\0' ? " " : "", rest);
}

void tags_remove(char tags[TAGS_TEXT_MAX_LEN + 1], const char *tag)
{
	char *at = tags;

	while (*at != '\0' && compare_tag(at, tag) != 0) {
		at += tag_end(at) - at;
		at += *at == ' ';
	}
	if (*at == '\0')
		return;
	if (*tag_end(at) == ' ')
		memmove(at, tag_end(at) + 1, strlen(tag_end(at) + 1) + 1);
	else
		*(at > tags ? at - 1 : at) = '\0';
}

void text_fold(const char *text, char *ret, size_t room)
{
	size_t n = 0;

	for (; text[n] != '\0' && n + 1 < room; n++)
		ret[n] = text[n] >= 'A' && text[n] <= 'Z' ? (char)(text[n] - 'A' + 'a')
							  : text[n];
	ret[n] = '\0';
}

/* ---- words ---- */

static const char *const sorts[N_DEVICE_SORTS] = {
    [SORT_ID] = "id",
    [SORT_NAME] = "name",
    [SORT_PRODUCT] = "product",
    [SORT_VERSION] = "version",
    [SORT_LAST_SEEN] = "lastseen",
    [SORT_CREATED] = "created",
    [SORT_STATE] = "state",
};

static const char *const pins[N_PINS] = {
    [PIN_NONE] = "none",
    [PIN_AS_IT_IS] = "as-it-is",
    [PIN_RELEASE] = "release",
};

const char *pin_name(enum pin p)
{
	return (unsigned)p < N_PINS ? pins[p] : "?";
}

const char *device_sort_name(enum device_sort s)
{
	return (unsigned)s < N_DEVICE_SORTS ? sorts[s] : "?";
}

int device_sort_parse(const char *text, enum device_sort *ret, struct err *e)
{
	for (int i = 0; i < N_DEVICE_SORTS; i++) {
		if (strcmp(sorts[i], text) == 0) {
			*ret = (enum device_sort)i;
			return 0;
		}
	}
	return err_set(e, ERR_FORMAT,
		       "\"%.40s\" is no sort: id, name, product, version, lastseen, "
		       "created or state, with - before it for descending",
		       text);
}

/* ---- jobs ---- */

static const char *const actions[N_JOB_ACTIONS] = {
    [JOB_TAG] = "tag",	     [JOB_UNTAG] = "untag", [JOB_ASSIGN] = "assign",
    [JOB_CANCEL] = "cancel", [JOB_PIN] = "pin",	    [JOB_UNPIN] = "unpin",
    [JOB_JOIN] = "join",     [JOB_LEAVE] = "leave", [JOB_DELETE] = "delete",
};

static const char *const job_states[N_JOB_STATES] = {
    [JOB_RUNNING] = "running",
    [JOB_DONE] = "done",
    [JOB_FAILED] = "failed",
    [JOB_CANCELLED] = "cancelled",
};

const char *job_action_name(enum job_action a)
{
	return (unsigned)a < N_JOB_ACTIONS ? actions[a] : "?";
}

const char *job_state_name(enum job_state s)
{
	return (unsigned)s < N_JOB_STATES ? job_states[s] : "?";
}

int job_action_parse(const char *text, enum job_action *ret, struct err *e)
{
	for (int i = 0; i < N_JOB_ACTIONS; i++) {
		if (strcmp(actions[i], text) == 0) {
			*ret = (enum job_action)i;
			return 0;
		}
	}
	return err_set(e, ERR_FORMAT,
		       "\"%.40s\" is no action: tag, untag, assign, cancel, pin, unpin "
		       "or delete",
		       text);
}
