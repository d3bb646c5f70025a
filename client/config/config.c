/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "../../common/base/text.h"

#include <string.h>
#include <sys/stat.h>

#define AT(field) offsetof(struct client_config, field)

/* clang-format off: a table */
const struct option client_config_options[] = {
    {"device", "id", OPT_TEXT, AT(device_id), NULL, "NAME",
     "The name under which the server knows this device"},
    {"factory", "dir", OPT_PATH, AT(factory_dir), NULL, "DIR",
     "What the factory left, read-only: root.json, ca.pem, boot-key-N.pub, hardware, "
     "product"},
    {"slot-a", "image", OPT_LIST, AT(slot_images[0]), NULL, "NAME:PATH",
     "An image of slot A and the partition or file it is in; up to four"},
    {"slot-a", "descriptor", OPT_PATH, AT(slot_descriptor[0]), NULL, "PATH",
     "Where slot A's signed descriptor is"},
    {"slot-b", "image", OPT_LIST, AT(slot_images[1]), NULL, "NAME:PATH",
     "An image of slot B and the partition or file it is in; up to four"},
    {"slot-b", "descriptor", OPT_PATH, AT(slot_descriptor[1]), NULL, "PATH",
     "Where slot B's signed descriptor is"},
    {"boot", "backend", OPT_TEXT, AT(boot.backend), "model", "NAME",
     "The bootloader whose slot record is used"},
    {"boot", "record", OPT_PATH, AT(boot.record), NULL, "PATH",
     "The medium with the two copies of the slot record"},
    {"boot", "erase-size", OPT_SIZE, AT(boot.erase_size_bytes), "128KiB", "SIZE",
     "The erase group of that medium: where the second copy begins"},
    {"boot", "watchdog", OPT_DURATION, AT(boot.watchdog_ms), "10s", "TIME",
     "Firmware that does not feed the watchdog for so long is reset"},
    {"boot", "reset-delay-max", OPT_DURATION, AT(boot.reset_delay_max_ms), "5s", "TIME",
     "The longest wait before firmware that resets at once is started again"},
    {"journal", "path", OPT_PATH, AT(journal_path), NULL, "PATH",
     "The medium on which an install notes how far it came"},
    {"state", "dir", OPT_PATH, AT(state_dir), NULL, "DIR",
     "What the agent keeps between boots: metadata, report counter, manifest"},
    {"server", "url", OPT_TEXT, AT(server.url), NULL, "URL",
     "The update server, https://HOST:PORT; none for a device without a network"},
    {"server", "tenant", OPT_TEXT, AT(server.tenant), "default", "NAME",
     "The tenant this device belongs to"},
    {"server", "token-file", OPT_PATH, AT(server.token_file), NULL, "FILE",
     "Holds the token by which the server knows this device"},
    {"soft", "command", OPT_TEXT, AT(soft.command), NULL, "COMMAND",
     "A program that says by exit status 0 that this device may be interrupted now; a "
     "deployment that is soft is installed then, a forced one at once"},
    {"soft", "timeout", OPT_DURATION, AT(soft.timeout_ms), "30s", "TIME",
     "A soft command that takes longer says that the device is in use"},
    {"health", "command", OPT_LIST, AT(health.command), NULL, "COMMAND",
     "A program that says by exit status 0 that this device is well; words are split "
     "at blanks"},
    {"health", "settle", OPT_DURATION, AT(health.settle_ms), "5s", "TIME",
     "How long new firmware must run before its health is checked"},
    {"health", "timeout", OPT_DURATION, AT(health.timeout_ms), "30s", "TIME",
     "A health command that takes longer has failed"},
    {"health", "retries", OPT_U64, AT(health.retries), "2", "N",
     "How often a health command that failed is tried again"},
    {"health", "server-deadline", OPT_DURATION, AT(health.server_deadline_ms), "0s",
     "TIME",
     "New firmware that has not reached the server by then is rejected; 0s: it need "
     "not"},
    {"health", "confirm-deadline", OPT_DURATION, AT(health.confirm_deadline_ms), "5m",
     "TIME", "New firmware that is not confirmed by then stops feeding the watchdog"},
    {"poll", "interval", OPT_DURATION, AT(poll.interval_ms), "5m", "TIME",
     "How often the server is asked where it does not say so itself"},
    {"poll", "retry-first", OPT_DURATION, AT(poll.retry_first_ms), "2s", "TIME",
     "The wait after the first failure; it doubles with each further one"},
    {"poll", "retry-max", OPT_DURATION, AT(poll.retry_max_ms), "10m", "TIME",
     "The longest wait after failures"},
    {"limit", "rate", OPT_SIZE, AT(limit.rate_bytes), "0", "SIZE",
     "Bytes of payload fetched per second at most; 0: no limit"},
    {"limit", "payload", OPT_SIZE, AT(limit.payload_bytes), "0", "SIZE",
     "A release with a larger payload is refused; 0: no limit"},
    {"limit", "fetch-time", OPT_DURATION, AT(limit.fetch_ms), "0s", "TIME",
     "A payload is fetched for at most so long at a stretch; 0s: no limit"},
    {"limit", "stall", OPT_DURATION, AT(limit.stall_ms), "30s", "TIME",
     "A server that sends less than 100 bytes a second for so long is given up"},
    {"limit", "connect", OPT_DURATION, AT(limit.connect_ms), "15s", "TIME",
     "A server with which no TLS connection is made in so long is given up"},
    {"delta", "memory", OPT_SIZE, AT(delta_memory_bytes), "2MiB", "SIZE",
     "Memory that applying a delta may take, 640 KiB for blocks aside; 0: full "
     "payloads "
     "only"},
    {"delta", "only", OPT_BOOL, AT(delta_only), NULL, NULL,
     "Take no full payload from a server, on a link that cannot carry one"},
    {"delta", "unwrap", OPT_TEXT, AT(unwrap.codecs), NULL, "CODECS",
     "Take deltas through compression that this device makes again: all, or of "
     "zstd,deflate,xz,lz4"},
    {"delta", "unwrap-memory", OPT_SIZE, AT(unwrap.memory_bytes), "16MiB", "SIZE",
     "Memory that decoding and encoding what is compressed may take"},
    {"delta", "unwrap-scratch", OPT_SIZE, AT(unwrap.scratch_bytes), "64MiB", "SIZE",
     "Room in [state] dir for what is compressed in one piece, while a delta is "
     "applied"},
    {"control", "socket", OPT_PATH, AT(control_socket), NULL, "PATH",
     "The local socket for status and poll-now"},
    OPTION_END,
};
/* clang-format on */

