/* SPDX-License-Identifier: Apache-2.0 */
#include "policy.h"

#include "../../common/base/text.h"

#include <string.h>

/* While it goes on: what an execution without an end means. */
static const struct {
	enum deployment_state state;
	bool moves; /* else it is noted and nothing changes */
} under_way[N_DDI_EXECUTIONS] = {
    [DDI_DOWNLOAD] = {DEPLOYMENT_DOWNLOADING, true},
    [DDI_DOWNLOADED] = {DEPLOYMENT_INSTALLING, true},
    [DDI_PROCEEDING] = {DEPLOYMENT_INSTALLING, true},
    [DDI_RESUMED] = {DEPLOYMENT_INSTALLING, true},
    [DDI_SCHEDULED] = {DEPLOYMENT_REBOOTING, true},
    [DDI_REJECTED] = {DEPLOYMENT_ASSIGNED, false},
    [DDI_CANCELED] = {DEPLOYMENT_ASSIGNED, false},
    [DDI_CLOSED] = {DEPLOYMENT_ASSIGNED, false},
};

/* What a state says of its device. */
static const enum device_state device_states[N_DEPLOYMENT_STATES] = {
    [DEPLOYMENT_ASSIGNED] = DEVICE_IDLE,
    [DEPLOYMENT_DOWNLOADING] = DEVICE_UPDATING,
    [DEPLOYMENT_INSTALLING] = DEVICE_UPDATING,
    [DEPLOYMENT_REBOOTING] = DEVICE_UPDATING,
    [DEPLOYMENT_CANCELLING] = DEVICE_UPDATING,
    [DEPLOYMENT_CONFIRMED] = DEVICE_IDLE,
    [DEPLOYMENT_FAILED] = DEVICE_FAILED,
    [DEPLOYMENT_ROLLED_BACK] = DEVICE_ROLLED_BACK,
    [DEPLOYMENT_CANCELLED] = DEVICE_IDLE,
    [DEPLOYMENT_DOWNLOADED] = DEVICE_IDLE,
};

static void set_detail(struct verdict *v, const char *text)
{
	(void)snprintf(v->detail, sizeof(v->detail), "%s", text);
}

static void move(struct verdict *v, const struct deployment *d,
		 enum deployment_state to)
{
	v->state = to;
	v->durable |= to != d->state;
	v->sets_device_state = to != d->state;
	v->device_state = device_states[to];
}

/* A verdict that leaves everything as it is, with what the device said last. */
static void begin(struct verdict *v, const struct deployment *d,
		  const struct ddi_feedback *f)
{
	*v = (struct verdict){
	    .state = d->state, .grade = d->grade, .progress = d->progress};
	if (f->n_details == 0)
		return;
	set_detail(v, f->details[f->n_details - 1]);
	v->durable = strcmp(v->detail, d->detail) != 0;
}

static int check_open(const struct deployment *d, struct err *e)
{
	if (deployment_is_open(d->state))
		return 0;
	return err_set(e, ERR_GONE, "action %llu is closed: %s",
		       (unsigned long long)d->id, deployment_state_name(d->state));
}

static bool is_ours(const struct ddi_feedback *f)
{
	return f->agent_version[0] != '\0';
}

static void confirm(struct verdict *v, const struct deployment *d, enum grade grade)
{
	move(v, d, DEPLOYMENT_CONFIRMED);
	v->grade = grade;
	v->progress = 100;
	v->sets_version = true;
}

static void disbelieve(struct verdict *v, const struct deployment *d, const char *why)
{
	move(v, d, DEPLOYMENT_FAILED);
	set_detail(v, why);
}

static void close_download(struct verdict *v, const struct deployment *d)
{
	if (d->state == DEPLOYMENT_ASSIGNED) {
		disbelieve(v, d,
			   "reports success of a download-only deployment without "
			   "having downloaded anything");
		return;
	}
	move(v, d, DEPLOYMENT_DOWNLOADED);
	v->progress = 100;
}

static void close_success(struct verdict *v, const struct deployment *d,
			  const uint8_t want_root[SHA256_LEN],
			  const struct ddi_feedback *f)
{
	char why[DETAIL_MAX_LEN + 1], got[2 * SHA256_LEN + 1];

	if (f->proof.present && want_root != NULL &&
	    memcmp(f->proof.root_hash, want_root, SHA256_LEN) == 0) {
		confirm(v, d, GRADE_PROVEN);
	} else if (d->kind == KIND_DOWNLOAD_ONLY) {
		close_download(v, d);
	} else if (f->proof.present) {
		hex_encode(f->proof.root_hash, SHA256_LEN, got);
		(void)snprintf(
		    why, sizeof(why),
		    "reports success, but its bootloader started another image: "
		    "root hash %s",
		    got);
		disbelieve(v, d, why);
	} else if (is_ours(f)) {
		disbelieve(v, d, "reports success without a proof of what was booted");
	} else {
		confirm(v, d, GRADE_REPORTED);
	}
}

static void close_failure(struct verdict *v, const struct deployment *d,
			  const struct ddi_feedback *f)
{
	bool came_back = d->state == DEPLOYMENT_REBOOTING || f->event_id != 0;

	move(v, d, came_back ? DEPLOYMENT_ROLLED_BACK : DEPLOYMENT_FAILED);
}

/* Ours says "slot B is armed: rebooting"; what comes after that is of the new
 * firmware. */
static bool says_rebooting(const struct deployment *d, const struct ddi_feedback *f)
{
	return d->state == DEPLOYMENT_REBOOTING ||
	       (f->n_details > 0 && strstr(f->details[0], "rebooting") != NULL);
}

