// SPDX-License-Identifier: Apache-2.0
// Any bytes as a Dockerfile, and as an ONBUILD trigger. What parses is walked and shown, so that
// every string is touched; every mount is expanded.
#include "base/buf.h"
#include "base/err.h"
#include "dockerfile/dockerfile.h"
#include "dockerfile/expand.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *get(void *arg, const char *name)
{
	return name[0] == 'S' ? "a b" : NULL;
}

static size_t touch(const struct instr *in)
{
	struct expand_env env = {.get = get, .escape = '\\'};
	size_t sum = strlen(in->original) + strlen(in->keyword);
	for (size_t i = 0; i < in->n_words; i++)
		sum += strlen(in->words[i]);
	for (size_t i = 0; i < in->n_pairs; i++)
		sum += strlen(in->pairs[i].key) +
		       (in->pairs[i].value ? strlen(in->pairs[i].value) : 0);
	for (size_t i = 0; i < in->n_heredocs; i++)
		sum += strlen(in->heredocs[i].name) + strlen(in->heredocs[i].body);
	for (size_t i = 0; i < in->n_mounts; i++) {
		auto_arena struct arena a = {0};
		struct err e = ERR_INIT;
		struct mount_spec m;
		sum += dockerfile_expand_mount(&a, &in->mounts[i], &env, &m, &e) == 0;
	}
	for (const char *const *s = in->checks ? in->checks->skip : NULL; s && *s; s++)
		sum += strlen(*s);
	for (const char *const *s = in->comments; s && *s; s++)
		sum += strlen(*s);
	return sum + (in->trigger ? touch(in->trigger) : 0);
}

static void walk(const struct dockerfile *d)
{
	auto_buf struct buf b = {0};
	size_t sum = 0;
	for (size_t i = 0; i < d->n_global_args; i++)
		sum += touch(d->global_args[i]);
	for (size_t i = 0; i < d->n_stages; i++) {
		const struct stage *s = &d->stages[i];
		sum += touch(s->from);
		for (size_t k = 0; k < s->n_instrs; k++) {
			const struct pos p = s->instrs[k]->pos;
			assert(p.line >= 1 && p.end_line >= p.line);
			assert((size_t)p.end_line <= d->n_lines);
			sum += touch(s->instrs[k]);
		}
		dockerfile_excerpt(d, s->pos, &b);
	}
	dockerfile_dump(d, &b);
	for (size_t i = 0; i < d->n_warnings; i++)
		sum += strlen(d->warnings[i].detail);
	assert(sum + b.n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	auto_dockerfile struct dockerfile *d =
	        dockerfile_parse((const char *)data, size, "Dockerfile", &e);
	if (d)
		walk(d);
	else // what is wrong in a check directive has no line, as in BuildKit
		assert(e.kind == ERR_DOCKERFILE &&
		        (e.pos.line > 0 || strstr(e.msg, "check option")) && e.msg[0]);

	auto_arena struct arena a = {0};
	auto_free char *text = xstrndup((const char *)data, size);
	struct instr *in = dockerfile_parse_trigger(&a, text, &e);
	if (in)
		assert(touch(in) > 0);
	return 0;
}
