// SPDX-License-Identifier: Apache-2.0
// `hew debug parse --format json`: every instruction with its place and its words as written.
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/debug.h"
#include "dockerfile/dockerfile.h"
#include <stdio.h>

static void put_list(struct jw *w, const char *key, const char *const *v, size_t n)
{
	if (n == 0)
		return;
	jw_key(w, key);
	jw_array(w);
	for (size_t i = 0; i < n; i++)
		jw_str(w, v[i]);
	jw_array_end(w);
}

static void put_heredocs(struct jw *w, const struct instr *in)
{
	if (in->n_heredocs == 0)
		return;
	jw_key(w, "heredocs");
	jw_array(w);
	for (size_t i = 0; i < in->n_heredocs; i++) {
		const struct heredoc *h = &in->heredocs[i];
		jw_object(w);
		jw_kv(w, "name", h->name);
		if (h->fd >= 0)
			jw_kv_int(w, "fd", h->fd);
		jw_kv_bool(w, "expand", h->expand);
		jw_kv_bool(w, "chomp", h->chomp);
		jw_kv(w, "body", h->body);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_instr(struct jw *w, const struct instr *in, const char *stage)
{
	size_t n_comments = 0;
	jw_object(w);
	jw_kv(w, "instruction", instr_name(in->kind));
	jw_kv(w, "keyword", in->keyword);
	if (stage)
		jw_kv(w, "stage", stage);
	jw_kv_int(w, "line", in->pos.line);
	jw_kv_int(w, "column", in->pos.col);
	jw_kv_int(w, "endLine", in->pos.end_line);
	jw_kv_int(w, "endColumn", in->pos.end_col);
	put_list(w, "flags", in->flags_text, in->n_flags_text);
	put_list(w, "words", in->raw, in->n_raw);
	jw_kv_bool(w, "json", in->json);
	put_heredocs(w, in);
	while (in->comments && in->comments[n_comments])
		n_comments++;
	put_list(w, "comments", in->comments, n_comments);
	if (in->doc)
		jw_kv(w, "description", in->doc);
	if (in->trigger) {
		jw_key(w, "trigger");
		put_instr(w, in->trigger, NULL);
	}
	jw_object_end(w);
}

static void put_warnings(struct jw *w, const struct dockerfile *d)
{
	jw_key(w, "warnings");
	jw_array(w);
	for (size_t i = 0; i < d->n_warnings; i++) {
		jw_object(w);
		jw_kv(w, "rule", d->warnings[i].rule);
		jw_kv_int(w, "line", d->warnings[i].pos.line);
		jw_kv(w, "detail", d->warnings[i].detail);
		jw_object_end(w);
	}
	jw_array_end(w);
}

void debug_print_parse(const struct dockerfile *d)
{
	auto_buf struct buf out = {0};
	const char escape[] = {d->escape, '\0'};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	jw_kv(&w, "file", d->filename);
	jw_kv(&w, "escape", escape);
	if (d->syntax)
		jw_kv(&w, "syntax", d->syntax);
	if (d->check)
		jw_kv(&w, "check", d->check);
	jw_key(&w, "instructions");
	jw_array(&w);
	for (size_t i = 0; i < d->n_global_args; i++)
		put_instr(&w, d->global_args[i], NULL);
	for (size_t i = 0; i < d->n_stages; i++) {
		const struct stage *s = &d->stages[i];
		auto_free char *name = s->name ? xstrdup(s->name) : xasprintf("%d", s->index);
		put_instr(&w, s->from, name);
		for (size_t k = 0; k < s->n_instrs; k++)
			put_instr(&w, s->instrs[k], name);
	}
	jw_array_end(&w);
	put_warnings(&w, d);
	jw_object_end(&w);
	buf_putc(&out, '\n');
	fwrite(out.p, 1, out.n, stdout);
}
