/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's configuration: one INI file that the bootloader model, the agent and the
 * firmware read. client_config_options[] defines the keys, and `ota-client
 * --print-config` lists them; docs/INTEGRATION.md has an example.
 *
 * A program's struct of values begins with a struct client_config, so that the offsets
 * in client_config_options[] hold for it:
 *
 *	struct values {
 *		struct client_config device;	// first
 *		bool once;
 *	};
 *
 * All texts belong to the option module and live as long as the program's values.
 */
#ifndef OTA_CLIENT_CONFIG_H
#define OTA_CLIENT_CONFIG_H

#include "../../common/base/option.h"
#include "../../common/format/version.h"
#include "../dev/dev.h"
#include "../slot/record.h"

struct client_config {
	const char *device_id;
	const char *factory_dir;
	struct option_list slot_images[N_SLOTS]; /* "name:/path" */
	const char *slot_descriptor[N_SLOTS];
	struct {
		const char *backend;
		const char *record;
		uint64_t erase_size_bytes;
		uint64_t watchdog_ms;
		uint64_t reset_delay_max_ms;
	} boot;
	const char *journal_path;
	const char *state_dir;
	struct {
		const char *url;
		const char *tenant;
		const char *token_file;
	} server;
	struct {
		const char *command;
		uint64_t timeout_ms;
	} soft;
	struct {
		struct option_list command;
		uint64_t settle_ms;
		uint64_t timeout_ms;
		uint64_t retries;
		uint64_t server_deadline_ms;
		uint64_t confirm_deadline_ms;
	} health;
	struct {
		uint64_t interval_ms;
		uint64_t retry_first_ms;
		uint64_t retry_max_ms;
	} poll;
	struct {
		uint64_t rate_bytes;
		uint64_t payload_bytes;
		uint64_t fetch_ms;
		uint64_t stall_ms;
		uint64_t connect_ms;
	} limit;
	uint64_t delta_memory_bytes;
	bool delta_only;
	struct {
		const char *codecs; /* "zstd,deflate", "all", NULL: none */
		uint64_t memory_bytes;
		uint64_t scratch_bytes;
	} unwrap;
	const char *control_socket;
};

extern const struct option client_config_options[];

/* Where the images of a slot and its descriptor are. Paths are borrowed from the
 * configuration. */
struct slot_image {
	char name[IMAGE_NAME_MAX_LEN + 1];
	const char *path;
};

struct slot_layout {
	struct slot_image images[MAX_IMAGES];
	size_t n_images;
	const char *descriptor;
};

/* Both slots: 1..4 images each, the same names in the same order, absolute paths,
 * no medium twice in all of them, by whatever name. ERR_CONFIG says what is wrong with
 * which key. */
int client_config_slots(const struct client_config *c, struct slot_layout ret[N_SLOTS],
			struct err *e) MUST_USE;

/* The index of an image, or -1. */
int slot_layout_find(const struct slot_layout *l, const char *image_name);

/* Opens an image of a slot, or its descriptor, as "slot B firmware". */
int slot_layout_open_image(const struct slot_layout *l, unsigned slot, size_t image,
			   int writable, struct dev **ret, struct err *e) MUST_USE;
int slot_layout_open_descriptor(const struct slot_layout *l, unsigned slot,
				int writable, struct dev **ret, struct err *e) MUST_USE;

#endif
