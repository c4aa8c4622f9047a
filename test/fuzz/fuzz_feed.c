// SPDX-License-Identifier: Apache-2.0
// Advisory data of every kind, as it is recognised: OSV records, Debian's tracker and lists, secdb,
// the catalog of exploited flaws, EPSS and the other tables. What is broken is told and passed
// over.
#include "advisory/feed-int.h"
#include "base/err.h"
#include "base/mem.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t read_rest(void *arg, void *p, size_t n, struct err *e)
{
	struct str *s = arg;
	if (n > s->n)
		n = s->n;
	memcpy(p, s->p, n);
	s->p += n;
	s->n -= n;
	return (ssize_t)n;
}

static int broken(void *arg, const char *name, size_t line, const char *why, struct err *e)
{
	assert(*why);
	return 0;
}

#define RUNS_OF_A_STAGE 1000 // opening one takes longer than most inputs do

static struct stage *fresh_stage(void)
{
	static struct stage stage;
	static unsigned runs;
	struct err e = ERR_INIT;
	if (runs++ % RUNS_OF_A_STAGE == 0) {
		if (stage.sql.db)
			stage_close(&stage);
		assert(stage_open(&stage, &e) == 0);
	}
	return &stage;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct str head, rest = {(const char *)data, size};
	auto_free char *window = xmalloc(INPUT_WINDOW);
	struct input in = {.name = "alpine.jsonl",
	        .read = read_rest,
	        .arg = &rest,
	        .window = window,
	        .left = UINT64_MAX};
	struct feed f = {.stage = fresh_stage(), .in = &in, .broken = broken};
	assert(input_peek(&in, &head, &e) == 0);
	feed_reader *reader = feed_recognise(in.name, head);
	if (!reader)
		return 0;
	if (reader(&f, &e))
		assert(e.kind == ERR_CORRUPT);
	return 0;
}
