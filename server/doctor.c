/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a server and what to do about it. Looks, changes nothing, and
 * works while the server runs. A row each: ok, warning (works, will not for ever) or
 * fault.
 */
#include "server.h"

#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/base/text.h"
#include "../common/crypto/x509.h"
#include "../common/json/json.h"
#include "../publish/repo/repo.h"
#include "signer/signer.h"
#include "audit/audit_log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define FREE_FAULT_BYTES (64ull << 20)
#define FREE_WARNING_BYTES (1ull << 30)
#define BUILT_AT_MS 1767225600000 /* 2026-01-01: no clock of today is before it */

enum grade_of_health { FINE, WARNING, FAULT };

struct finding {
	enum grade_of_health grade;
	char what[32];
	char text[ERR_TEXT_LEN + 64];
	char fix[192];
};

#define MAX_FINDINGS 24

struct doctor {
	const struct settings *settings;
	const struct log *log;
	struct data_dir dir;
	bool running; /* a server holds the lock */
	struct finding findings[MAX_FINDINGS];
	size_t n;
};

static void note(struct doctor *d, enum grade_of_health grade, const char *what,
		 const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void note(struct doctor *d, enum grade_of_health grade, const char *what,
		 const char *fix, const char *fmt, ...)
{
	struct finding *f = &d->findings[d->n];
	va_list ap;

	if (d->n == MAX_FINDINGS)
		return;
	d->n++;
	f->grade = grade;
	(void)snprintf(f->what, sizeof(f->what), "%s", what);
	(void)snprintf(f->fix, sizeof(f->fix), "%s", grade == FINE ? "" : fix);
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

static void look_at_directory(struct doctor *d)
{
	if (access(d->dir.root, R_OK | W_OK | X_OK) < 0)
		note(d, FAULT, "data directory",
		     "give its user the right to write there", "%s cannot be written",
		     d->dir.root);
	else
		note(d, FINE, "data directory", "", "%s", d->dir.root);
}

static void look_at_space(struct doctor *d)
{
	struct statvfs v;
	uint64_t left;
	char text[32];

	if (statvfs(d->dir.root, &v) < 0) {
		note(d, FAULT, "disk", "mount it", "%s cannot be looked at",
		     d->dir.root);
		return;
	}
	left = (uint64_t)v.f_bavail * v.f_frsize;
	size_format(left, text, sizeof(text));
	note(d,
	     left < FREE_FAULT_BYTES	 ? FAULT
	     : left < FREE_WARNING_BYTES ? WARNING
					 : FINE,
	     "disk", "free space, or move the data directory", "%s free", text);
}

static void look_at_clock(struct doctor *d)
{
	char text[TIME_TEXT_LEN + 1];
	int64_t now_ms = clock_utc_ms(&clock_system);

	time_format(now_ms, text);
	note(d, now_ms < BUILT_AT_MS ? FAULT : FINE, "clock",
	     "set it: what is signed now would have expired already", "%s", text);
}

/* Another process's lock is seen without taking it for longer than the look. */
static void look_at_process(struct doctor *d)
{
	AUTO_CLOSE int fd = open(d->dir.lock, O_RDWR | O_CLOEXEC);
	struct err e = ERR_INIT;
	int taken = -1;

	if (fd < 0) {
		note(d, WARNING, "process", "start it: ota-server run",
		     "never started here");
		return;
	}
	d->running = file_lock(d->dir.lock, &taken, &e) < 0 && e.code == ERR_CONFLICT;
	if (taken >= 0)
		(void)close(taken);
	note(d, d->running ? FINE : WARNING, "process", "start it: ota-server run",
	     "%s", d->running ? "a server runs" : "no server runs");
}

static void note_expiry(struct doctor *d, const char *what, int64_t at_ms,
			int64_t soon_ms, const char *fix)
{
	int64_t left_ms = at_ms - clock_utc_ms(&clock_system);
	char text[TIME_TEXT_LEN + 1];

	time_format(at_ms, text);
	note(d,
	     left_ms < 0	 ? FAULT
	     : left_ms < soon_ms ? WARNING
				 : FINE,
	     what, fix, "%s %s (%lld days)", left_ms < 0 ? "expired" : "valid until",
	     text, (long long)(left_ms / DAY_MS));
}

static void look_at_certificate(struct doctor *d, const char *what, const char *path,
				const char *fix)
{
	AUTO(buf) struct buf pem = BUF_INIT(1u << 20);
	int64_t from_ms, to_ms;
	struct err e = ERR_INIT;

	if (file_read(path, &pem, &e) < 0 ||
	    x509_validity(buf_str(&pem), &from_ms, &to_ms, &e) < 0)
		note(d, FAULT, what, fix, "%s: %s", path, e.text);
	else
		note_expiry(d, what, to_ms, 14 * DAY_MS, fix);
}

static void look_at_certificates(struct doctor *d)
{
	char path[PATH_MAX];
	struct err e = ERR_INIT;

	if (d->settings->certificate != NULL) {
		look_at_certificate(d, "certificate", d->settings->certificate,
				    "replace the files and send SIGHUP");
		return;
	}
	if (text_format(path, sizeof(path), &e, "%s/ca.pem", d->dir.root) == 0)
		look_at_certificate(d, "CA", path,
				    "start the server once: it makes one");
	if (text_format(path, sizeof(path), &e, "%s/server.pem", d->dir.root) == 0)
		look_at_certificate(d, "certificate", path,
				    "a running server renews it");
}

static void look_at_role(struct doctor *d, struct store *s, enum metadata_role role,
			 const char *fix, int64_t soon_ms)
{
	struct err e = ERR_INIT;
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_METADATA_GET, NULL, NULL, NULL, &e);
	const char *name = metadata_role_name(role);
	uint64_t version;
	int64_t expires_ms;

	if (c == NULL)
		return;
	c->in.metadata.role = role;
	if (store_wait(s, c, &e) < 0) {
		note(d, e.code == ERR_NOT_FOUND ? WARNING : FAULT, name,
		     "ota keys init, then ota release push", "%s",
		     e.code == ERR_NOT_FOUND ? "not published yet" : e.text);
		return;
	}
	if (repo_peek(buf_str(&c->blob), c->blob.len, name, &version, &expires_ms, &e) <
	    0)
		note(d, FAULT, name, "restore a backup", "%s", e.text);
	else
		note_expiry(d, name, expires_ms, soon_ms, fix);
}

static void look_at_repository(struct doctor *d, struct store *s)
{
	look_at_role(d, s, ROLE_ROOT, "make the next root with the offline keys",
		     60 * DAY_MS);
	look_at_role(d, s, ROLE_TARGETS, "sign targets anew: ota release sign",
		     30 * DAY_MS);
	look_at_role(d, s, ROLE_SNAPSHOT,
		     "look at the signer; a running server renews it", DAY_MS);
	look_at_role(d, s, ROLE_TIMESTAMP,
		     "look at the signer; a running server renews it", DAY_MS);
}

static void look_at_log(struct doctor *d, struct audit_log *l, const char *tenant)
{
	struct err e = ERR_INIT;
	uint64_t n;

	if (audit_log_check(l, tenant, &n, &e) < 0)
		note(d, FAULT, "audit log",
		     "find out who wrote to the database; after a restore: ota-server "
		     "admin accept-audit",
		     "of %s: %s", tenant, e.text);
	else
		note(d, FINE, "audit log", "", "of %s: %llu entries, whole", tenant,
		     (unsigned long long)n);
}

/* Its key is born when the server starts; looking makes none. */
static void look_at_audit(struct doctor *d, struct store *s)
{
	struct err e = ERR_INIT;
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_TENANT_LIST, NULL, NULL, NULL, &e);
	AUTO_PTR(audit_log) struct audit_log *l = NULL;
	char path[PATH_MAX];

	if (text_format(path, sizeof(path), &e, "%s/audit.key", d->dir.root) < 0 ||
	    !file_exists(path)) {
		note(d, WARNING, "audit log", "start the server", "not signed yet");
		return;
	}
	l = start_audit(d->settings, &d->dir, s, d->log, &e);
	if (l == NULL || c == NULL || store_wait(s, c, &e) < 0) {
		note(d, FAULT, "audit log", "see the sentence", "%s", e.text);
		return;
	}
	for (size_t i = 0; i < c->n_items; i++)
		look_at_log(d, l, ((const struct tenant *)c->items)[i].name);
}

