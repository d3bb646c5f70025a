/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota-delta-maker: one delta from one payload to another, in a process of its own.
 *
 * The server starts it for each delta: what it needs of memory and processor is bounded
 * here, and if a payload takes it down, nothing else goes with it. It reads four files
 * and writes two, which nobody uses before they were hashed by the server; what became
 * of it goes to the descriptor that it was given (maker.h). Each image is made, applied
 * by the decoder that devices have, and compared (publish/diff/patch.h).
 */
#include "../../common/base/file.h"
#include "../../common/base/option.h"
#include "../../common/base/text.h"
#include "../../publish/bundle/unpack.h"
#include "../../publish/unwrap/wrapped.h"
#include "maker.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NICE 19
#define BODY_MAX ((size_t)1 << 32)
/* Of a device, for a delta that is worth making. */
#define UNWRAP_MEMORY (64u << 20)
#define UNWRAP_SCRATCH (256u << 20)

struct values {
	const char *old_head, *old_body, *new_head, *new_body; /* to read */
	const char *head, *body;			       /* to write */
	uint64_t memory, fd;
	bool unwrap;
};

/* A payload: its head, and its body to read from. */
struct payload {
	struct container_head head;
	int fd;
};

static void payload_fini(struct payload *p)
{
	container_head_fini(&p->head);
	cleanup_close_(&p->fd);
}

static int payload_open(struct payload *p, const char *head, const char *body,
			struct err *e)
{
	AUTO(buf) struct buf bytes = BUF_INIT(CONTAINER_HEAD_MAX_BYTES);
	struct stat st;

	if (file_read(head, &bytes, e) < 0 ||
	    container_head_parse(bytes.data, bytes.len, &p->head, e) < 0)
		return -1;
	p->fd = open(body, O_RDONLY | O_CLOEXEC);
	if (p->fd < 0 || fstat(p->fd, &st) < 0)
		return err_sys(e, "%s", body);
	if ((uint64_t)st.st_size != p->head.body_size)
		return err_set(e, ERR_FORMAT, "a body of another size");
	return 0;
}

static int read_body(void *ctx, void *ret_data, size_t len, uint64_t offset,
		     struct err *e)
{
	const struct payload *p = ctx;

	return fd_pread_full(p->fd, ret_data, len, offset, e);
}

static uint8_t *unpack(struct payload *p, size_t index, struct err *e)
{
	const struct unpack_source body = {read_body, p};
	uint64_t size = verity_n_blocks(p->head.images[index].size) * VERITY_BLOCK;
	uint8_t *data = malloc((size_t)size);

	if (data == NULL) {
		(void)err_nomem(e);
		return NULL;
	}
	if (unpack_image(&p->head, index, &body, data, e) < 0) {
		free(data);
		return NULL;
	}
	return data;
}

static int check_pair(const struct payload *from, const struct payload *to,
		      struct err *e)
{
	if (from->head.n_images != to->head.n_images)
		return err_set(e, ERR_UNSUPPORTED, "%zu images become %zu",
			       from->head.n_images, to->head.n_images);
	for (size_t i = 0; i < to->head.n_images; i++) {
		if (memcmp(from->head.images[i].salt, to->head.images[i].salt,
			   VERITY_SALT_LEN) != 0)
			return err_set(e, ERR_UNSUPPORTED,
				       "image %zu is hashed with another salt", i);
	}
	return 0;
}

struct made {
	bool unwrap;
	struct recode_plan plans[MAX_IMAGES]; /* of those that are unwrapped */
	size_t n_plans;
	struct buf heads[MAX_IMAGES], bodies[MAX_IMAGES];
	struct buf head, body;
};

static void made_init(struct made *m)
{
	*m = (struct made){0};
	for (size_t i = 0; i < MAX_IMAGES; i++) {
		buf_init(&m->heads[i], CONTAINER_HEAD_MAX_BYTES);
		buf_init(&m->bodies[i], BODY_MAX);
	}
	buf_init(&m->head, CONTAINER_HEAD_MAX_BYTES);
	buf_init(&m->body, BODY_MAX);
}

