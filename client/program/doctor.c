/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include "../../common/base/clock.h"
#include "../../common/base/file.h"
#include "../../common/base/text.h"
#include "../../common/crypto/x509.h"
#include "../../common/net/net.h"
#include "../../common/tuf/tuf.h"
#include "../agent/memory.h"
#include "../agent/schedule.h"
#include "../config/factory.h"
#include "../install/journal.h"
#include "control.h"
#include "program.h"

#include <string.h>

#define TIMEOUT_MS 10000
#define DAY_MS (24ll * 3600 * 1000)

struct doctor {
	const struct client_config *config;
	struct factory factory;
	bool has_factory;
	bool agent_runs; /* its control socket answers: it holds the record */
	char note[256];	 /* what an "ok" adds */
};

/* ---- the checks: 0 and a note, or what is wrong ---- */

static int check_factory(struct doctor *d, struct err *e)
{
	if (d->config->factory_dir == NULL)
		return err_set(e, ERR_CONFIG, "[factory] dir is missing");
	if (factory_load(d->config->factory_dir, &d->factory, e) < 0)
		return -1;
	d->has_factory = true;
	(void)snprintf(d->note, sizeof(d->note), "product %s, hardware %s%s",
		       d->factory.product, d->factory.hardware,
		       d->factory.demo ? ", demo mode" : "");
	return 0;
}

static int check_slot(struct doctor *d, const struct slot_layout *l, unsigned slot,
		      struct err *e)
{
	size_t used = strlen(d->note);

	for (size_t i = 0; i < l->n_images; i++) {
		AUTO_PTR(dev) struct dev *dev = NULL;
		char size[32];

		if (slot_layout_open_image(l, slot, i, 0, &dev, e) < 0)
			return -1;
		size_format(dev->size, size, sizeof(size));
		used += (size_t)snprintf(d->note + used, sizeof(d->note) - used,
					 "%s%c %s %s", used > 0 ? ", " : "",
					 slot_letter(slot), l->images[i].name, size);
		if (used >= sizeof(d->note))
			used = sizeof(d->note) - 1;
	}
	return 0;
}

static int check_slots(struct doctor *d, struct err *e)
{
	struct slot_layout slots[N_SLOTS];

	if (client_config_slots(d->config, slots, e) < 0)
		return -1;
	for (unsigned i = 0; i < N_SLOTS; i++) {
		AUTO_PTR(dev) struct dev *dev = NULL;

		if (check_slot(d, &slots[i], i, e) < 0 ||
		    slot_layout_open_descriptor(&slots[i], i, 0, &dev, e) < 0)
			return -1;
		if (dev->size < DESCRIPTOR_LEN)
			return err_set(e, ERR_CONFIG, "%s has %llu bytes, not %u",
				       dev->name, (unsigned long long)dev->size,
				       DESCRIPTOR_LEN);
	}
	return 0;
}

static int check_journal(struct doctor *d, struct err *e)
{
	AUTO_PTR(dev) struct dev *dev = NULL;

	if (d->config->journal_path == NULL)
		return err_set(e, ERR_CONFIG, "[journal] path is missing");
	if (dev_open_file(d->config->journal_path, "journal", 0, &dev, e) < 0)
		return -1;
	if (dev->size < JOURNAL_LEN)
		return err_set(e, ERR_CONFIG, "it has %llu bytes, not at least %u",
			       (unsigned long long)dev->size, JOURNAL_LEN);
	return 0;
}

static int check_agent(struct doctor *d, struct err *e)
{
	const char *path = d->config->control_socket;

	if (path == NULL) {
		(void)snprintf(d->note, sizeof(d->note),
			       "no [control] socket: cannot be asked");
		return 0;
	}
	d->agent_runs = control_call(path, "status", NULL, NULL, e) == 0;
	if (d->agent_runs)
		(void)snprintf(d->note, sizeof(d->note), "runs and answers");
	return d->agent_runs ? 0 : -1;
}

/* Load, store, load: the same record under the next sequence. */
static int check_boot(struct doctor *d, struct err *e)
{
	AUTO_PTR(boot) struct boot *boot = NULL;
	struct slot_record before, after;

	if (d->agent_runs) {
		(void)snprintf(d->note, sizeof(d->note),
			       "in the hands of the agent that runs");
		return 0;
	}
	if (agent_open_boot(d->config, &boot, e) < 0 || boot_load(boot, &before, e) < 0)
		return -1;
	before.sequence++;
	if (boot_store(boot, &before, e) < 0 || boot_load(boot, &after, e) < 0)
		return -1;
	if (memcmp(&before, &after, sizeof(before)) != 0)
		return err_set(e, ERR_IO, "what was stored is not what is read");
	(void)snprintf(d->note, sizeof(d->note), "slot A %s, slot B %s, floor %u",
		       slot_state_name(after.slots[0].state),
		       slot_state_name(after.slots[1].state), after.floor);
	return 0;
}

static int check_watchdog(struct doctor *d, struct err *e)
{
	const struct client_config *c = d->config;

	if (c->boot.watchdog_ms == 0)
		return err_set(e, ERR_CONFIG,
			       "[boot] watchdog is 0s: nothing ends a hang");
	if (c->health.confirm_deadline_ms == 0)
		return err_set(e, ERR_CONFIG,
			       "[health] confirm-deadline is 0s: nothing ends a trial");
	(void)snprintf(d->note, sizeof(d->note), "%llu s, confirm within %llu s",
		       (unsigned long long)c->boot.watchdog_ms / 1000,
		       (unsigned long long)c->health.confirm_deadline_ms / 1000);
	return 0;
}

