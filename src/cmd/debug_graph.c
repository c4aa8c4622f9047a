// SPDX-License-Identifier: Apache-2.0
// `hew debug graph`: what a Dockerfile becomes, as a picture or as data. An edge goes from what is
// needed to what needs it; a dashed one carries files (COPY --from, mounts), a solid one the root
// filesystem.
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/debug.h"
#include "dockerfile/dockerfile.h"
#include "graph/graph.h"
#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {[STEP_IMAGE] = "image",
        [STEP_RUN] = "run",
        [STEP_COPY] = "copy",
        [STEP_WORKDIR] = "workdir"};

// The steps whose files a step takes, each once.
static size_t sources(const struct step *s, int *ret, size_t max)
{
	size_t n = 0;
	if (s->kind == STEP_COPY && s->copy.from.kind == FROM_STEP)
		ret[n++] = s->copy.from.step;
	for (size_t i = 0; s->kind == STEP_RUN && i < s->run.n_mounts && n < max; i++) {
		size_t k = 0;
		if (s->run.mounts[i].from.kind != FROM_STEP)
			continue;
		while (k < n && ret[k] != s->run.mounts[i].from.step)
			k++;
		if (k == n)
			ret[n++] = s->run.mounts[i].from.step;
	}
	return n;
}
#define SOURCES_MAX 256

// What is in quotes in dot's language; a label ends before it is unreadable.
static void put_dot(struct buf *out, const char *s)
{
	buf_putc(out, '"');
	for (size_t n = 0; *s && n < 120; s++, n++) {
		if (*s == '"' || *s == '\\')
			buf_putc(out, '\\');
		buf_putc(out, (unsigned char)*s < 0x20 ? ' ' : *s);
	}
	buf_puts(out, *s ? "...\"" : "\"");
}

static const char *step_label(const struct step *s)
{
	const char *end = s->name ? strstr(s->name, "] ") : NULL; // "[build 2/5] RUN x"
	return end && *s->name == '[' ? end + 2 : s->name ? s->name : "";
}

static void dot_stage(struct buf *out, const struct dockerfile *d, const struct graph *g, int stage)
{
	const struct stage *st = &d->stages[stage];
	auto_free char *name = st->name ? xstrdup(st->name) : xasprintf("stage %d", stage);
	buf_printf(out, "  subgraph cluster_%d {\n    label=", stage);
	put_dot(out, name);
	buf_puts(out, ";\n");
	for (size_t i = 0; i < g->n_steps; i++) {
		if (g->steps[i]->stage_index != stage)
			continue;
		buf_printf(out, "    s%d [label=", g->steps[i]->id);
		put_dot(out, step_label(g->steps[i]));
		buf_puts(out, "];\n");
	}
	buf_puts(out, "  }\n");
}

static void dot_edges(struct buf *out, const struct graph *g)
{
	int from[SOURCES_MAX];
	for (size_t i = 0; i < g->n_steps; i++) {
		const struct step *s = g->steps[i];
		if (s->parent >= 0)
			buf_printf(out, "  s%d -> s%d;\n", s->parent, s->id);
		size_t n = sources(s, from, SOURCES_MAX);
		for (size_t k = 0; k < n; k++)
			buf_printf(out, "  s%d -> s%d [style=dashed];\n", from[k], s->id);
	}
	if (g->results[0].step >= 0)
		buf_printf(out, "  s%d -> image;\n  image [shape=doublecircle];\n",
		        g->results[0].step);
}

static void print_dot(const struct dockerfile *d, const struct graph *g)
{
	auto_buf struct buf out = {0};
	buf_puts(&out, "digraph ");
	put_dot(&out, d->filename);
	buf_puts(&out, " {\n  node [shape=box];\n");
	for (size_t i = 0; i < g->n_steps; i++) {
		if (g->steps[i]->stage_index >= 0)
			continue;
		buf_printf(&out, "  s%d [shape=ellipse, label=", g->steps[i]->id);
		put_dot(&out, g->steps[i]->stage);
		buf_puts(&out, "];\n");
	}
	for (size_t i = 0; i < d->n_stages; i++)
		dot_stage(&out, d, g, (int)i);
	dot_edges(&out, g);
	buf_puts(&out, "}\n");
	fwrite(out.p, 1, out.n, stdout);
}

// ---- JSON

static void put_stages(struct jw *w, const struct dockerfile *d)
{
	jw_key(w, "stages");
	jw_array(w);
	for (size_t i = 0; i < d->n_stages; i++) {
		const struct stage *s = &d->stages[i];
		jw_object(w);
		jw_kv_int(w, "index", s->index);
		jw_kv(w, "name", s->name);
		jw_kv(w, "base", s->from->base);
		jw_kv_int(w, "line", s->from->pos.line);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_step(struct jw *w, const struct step *s)
{
	int from[SOURCES_MAX];
	size_t n = sources(s, from, SOURCES_MAX);
	jw_object(w);
	jw_kv_int(w, "id", s->id);
	jw_kv(w, "kind", kinds[s->kind]);
	jw_kv(w, "name", s->kind == STEP_IMAGE ? s->stage : s->name);
	jw_key(w, "stage");
	if (s->stage_index >= 0)
		jw_int(w, s->stage_index);
	else
		jw_null(w);
	jw_key(w, "parent");
	if (s->parent >= 0)
		jw_int(w, s->parent);
	else
		jw_null(w);
	jw_key(w, "from");
	jw_array(w);
	for (size_t i = 0; i < n; i++)
		jw_int(w, from[i]);
	jw_array_end(w);
	jw_kv_int(w, "line", s->pos.line);
	jw_object_end(w);
}

static void print_json(const struct dockerfile *d, const struct graph *g)
{
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	put_stages(&w, d);
	jw_key(&w, "steps");
	jw_array(&w);
	for (size_t i = 0; i < g->n_steps; i++)
		put_step(&w, g->steps[i]);
	jw_array_end(&w);
	jw_key(&w, "result");
	if (g->results[0].step >= 0)
		jw_int(&w, g->results[0].step);
	else
		jw_null(&w);
	jw_object_end(&w);
	buf_putc(&out, '\n');
	fwrite(out.p, 1, out.n, stdout);
}

void debug_print_graph(const struct dockerfile *d, const struct graph *g, bool dot)
{
	if (dot)
		print_dot(d, g);
	else
		print_json(d, g);
}
