/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload container: a head that is authenticated and a body that is checked chunk
 * by chunk. One format for full payloads and deltas. docs/formats/container.md.
 *
 * The output of a container is its images one after the other, each zero-padded to 4
 * KiB. A segment makes a run of whole blocks of one image: 1 MiB, the image's last one
 * less; a reader takes up to 4 MiB. Its encoded bytes stand at [body_offset,
 * +body_size) of the body. Segments of a full payload are independent: any one can be
 * decoded without the others, so a reader resumes at a segment.
 *
 *	head:
 *	     0   8  magic "OTACONT1"
 *	     8   2  format = 1
 *	    10   1  kind: 0 full, 1 delta
 *	    11   1  n_images (1..4)
 *	    12   4  must_understand = 0
 *	    16   8  head_size
 *	    24   8  body_size
 *	    32   4  n_segments
 *	    36   4  codecs: bit set of 1 << enum codec that occur
 *	    40   8  memory: bytes a reader needs beyond its fixed buffers
 *	    48  16  reserved for encryption, 0
 *	    64   .  images: n_images x {size u64, salt 32, base root hash 32 (delta: the
 *	            root hash of the image it is applied to; full: 0)} = 72 bytes each
 *	     .   .  groups: for each image verity_n_groups(size) x 32 bytes
 *	     .   .  segments: n_segments x {image u8, codec u8, flags u16, n_blocks u32,
 *	            body_offset u64, body_size u64} = 24 bytes each, ascending, without
 *	            gaps in output or body
 *	     .   .  chunks: SHA-256 of each 64 KiB of the body, the last one shorter
 *
 * A full segment's encoded bytes begin with the leaf hashes of its blocks (n_blocks x
 * 32), which are checked against the groups; then the data, raw or as one zstd frame
 * (window <= 1 MiB, content size declared). A delta segment has no leaves: 512 KiB are
 * made, their leaves computed and compared with the group. A segment starts at a
 * group's border.
 *
 * In a delta, segments may be coded by CODEC_DELTA (docs/DELTA.md). SEG_MAP: a first
 * segment of its image that makes no blocks, but says where the old image's bytes went;
 * every reader of the image's other segments reads it first. SEG_CONTINUES: needs what
 * decoding the segment before has left; a reader resumes at one that has not this flag.
 *
 * CODEC_PLAN: a first segment of its image, before the map, that makes no blocks either:
 * the image is unwrapped (common/recode/plan.h). Its other segments then make the new
 * view's blocks, not the image's; first_block and n_blocks count those. Groups and root
 * hashes are of the images in any case.
 *
 * SEG_ZERO: all blocks are zero; codec and body_size are 0. All other segments have a
 * body.
 */
#ifndef OTA_FORMAT_CONTAINER_H
#define OTA_FORMAT_CONTAINER_H

#include "manifest.h"

#define CONTAINER_HEAD_MAX_BYTES (16u * 1024 * 1024)
#define CONTAINER_CHUNK (64u * 1024)
#define CONTAINER_SEGMENT (1024u * 1024)   /* bytes of output a maker should choose */
#define CONTAINER_MAX_SEGMENT_BLOCKS 1024u /* a reader must take 4 MiB of output */
#define CONTAINER_WINDOW_LOG 20

enum container_kind { CONTAINER_FULL = 0, CONTAINER_DELTA = 1 };
enum codec { CODEC_RAW, CODEC_ZSTD, CODEC_DELTA, CODEC_PLAN, N_CODECS };

#define SEG_ZERO 0x0001u
#define SEG_CONTINUES 0x0002u
#define SEG_MAP 0x0004u

struct segment {
	uint8_t image;
	uint8_t codec;
	uint16_t flags;
	uint32_t n_blocks;
	uint64_t first_block; /* of its image or its view; derived while parsing */
	uint64_t body_offset;
	uint64_t body_size;
};

struct container_image {
	uint64_t size;
	uint8_t salt[VERITY_SALT_LEN];
	uint8_t base_root[SHA256_LEN];
	const uint8_t *groups; /* n_groups x 32, into the head's own copy */
	size_t n_groups;
};

struct container_head {
	enum container_kind kind;
	uint64_t body_size;
	uint32_t codecs;
	uint64_t memory;
	struct container_image images[MAX_IMAGES];
	size_t n_images;
	struct segment *segments;
	size_t n_segments;
	const uint8_t *chunks; /* n_chunks x 32 */
	size_t n_chunks;
	uint8_t *bytes; /* the head as read; owned */
};

/* Parses and checks everything above (order, gaps, sizes, limits); copies data. */
int container_head_parse(const void *data, size_t len, struct container_head *ret,
			 struct err *e) MUST_USE;
void container_head_fini(struct container_head *h);

/* Images, sizes, salts as in the manifest; the groups lead to its root hashes; body
 * size. After this every group hash is as trusted as the manifest. */
int container_check_matches(const struct container_head *h, const struct manifest *m,
			    struct err *e) MUST_USE;

/* The plan's segment of an image, NULL if it is not unwrapped. */
const struct segment *container_plan(const struct container_head *h, unsigned image);
/* Blocks that an image's segments make: of the image, or of its view. */
uint64_t container_made_blocks(const struct container_head *h, unsigned image);

/* 0 if data (len = this chunk's length) is chunk `index` of the body; else
 * ERR_DIGEST. */
int container_check_chunk(const struct container_head *h, size_t index,
			  const void *data, size_t len, struct err *e) MUST_USE;
size_t container_chunk_len(const struct container_head *h, size_t index);

/*
 * Writing the head, for makers. Fill a container_head (segments, groups and chunks may
 * point anywhere), then lay it out; parse of the result gives the same.
 */
int container_head_write(const struct container_head *h, struct buf *ret,
			 struct err *e) MUST_USE;

#endif