static int check_state(struct doctor *d, struct err *e)
{
	char path[4096];

	if (d->config->state_dir == NULL)
		return err_set(e, ERR_CONFIG, "[state] dir is missing");
	if (text_format(path, sizeof(path), e, "%s/doctor.test", d->config->state_dir) <
		0 ||
	    file_replace(path, "x", 1, 0600, e) < 0)
		return -1;
	return unlink(path) < 0 ? err_sys(e, "remove %s", path) : 0;
}

static int check_clock(struct doctor *d, struct err *e)
{
	struct tuf_store files;
	struct memory m;
	int64_t now = clock_utc_ms(&clock_system);
	char text[TIME_TEXT_LEN + 1];

	tuf_store_dir(d->config->state_dir != NULL ? d->config->state_dir : ".",
		      &files);
	if (memory_load(&files, &m, e) < 0)
		return -1;
	if (m.floor_utc_ms < CLOCK_BUILD_FLOOR_MS)
		m.floor_utc_ms = CLOCK_BUILD_FLOOR_MS;
	time_format(now, text);
	if (!effective_time(now, m.floor_utc_ms).from_system)
		return err_set(e, ERR_CONFIG, "it says %s, which cannot be", text);
	(void)snprintf(d->note, sizeof(d->note), "%s", text);
	return 0;
}

static int check_ca(struct doctor *d, struct err *e)
{
	AUTO(buf) struct buf pem = BUF_INIT(1u << 20);
	int64_t from = 0, to = 0, now = clock_utc_ms(&clock_system);
	char text[TIME_TEXT_LEN + 1];

	if (!d->has_factory)
		return err_set(e, ERR_CONFIG, "the factory directory does not load");
	if (file_read(d->factory.ca_path, &pem, e) < 0 ||
	    x509_validity(buf_str(&pem), &from, &to, e) < 0)
		return -1;
	time_format(to, text);
	if (now > to)
		return err_set(e, ERR_EXPIRED, "the first CA expired on %s", text);
	(void)snprintf(d->note, sizeof(d->note), "valid until %s%s", text,
		       to - now < 90 * DAY_MS ? " (soon)" : "");
	return 0;
}

static int read_token(const struct client_config *c, char *ret, size_t room,
		      struct err *e)
{
	AUTO(buf) struct buf token = BUF_INIT(200);

	if (c->server.token_file == NULL)
		return err_set(e, ERR_CONFIG, "[server] token-file is missing");
	if (file_read(c->server.token_file, &token, e) < 0)
		return -1;
	return text_format(ret, room, e, "Authorization: TargetToken %.*s",
			   (int)strcspn(buf_str(&token), "\r\n "), buf_str(&token));
}

static int check_server(struct doctor *d, struct err *e)
{
	const struct client_config *c = d->config;
	struct net_config net = {.ca_file = d->factory.ca_path,
				 .connect_timeout_ms = TIMEOUT_MS};
	AUTO(buf) struct buf body = BUF_INIT(64 * 1024);
	char url[300], authorization[256];
	const char *headers[] = {authorization, NULL};
	struct net_request r = {.method = "GET",
				.url = url,
				.headers = headers,
				.range_start = -1,
				.timeout_ms = TIMEOUT_MS};
	struct net_head h;

	if (c->server.url == NULL) {
		(void)snprintf(d->note, sizeof(d->note), "none configured");
		return 0;
	}
	if (!d->has_factory || c->device_id == NULL)
		return err_set(e, ERR_CONFIG,
			       "[device] id or the factory's CA is missing");
	if (read_token(c, authorization, sizeof(authorization), e) < 0 ||
	    text_format(url, sizeof(url), e, "%s/%s/controller/v1/%s", c->server.url,
			c->server.tenant, c->device_id) < 0 ||
	    net_call_sync(&net, &r, &h, &body, e) < 0)
		return -1;
	if (h.status == 200)
		return 0;
	return err_set(e, h.status == 401 ? ERR_AUTH : ERR_UNREACHABLE,
		       "it answers %d to a poll", h.status);
}

static const struct {
	const char *name;
	int (*check)(struct doctor *d, struct err *e);
	const char *fix;
} checks[] = {
    {"factory", check_factory, "put the factory's files where [factory] dir says"},
    {"slots", check_slots, "let [slot-a] and [slot-b] name partitions that are there"},
    {"journal", check_journal, "let [journal] path name a medium of 64 KiB"},
    {"agent", check_agent, "start ota-client run, as the firmware does"},
    {"boot", check_boot, "let [boot] record name the bootloader's medium"},
    {"watchdog", check_watchdog, "set [boot] watchdog and [health] confirm-deadline"},
    {"state", check_state,
     "make the directory that [state] dir names, writable for the agent"},
    {"clock", check_clock, "set the clock, or ask for time from the network"},
    {"ca", check_ca, "give the device a ca.pem that is valid"},
    {"server", check_server,
     "look at [server] url, the network, and the token in token-file"},
};

int doctor_run(const struct client_config *c, struct err *e)
{
	struct doctor d = {.config = c};
	unsigned n_failed = 0;

	for (size_t i = 0; i < N_ELEMS(checks); i++) {
		struct err why = ERR_INIT;

		d.note[0] = '\0';
		if (checks[i].check(&d, &why) == 0) {
			(void)printf("ok    %-9s %s\n", checks[i].name, d.note);
			continue;
		}
		n_failed++;
		(void)printf("FAIL  %-9s %s\n      %-9s -> %s\n", checks[i].name,
			     why.text, "", checks[i].fix);
	}
	if (d.has_factory)
		factory_fini(&d.factory);
	if (n_failed == 0)
		return 0;
	return err_set(e, ERR_CONFLICT, "%u of %zu checks failed", n_failed,
		       N_ELEMS(checks));
}
