// SPDX-License-Identifier: Apache-2.0
// What is kept of a build for `hew why`: each step with how it ended and, where it was not cached,
// the reason.
#include "base/fs.h"
#include "base/json.h"
#include "exec/exec-int.h"
#include <unistd.h>

static const char *state_name(const struct exec *x, const struct step *s)
{
	const struct step_state *st = &x->states[s->id];
	if (st->state == STEP_DONE)
		return st->cached ? "cached" : "ran";
	if (x->req->dry_run)
		return st->looked_up ? "would run" : "undecided";
	if (st->state == STEP_WAITING)
		return "not reached";
	return s->id == x->failed_step ? "failed" : "stopped";
}

static void put_reason(const struct exec *x, const struct miss *m, struct jw *w)
{
	jw_key(w, "reason");
	jw_object(w);
	jw_kv(w, "kind", miss_kind_name(m->kind));
	jw_kv(w, "text", m->text);
	if (m->subject)
		jw_kv(w, "subject", m->subject);
	if (m->before)
		jw_kv(w, "before", m->before);
	if (m->after)
		jw_kv(w, "after", m->after);
	if (m->cause >= 0)
		jw_kv(w, "cause", x->graph->steps[m->cause]->name);
	jw_object_end(w);
}

static void put_step(const struct exec *x, const struct step *s, struct jw *w)
{
	const struct step_state *st = &x->states[s->id];
	jw_object(w);
	jw_kv(w, "name", s->name);
	jw_kv(w, "stage", s->stage);
	jw_kv_int(w, "line", s->pos.line);
	jw_kv(w, "state", state_name(x, s));
	if (st->state == STEP_DONE && !st->cached)
		jw_kv_int(w, "duration_ns", st->duration_ns);
	if (st->miss.text && !st->cached)
		put_reason(x, &st->miss, w);
	jw_object_end(w);
}

static void put_request(const struct exec *x, const char *path, struct jw *w)
{
	const struct build_request *r = x->req;
	auto_free char *context = r->context ? realpath(r->context, NULL) : NULL;
	auto_free char *file = r->dockerfile_text ? xstrdup("-") : realpath(path, NULL);
	jw_kv(w, "context", context ? context : "");
	jw_kv(w, "dockerfile", file ? file : path);
	jw_kv(w, "stage", x->graph->result_stage);
	jw_key(w, "names");
	jw_array(w);
	for (size_t i = 0; i < r->tags.n; i++)
		jw_str(w, r->tags.v[i]);
	jw_array_end(w);
}

char *build_record(const struct exec *x, const char *path, int64_t duration_ns, bool ok)
{
	struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	jw_kv_int(&w, "time", time_now().sec);
	jw_kv_int(&w, "duration_ns", duration_ns);
	jw_kv_bool(&w, "ok", ok);
	put_request(x, path, &w);
	jw_key(&w, "steps");
	jw_array(&w);
	for (size_t i = 0; i < x->graph->n_steps; i++)
		if (x->graph->steps[i]->kind != STEP_IMAGE)
			put_step(x, x->graph->steps[i], &w);
	jw_array_end(&w);
	jw_object_end(&w);
	return buf_steal(&out);
}