static void made_fini(struct made *m)
{
	for (size_t i = 0; i < MAX_IMAGES; i++) {
		recode_plan_fini(&m->plans[i]);
		buf_fini(&m->heads[i]);
		buf_fini(&m->bodies[i]);
	}
	buf_fini(&m->head);
	buf_fini(&m->body);
}

static int read_made(void *ctx, void *ret_data, size_t len, uint64_t offset,
		     struct err *e)
{
	const struct buf *body = ctx;

	if (offset > body->len || len > body->len - offset)
		return err_set(e, ERR_RANGE, "beyond the body");
	memcpy(ret_data, body->data + offset, len);
	return 0;
}

/* What it needs is in its plan. */
static int keep_plan(struct made *m, size_t index, struct err *e)
{
	const struct delta_source body = {read_made, &m->bodies[index],
					  m->bodies[index].len};
	AUTO(container_head) struct container_head h = {0};

	if (container_head_parse(m->heads[index].data, m->heads[index].len, &h, e) <
		0 ||
	    wrapped_read_plan(&h, &body, &m->plans[m->n_plans], e) < 0)
		return -1;
	m->n_plans++;
	return 0;
}

/* Which devices can apply it is for the server to see. */
static int make_unwrapped(const struct patch_spec *spec, size_t index, struct made *m,
			  bool *ret_made, struct err *e)
{
	const struct recode_means means = {
	    recode_codecs,
	    {.memory_bytes = UNWRAP_MEMORY, .scratch_bytes = UNWRAP_SCRATCH}};
	struct unwrap_report report = {0};

	*ret_made = false;
	if (!m->unwrap)
		return 0;
	if (wrapped_make(spec, &means, &m->heads[index], &m->bodies[index], &report,
			 e) < 0)
		return -1;
	*ret_made = report.n_proven > 0;
	return *ret_made ? keep_plan(m, index, e) : 0;
}

static int make_image(struct payload *from, struct payload *to, size_t index,
		      struct made *m, struct err *e)
{
	AUTO_FREE uint8_t *old_data = unpack(from, index, e);
	AUTO_FREE uint8_t *new_data = old_data == NULL ? NULL : unpack(to, index, e);
	struct patch_spec spec = {
	    .old_data = old_data,
	    .old_size = from->head.images[index].size,
	    .new_data = new_data,
	    .new_size = to->head.images[index].size,
	};
	bool made;

	if (new_data == NULL)
		return -1;
	memcpy(spec.salt, to->head.images[index].salt, VERITY_SALT_LEN);
	if (make_unwrapped(&spec, index, m, &made, e) < 0)
		return -1;
	return made ? 0 : patch_make(&spec, &m->heads[index], &m->bodies[index], e);
}

static int make(struct payload *from, struct payload *to, struct made *m, struct err *e)
{
	struct patch_part parts[MAX_IMAGES];

	if (check_pair(from, to, e) < 0)
		return -1;
	for (size_t i = 0; i < to->head.n_images; i++) {
		if (make_image(from, to, i, m, e) < 0)
			return err_wrap(e, "image %zu", i);
		parts[i] = (struct patch_part){m->heads[i].data, m->heads[i].len,
					       m->bodies[i].data, m->bodies[i].len};
	}
	if (m->unwrap && m->n_plans == 0)
		return err_set(
		    e, ERR_UNSUPPORTED,
		    "nothing that changed is compressed in a way that can be "
		    "made again");
	return patch_join(parts, to->head.n_images, &m->head, &m->body, e);
}

static int say_made(const struct made *m, char ret[MAKER_TEXT_LEN], struct err *e)
{
	char needs[WRAPPED_NEEDS_LEN + 1] = "";

	if (m->n_plans > 0 && wrapped_needs(m->plans, m->n_plans, needs, e) < 0)
		return -1;
	return text_format(ret, MAKER_TEXT_LEN, e, "%s%s%s", MAKER_MADE,
			   needs[0] != '\0' ? " " : "", needs);
}