static void look_at_database(struct doctor *d)
{
	struct err e = ERR_INIT;
	AUTO_PTR(store_call)
	struct store_call *c = store_call_new(STORE_CHECK, NULL, NULL, NULL, &e);
	struct store *s;
	const struct store_place place = store_place_of(d->settings, &d->dir);
	char size[32];

	if (store_place_is_file(&place) && !file_exists(d->dir.database)) {
		note(d, WARNING, "database", "start the server once: it makes one",
		     "none yet");
		return;
	}
	s = store_open(&place, STORE_LOOK, d->log, &e);
	if (s == NULL && e.code == ERR_PRECONDITION) {
		note(d, WARNING, "database", "start the server",
		     "older than schema %u: will be migrated at the next start, after "
		     "a backup",
		     store_schema());
	} else if (s == NULL || c == NULL || store_wait(s, c, &e) < 0) {
		note(d, FAULT, "database",
		     "see the sentence; a backup lies beside it if a "
		     "migration was begun",
		     "%s", e.text);
	} else {
		size_format(c->out.check.size_bytes, size, sizeof(size));
		note(d, FINE, "database", "", "schema %u of %u, sound, %s",
		     c->out.check.schema, store_schema(), size);
		look_at_repository(d, s);
		look_at_audit(d, s);
	}
	store_close(s);
}

