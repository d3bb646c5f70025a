/* SPDX-License-Identifier: Apache-2.0 */
/* The least that a device needs to keep a release: settle, check health, confirm or
 * reject, feed the watchdog. */
#include "run_agent.h"

#include "../../common/base/clock.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define MAX_WORDS 16
#define MODULE "firmware"

struct health {
	struct option_list commands;
	const char *override;
};

/* Exit status 0 of the command, split at blanks. */
static int run_command(const char *command, struct err *e)
{
	AUTO_FREE char *words = strdup(command);
	char *argv[MAX_WORDS + 1] = {NULL}, *save = NULL;
	size_t n = 0;
	int status;
	pid_t pid;

	if (words == NULL)
		return err_nomem(e);
	for (char *w = strtok_r(words, " ", &save); w != NULL && n < MAX_WORDS;
	     w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	if (n == 0 || posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0)
		return err_set(e, ERR_CONFIG, "health command \"%s\" does not start",
			       command);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "wait");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, ERR_CONFLICT, "health command \"%s\" failed",
			       command);
	return 0;
}

static int check_health(const struct health *h, struct err *e)
{
	if (h->override != NULL)
		return run_command(h->override, e);
	for (size_t i = 0; i < h->commands.n_items; i++)
		if (run_command(h->commands.items[i], e) < 0)
			return -1;
	return 0;
}

/* Feeds until then; for ever if negative. */
static int live(struct boot *b, uint64_t watchdog_ms, int64_t until_ms, struct err *e)
{
	while (until_ms < 0 || clock_mono_ms(&clock_system) < until_ms) {
		int64_t left = until_ms - clock_mono_ms(&clock_system);
		int64_t nap = (int64_t)watchdog_ms / 4;

		if (boot_watchdog_feed(b, e) < 0)
			return -1;
		if (until_ms >= 0 && left < nap)
			nap = left;
		if (nap > 0)
			(void)usleep((useconds_t)(nap * 1000));
	}
	return 0;
}

/* The verdict on a slot that is tried. */
static int judge(const struct health *h, struct boot *b, const struct handover *ho,
		 const struct log *log, struct err *e)
{
	struct slot_record r;
	struct err why = ERR_INIT;

	if (boot_load(b, &r, e) < 0)
		return -1;
	if (check_health(h, &why) == 0) {
		if (record_confirm(&r, ho->slot, ho->root_hash, e) < 0 ||
		    boot_store(b, &r, e) < 0)
			return -1;
		log_info(log, MODULE, "confirmed", "version", ho->version, NULL);
		return 0;
	}
	log_failure(log, LOG_ERROR, MODULE, "rejected", &why);
	if (record_reject(&r, ho->slot, REASON_HEALTH, e) < 0 ||
	    boot_store(b, &r, e) < 0)
		return -1;
	return boot_reboot(b, e);
}

int run_agent(const struct client_config *c, struct boot *b, const char *health_command,
	      const struct log *log, struct err *e)
{
	struct health h = {c->health.command, health_command};
	int64_t settled_ms =
	    clock_mono_ms(&clock_system) + (int64_t)c->health.settle_ms;
	struct handover ho;
	struct slot_record r;

	if (boot_handover(b, &ho, e) < 0 || boot_load(b, &r, e) < 0)
		return -1;
	if (r.slots[ho.slot].state == SLOT_TRYING &&
	    (live(b, c->boot.watchdog_ms, settled_ms, e) < 0 ||
	     judge(&h, b, &ho, log, e) < 0))
		return -1;
	return live(b, c->boot.watchdog_ms, -1, e);
}