static int write_made(const struct values *v, const struct made *m, struct err *e)
{
	if (file_replace(v->head, m->head.data, m->head.len, 0640, e) < 0)
		return -1;
	return file_replace(v->body, m->body.data, m->body.len, 0640, e);
}

static int check_values(const struct values *v, struct err *e)
{
	if (v->old_head == NULL || v->old_body == NULL || v->new_head == NULL ||
	    v->new_body == NULL || v->head == NULL || v->body == NULL || v->fd < 3 ||
	    v->fd > 1023)
		return err_set(e, ERR_USAGE,
			       "this program is started by ota-server, which names its "
			       "files");
	return 0;
}

/* From here on: not before anybody else's turn, and no more memory than that. */
static int be_modest(uint64_t memory, struct err *e)
{
	const struct rlimit limit = {memory, memory}, no_core = {0, 0};

	if (nice(NICE) < 0)
		return err_sys(e, "nice");
	if ((memory > 0 && setrlimit(RLIMIT_AS, &limit) < 0) ||
	    setrlimit(RLIMIT_CORE, &no_core) < 0)
		return err_sys(e, "limit memory");
	return 0;
}

static int run(void *values, int n_operands, char **operands, const struct log *log,
	       struct err *e)
{
	const struct values *v = values;
	struct payload from = {.fd = -1}, to = {.fd = -1};
	struct made m;
	char text[MAKER_TEXT_LEN];
	int result;

	(void)n_operands;
	(void)operands;
	(void)log;
	if (check_values(v, e) < 0 || be_modest(v->memory, e) < 0)
		return -1;
	made_init(&m);
	m.unwrap = v->unwrap;
	result = payload_open(&from, v->old_head, v->old_body, e);
	if (result == 0)
		result = payload_open(&to, v->new_head, v->new_body, e);
	if (result == 0)
		result = make(&from, &to, &m, e);
	if (result == 0)
		result = write_made(v, &m, e);
	if (result == 0)
		result = say_made(&m, text, e);
	if (result < 0)
		(void)snprintf(text, sizeof(text), "%s", e->text);
	made_fini(&m);
	payload_fini(&from);
	payload_fini(&to);
	return fd_write_full((int)v->fd, text, strlen(text), e);
}

#define AT(field) offsetof(struct values, field)

static const struct option options[] = {
    {NULL, "old-head", OPT_PATH, AT(old_head), NULL, "FILE",
     "The head of the payload that devices run"},
    {NULL, "old-body", OPT_PATH, AT(old_body), NULL, "FILE", "Its body"},
    {NULL, "new-head", OPT_PATH, AT(new_head), NULL, "FILE",
     "The head of the payload they are to get"},
    {NULL, "new-body", OPT_PATH, AT(new_body), NULL, "FILE", "Its body"},
    {NULL, "head", OPT_PATH, AT(head), NULL, "FILE", "Where the delta's head goes"},
    {NULL, "body", OPT_PATH, AT(body), NULL, "FILE", "Where its body goes"},
    {NULL, "unwrap", OPT_FLAG, AT(unwrap), NULL, NULL,
     "Look through compression that devices make again"},
    {NULL, "memory", OPT_SIZE, AT(memory), "0", NULL,
     "Take no more than this; 0: no limit"},
    {NULL, "fd", OPT_U64, AT(fd), NULL, "N",
     "The inherited pipe that is told what became of it"},
    OPTION_END,
};

static const struct command commands[] = {
    {"", "", 0, 0, NULL, "make one delta", run},
    {.name = NULL},
};

int main(int argc, char **argv)
{
	struct values values = {0};
	const struct program program = {
	    .name = "ota-delta-maker",
	    .summary = "Make the delta from one payload to another",
	    .description = "Started by ota-server, once for each delta.",
	    .options = options,
	    .commands = commands,
	    .values = &values,
	};

	return program_main(&program, argc, argv);
}