static unsigned percent(const struct ddi_feedback *f)
{
	if (f->progress_cnt >= f->progress_of)
		return 100;
	/* no overflow: of more than 2^57 nobody counts in ones */
	if (f->progress_of > UINT64_MAX / 100)
		return (unsigned)(f->progress_cnt / (f->progress_of / 100));
	return (unsigned)(f->progress_cnt * 100 / f->progress_of);
}

static void go_on(struct verdict *v, const struct deployment *d,
		  const struct ddi_feedback *f)
{
	enum deployment_state to = under_way[f->execution].state;

	if (!under_way[f->execution].moves) {
		v->durable = true;
		return;
	}
	if (f->execution == DDI_PROCEEDING && says_rebooting(d, f))
		to = DEPLOYMENT_REBOOTING;
	if (f->progress_of != 0)
		v->progress = percent(f);
	if (f->execution == DDI_DOWNLOADED && d->kind == KIND_DOWNLOAD_ONLY) {
		move(v, d, DEPLOYMENT_DOWNLOADED);
		v->progress = 100;
	} else if (d->state != DEPLOYMENT_CANCELLING) {
		move(v, d, to);
	}
}

/* What moves a deployment is always heard; a client that chatters is not for ever. */
static int check_quota(const struct verdict *v, const struct deployment *d,
		       struct err *e)
{
	if (!v->durable || v->state != d->state ||
	    d->n_statuses < DEPLOYMENT_MAX_STATUSES)
		return 0;
	return err_set(e, ERR_RATE, "%d reports on action %llu are kept, and no more",
		       DEPLOYMENT_MAX_STATUSES, (unsigned long long)d->id);
}

int policy_feedback(const struct deployment *d, const uint8_t want_root[SHA256_LEN],
		    const struct ddi_feedback *f, struct verdict *ret, struct err *e)
{
	if (check_open(d, e) < 0)
		return -1;
	begin(ret, d, f);
	if (f->execution != DDI_CLOSED)
		go_on(ret, d, f);
	else if (f->finished == DDI_FAILURE)
		close_failure(ret, d, f);
	else
		close_success(ret, d, want_root, f);
	return check_quota(ret, d, e);
}

int policy_cancel_feedback(const struct deployment *d, const struct ddi_feedback *f,
			   struct verdict *ret, struct err *e)
{
	if (check_open(d, e) < 0)
		return -1;
	if (d->state != DEPLOYMENT_CANCELLING)
		return err_set(e, ERR_NOT_FOUND, "action %llu is not being cancelled",
			       (unsigned long long)d->id);
	begin(ret, d, f);
	ret->durable = true;
	if (f->execution == DDI_CANCELED ||
	    (f->execution == DDI_CLOSED && f->finished != DDI_FAILURE))
		move(ret, d, DEPLOYMENT_CANCELLED);
	else if (f->execution == DDI_CLOSED || f->execution == DDI_REJECTED)
		move(ret, d, DEPLOYMENT_ASSIGNED);
	return 0;
}

int policy_cancel(const struct deployment *d, bool insist, struct verdict *ret,
		  struct err *e)
{
	bool at_once = !d->offered || (insist && d->state == DEPLOYMENT_CANCELLING);

	if (!deployment_is_open(d->state))
		return err_set(e, ERR_CONFLICT, "deployment %llu is %s already",
			       (unsigned long long)d->id,
			       deployment_state_name(d->state));
	*ret = (struct verdict){
	    .state = d->state, .grade = d->grade, .progress = d->progress};
	ret->durable = true;
	move(ret, d, at_once ? DEPLOYMENT_CANCELLED : DEPLOYMENT_CANCELLING);
	set_detail(ret, at_once ? "cancelled by an operator"
				: "the device was asked to cancel");
	return 0;
}

static bool has_hardware(const struct release *r, const char *hardware)
{
	for (size_t i = 0; i < r->n_hardware; i++) {
		if (strcmp(r->hardware[i], hardware) == 0)
			return true;
	}
	return false;
}

int policy_fits(const struct device *d, const struct release *r, struct err *e)
{
	if (r->n_images == 0 && d->agent_version[0] != '\0')
		return err_set(
		    e, ERR_INCOMPATIBLE,
		    "release %s has files for other clients and no image, and "
		    "device \"%s\" runs the agent (ota-client)",
		    r->version, d->id);
	if (d->product[0] != '\0' && strcmp(d->product, r->product) != 0)
		return err_set(
		    e, ERR_INCOMPATIBLE,
		    "the release is for product %s and device \"%s\" is a %s",
		    r->product, d->id, d->product);
	if (d->hardware[0] != '\0' && !has_hardware(r, d->hardware))
		return err_set(
		    e, ERR_INCOMPATIBLE,
		    "the release is not for hardware %s, which device \"%s\" is",
		    d->hardware, d->id);
	return 0;
}

int policy_floor(const struct device *d, const struct release *r, struct err *e)
{
	if (r->security_version >= d->security_floor)
		return 0;
	return err_set(e, ERR_ROLLBACK,
		       "release %s has security version %u and device \"%s\" accepts "
		       "none below %u",
		       r->version, r->security_version, d->id, d->security_floor);
}

int policy_pinned(const struct device *d, const char *release, struct err *e)
{
	if (d->pin == PIN_NONE)
		return 0;
	if (d->pin == PIN_RELEASE && strcmp(d->pin_release, release) == 0)
		return 0;
	return err_set(e, ERR_CONFLICT, "device \"%s\" is pinned to %s%s: %s", d->id,
		       d->pin == PIN_RELEASE ? "release " : "what it runs",
		       d->pin == PIN_RELEASE ? d->pin_release : "", d->pin_reason);
}