static int parse_image(const char *text, struct slot_image *ret, struct err *e)
{
	const char *colon = strchr(text, ':');

	if (colon == NULL || colon == text ||
	    (size_t)(colon - text) >= sizeof(ret->name))
		return err_set(e, ERR_CONFIG, "image \"%s\" is not NAME:PATH", text);
	memcpy(ret->name, text, (size_t)(colon - text));
	ret->name[colon - text] = '\0';
	ret->path = colon + 1;
	if (image_name_check(ret->name, e) < 0)
		return -1;
	if (ret->path[0] != '/')
		return err_set(e, ERR_CONFIG, "image \"%s\": the path is not absolute",
			       text);
	return 0;
}

static int parse_slot(const struct client_config *c, unsigned slot,
		      struct slot_layout *ret, struct err *e)
{
	const struct option_list *list = &c->slot_images[slot];

	*ret = (struct slot_layout){.descriptor = c->slot_descriptor[slot]};
	if (list->n_items == 0 || list->n_items > MAX_IMAGES)
		return err_set(e, ERR_CONFIG, "%zu images, not 1 to %d", list->n_items,
			       MAX_IMAGES);
	if (ret->descriptor == NULL)
		return err_set(e, ERR_CONFIG, "descriptor is missing");
	for (size_t i = 0; i < list->n_items; i++) {
		if (parse_image(list->items[i], &ret->images[i], e) < 0)
			return -1;
		if (slot_layout_find(ret, ret->images[i].name) >= 0)
			return err_set(e, ERR_CONFIG, "two images are named %s",
				       ret->images[i].name);
		ret->n_images++;
	}
	return 0;
}

