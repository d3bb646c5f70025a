/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ota:events stream: server-sent events, of which one matters: `event: poll` means
 * "poll now". It only makes things faster; all is well without it. A stream that says
 * nothing for long (servers send comments to keep it alive) is taken for dead and
 * opened again.
 */
#include "internal.h"

#include <string.h>

#define SILENCE_MS (5 * 60 * 1000)

static void on_line(struct agent *a)
{
	struct stream *s = &a->stream;

	s->line[s->line_len] = '\0';
	if (s->line_len == 0) {
		if (s->is_poll)
			contact_soon(a);
		s->is_poll = false;
	} else if (strcmp(s->line, "event: poll") == 0 ||
		   strcmp(s->line, "event:poll") == 0) {
		s->is_poll = true;
	}
	s->line_len = 0;
}

int stream_data(struct agent *a, const void *data, size_t len, struct err *e)
{
	struct stream *s = &a->stream;
	const char *text = data;

	(void)e;
	if (s->failures > 0) /* what was said in between was missed */
		contact_soon(a);
	s->failures = 0;
	agent_timer(a, AGENT_TIMER_EVENTS, SILENCE_MS);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			on_line(a);
		else if (text[i] != '\r' && s->line_len + 1 < sizeof(s->line))
			s->line[s->line_len++] = text[i];
	}
	return 0;
}

static void again(struct agent *a, uint64_t retry_after_ms)
{
	struct stream *s = &a->stream;

	s->active = false;
	s->line_len = 0;
	s->is_poll = false;
	s->failures++;
	agent_timer(a, AGENT_TIMER_EVENTS,
		    (int64_t)backoff_ms(&a->spec.backoff, s->failures, retry_after_ms,
					agent_random(a)));
}

static void on_closed(struct agent *a, const struct net_head *h, const struct buf *body,
		      const struct err *why)
{
	(void)body;
	log_debug(a->spec.log, "agent", "the event stream ended", "why", why->text,
		  NULL);
	again(a, h->retry_after_ms);
}

void stream_start(struct agent *a)
{
	struct net_request r = {.method = "GET",
				.url = a->contact.poll.events,
				.range_start = -1,
				.range_end = -1,
				.stream = true};
	struct err e = ERR_INIT;

	/* After a failure only its timer opens it again. */
	if (a->stream.active || a->stream.failures > 0 || r.url[0] == '\0')
		return;
	if (agent_request(a, AGENT_EVENTS, &r, "Accept: text/event-stream", 0,
			  on_closed, &e) < 0) {
		agent_log_failure(a, LOG_WARN, "open the event stream", &e);
		again(a, 0);
		return;
	}
	a->stream.active = true;
	agent_timer(a, AGENT_TIMER_EVENTS, SILENCE_MS);
}

/* Either silent for too long, or time to try again. */
void stream_timer(struct agent *a)
{
	unsigned failures = a->stream.failures;

	if (a->stream.active) {
		agent_drop(a, AGENT_EVENTS);
		again(a, 0);
		return;
	}
	a->stream.failures = 0;
	stream_start(a);
	if (a->stream.active)
		a->stream.failures = failures; /* until it says something */
}
