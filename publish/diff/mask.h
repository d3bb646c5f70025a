/* SPDX-License-Identifier: Apache-2.0 */
/* Both images without what address prediction will fill in, for finding pieces. */
#ifndef OTA_PUBLISH_MASK_H
#define OTA_PUBLISH_MASK_H

#include <stdint.h>

/* Sets every reference of code in data to 0, by what the bytes look like. */
void mask_references(uint8_t *data, uint32_t size);

#endif