static int check_same_names(const struct slot_layout l[N_SLOTS], struct err *e)
{
	bool same = l[0].n_images == l[1].n_images;

	for (size_t i = 0; same && i < l[0].n_images; i++)
		same = strcmp(l[0].images[i].name, l[1].images[i].name) == 0;
	if (same)
		return 0;
	return err_set(e, ERR_CONFIG,
		       "[slot-a] and [slot-b] do not have the same images in the same "
		       "order");
}

/* By a link or a detour two paths may lead to one medium. What is not there has only
 * its name. */
static bool is_same_medium(const char *a, const char *b)
{
	struct stat x, y;

	if (stat(a, &x) < 0 || stat(b, &y) < 0)
		return false;
	if (S_ISBLK(x.st_mode) && S_ISBLK(y.st_mode))
		return x.st_rdev == y.st_rdev;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int check_pair(const char *a, const char *b, struct err *e)
{
	if (a == NULL || b == NULL)
		return 0;
	if (strcmp(a, b) == 0)
		return err_set(e, ERR_CONFIG, "%s is configured for two purposes", a);
	if (is_same_medium(a, b))
		return err_set(e, ERR_CONFIG,
			       "%s and %s are one and the same medium, configured for "
			       "two purposes",
			       a, b);
	return 0;
}

/* Everything that is written must be a place of its own. */
static int check_distinct(const struct client_config *c,
			  const struct slot_layout l[N_SLOTS], struct err *e)
{
	const char *paths[N_SLOTS * (MAX_IMAGES + 1) + 2] = {c->boot.record,
							     c->journal_path};
	size_t n = 2;

	for (size_t s = 0; s < N_SLOTS; s++) {
		paths[n++] = l[s].descriptor;
		for (size_t i = 0; i < l[s].n_images; i++)
			paths[n++] = l[s].images[i].path;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (check_pair(paths[i], paths[k], e) < 0)
				return -1;
	return 0;
}

int client_config_slots(const struct client_config *c, struct slot_layout ret[N_SLOTS],
			struct err *e)
{
	static const char *const sections[N_SLOTS] = {"slot-a", "slot-b"};

	for (unsigned s = 0; s < N_SLOTS; s++) {
		if (parse_slot(c, s, &ret[s], e) < 0) {
			if (e != NULL)
				e->code = ERR_CONFIG;
			return err_wrap(e, "[%s]", sections[s]);
		}
	}
	if (check_same_names(ret, e) < 0)
		return -1;
	return check_distinct(c, ret, e);
}

int slot_layout_find(const struct slot_layout *l, const char *image_name)
{
	for (size_t i = 0; i < l->n_images; i++)
		if (strcmp(l->images[i].name, image_name) == 0)
			return (int)i;
	return -1;
}

static int open_part(const char *path, unsigned slot, const char *what, int writable,
		     struct dev **ret, struct err *e)
{
	char name[DEV_NAME_LEN + 1];

	if (text_format(name, sizeof(name), e, "slot %c %s", slot_letter(slot), what) <
	    0)
		return -1;
	return dev_open_file(path, name, writable, ret, e);
}

int slot_layout_open_image(const struct slot_layout *l, unsigned slot, size_t image,
			   int writable, struct dev **ret, struct err *e)
{
	return open_part(l->images[image].path, slot, l->images[image].name, writable,
			 ret, e);
}

int slot_layout_open_descriptor(const struct slot_layout *l, unsigned slot,
				int writable, struct dev **ret, struct err *e)
{
	return open_part(l->descriptor, slot, "descriptor", writable, ret, e);
}
