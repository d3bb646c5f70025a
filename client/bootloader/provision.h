/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The factory's first image: raw images and their signed descriptor go into slot A, are
 * verified by the rules of every later boot, and only then the record says that A is
 * GOOD. There is no decoder here: a production line has the images as files.
 */
#ifndef OTA_CLIENT_BOOTLOADER_PROVISION_H
#define OTA_CLIENT_BOOTLOADER_PROVISION_H

#include "steps.h"

/*
 * `descriptor_file` is a bundle (its descriptor part is taken) or a bare slot
 * descriptor of 1,024 bytes; `images` are n texts NAME=FILE, one for each image that
 * the descriptor names. ERR_CONFLICT if the medium holds a valid record already: a
 * device is provisioned once. Cut off at any point, it may simply be run again.
 */
int bootloader_provision(const struct bootloader *b, const char *descriptor_file,
			 char *const *images, size_t n_images, struct err *e) MUST_USE;

#endif