/* While a server runs the signer is its child, and starting a second one would disturb
 * it. */
static void look_at_signer(struct doctor *d)
{
	struct err e = ERR_INIT;
	AUTO_PTR(signer) struct signer *s = NULL;
	char program[PATH_MAX];
	const struct signer_config c = {.program = program, .dir = d->dir.signer};

	if (find_signer(d->settings, program, &e) < 0) {
		note(d, FAULT, "signer", "install ota-signer beside ota-server", "%s",
		     e.text);
		return;
	}
	if (d->running || !file_exists(d->dir.signer)) {
		note(d, FINE, "signer", "", "%s", program);
		return;
	}
	s = signer_new(&c, d->log, &e);
	if (s == NULL || signer_ping(s, &e) < 0)
		note(d, FAULT, "signer", "see the sentence; its directory is signer/",
		     "%s", e.text);
	else
		note(d, FINE, "signer", "", "its keys are readable and it answers");
}

/* ---- telling ---- */

static const char *grade_word(enum grade_of_health g)
{
	return g == FINE ? "ok" : g == WARNING ? "warning" : "FAULT";
}

static void print_table(const struct doctor *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->findings[i];

		(void)printf("%-8s %-15s %s\n", grade_word(f->grade), f->what, f->text);
		if (f->fix[0] != '\0')
			(void)printf("%-8s %-15s -> %s\n", "", "", f->fix);
	}
}

static int print_json(const struct doctor *d, struct err *e)
{
	AUTO_PTR(json) struct json *list = json_new_array();
	AUTO(buf) struct buf text = BUF_INIT(64u * 1024);

	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->findings[i];
		AUTO_PTR(json) struct json *o = json_new_object();

		if (o == NULL ||
		    json_set(o, "state", json_new_text(grade_word(f->grade)), e) < 0 ||
		    json_set(o, "what", json_new_text(f->what), e) < 0 ||
		    json_set(o, "text", json_new_text(f->text), e) < 0 ||
		    json_set(o, "fix", json_new_text(f->fix), e) < 0 ||
		    json_append(list, TAKE(o), e) < 0)
			return -1;
	}
	if (json_write(list, &text, e) < 0)
		return -1;
	(void)printf("%s\n", buf_str(&text));
	return 0;
}

int command_doctor(void *values, int n, char **operands, const struct log *log,
		   struct err *e)
{
	struct doctor d = {.settings = values, .log = log};
	size_t faults = 0;

	(void)n;
	(void)operands;
	if (data_dir_open(values, false, &d.dir, e) < 0)
		return -1;
	look_at_directory(&d);
	look_at_space(&d);
	look_at_clock(&d);
	look_at_process(&d);
	look_at_database(&d);
	look_at_certificates(&d);
	look_at_signer(&d);
	for (size_t i = 0; i < d.n; i++)
		faults += d.findings[i].grade == FAULT;
	if (!d.settings->json)
		print_table(&d);
	else if (print_json(&d, e) < 0)
		return -1;
	if (faults > 0)
		return err_set(e, ERR_INTERNAL, "%zu %s to mend", faults,
			       faults == 1 ? "fault" : "faults");
	return 0;
}
