// SPDX-License-Identifier: Apache-2.0
// What is kept of a build: each step with how it ended and, where it was not cached, the reason
// (hew why, hew builds); and what it takes to stand where a step stood (hew shell): the layers, the
// environment, the mounts. Values of variables that are named like secrets are left out, and those
// of secrets were never in the graph.
#include "base/fs.h"
#include "base/json.h"
#include "base/redact.h"
#include "dockerfile/git_ref.h"
#include "exec/exec-int.h"
#include <sys/random.h>
#include <unistd.h>

#define ENVIRONMENTS_BYTES (256u << 10) // of all steps' variables; what is more is left out
#define COMMAND_BYTES (64u << 10)       // the same of one command

static const char *state_name(const struct exec *x, const struct step *s)
{
	const struct step_state *st = &x->states[s->id];
	if (st->state == STEP_DONE)
		return st->cached ? "cached" : "ran";
	if (x->req->dry_run)
		return st->looked_up ? "would run" : "undecided";
	if (st->state == STEP_WAITING && !(x->stop && s->id == x->failed_step))
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

static void put_digest(struct jw *w, const char *key, const struct digest *d)
{
	char text[DIGEST_TEXT];
	digest_text(d, text);
	jw_kv(w, key, text);
}

static void put_list(struct jw *w, const char *key, const struct strv *v)
{
	jw_key(w, key);
	jw_array(w);
	for (size_t i = 0; i < v->n; i++)
		jw_str(w, v->v[i]);
	jw_array_end(w);
}

// ---- where a command of the step would stand

static size_t bytes_of(const struct strv *v)
{
	size_t n = 0;
	for (size_t i = 0; i < v->n; i++)
		n += strlen(v->v[i]);
	return n;
}

static bool same(const struct strv *a, const struct strv *b)
{
	if (a->v == b->v) // most steps have that of the one before
		return a->n == b->n;
	for (size_t i = 0; i < a->n && a->n == b->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return a->n == b->n;
}

static void put_variables(struct jw *w, const struct strv *env)
{
	jw_array(w);
	for (size_t i = 0; i < env->n; i++) {
		const char *eq = strchr(env->v[i], '=');
		auto_free char *key =
		        eq ? xstrndup(env->v[i], (size_t)(eq - env->v[i])) : xstrdup(env->v[i]);
		jw_str(w, name_is_secret(key) ? key : env->v[i]);
	}
	jw_array_end(w);
}

// Most steps of a stage have the same variables: each set is written once. Fills the number of
// each step's, -1 for one that is left out.
static void put_environments(const struct exec *x, int *ret_of, struct jw *w)
{
	auto_free int *first = xcalloc(x->graph->n_steps + 1, sizeof(*first));
	size_t n = 0, bytes = 0;
	jw_key(w, "environments");
	jw_array(w);
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		const struct strv *env = &x->graph->steps[i]->run.env;
		size_t k = n;
		while (k > 0 && !same(env, &x->graph->steps[first[k - 1]]->run.env))
			k--;
		ret_of[i] = (int)k - 1;
		bytes += k ? 0 : bytes_of(env);
		if (x->graph->steps[i]->kind == STEP_IMAGE || k || bytes > ENVIRONMENTS_BYTES)
			continue;
		put_variables(w, env);
		ret_of[i] = (int)n;
		first[n++] = (int)i;
	}
	jw_array_end(w);
}

static const char *mount_type(int type)
{
	return type == MOUNT_CACHE    ? "cache"
	       : type == MOUNT_TMPFS  ? "tmpfs"
	       : type == MOUNT_SECRET ? "secret"
	       : type == MOUNT_SSH    ? "ssh"
	                              : "bind";
}

static void put_mount(
        const struct step_state *st, const struct run_mount *m, size_t i, struct jw *w)
{
	const struct mounted_layer *shown = st->mounted ? &st->mounted[i] : NULL;
	jw_object(w);
	jw_kv(w, "type", mount_type(m->type));
	if (m->target)
		jw_kv(w, "target", m->target);
	if (m->id)
		jw_kv(w, "id", m->id);
	if (m->type == MOUNT_BIND && m->from.kind == FROM_STEP)
		jw_kv_int(w, "step", m->from.step);
	if (m->type == MOUNT_BIND && shown && shown->is_set)
		put_digest(w, "layer", &shown->layer);
	if (m->type == MOUNT_BIND) {
		auto_free char *clean = fs_clean_rel(m->source);
		bool alone = shown && shown->is_set;
		jw_kv(w, "source",
		        alone && shown->is_dir ? "/"
		        : alone                ? fs_base_name(clean)
		                               : m->source);
		jw_kv_bool(w, "read_only", m->read_only);
	}
	if (m->size > 0)
		jw_kv_int(w, "size", m->size);
	if (m->mode >= 0)
		jw_kv_int(w, "mode", m->mode);
	jw_object_end(w);
}

static void put_command(const struct step_state *st, const struct run_op *op, struct jw *w)
{
	if (bytes_of(&op->argv) <= COMMAND_BYTES)
		put_list(w, "command", &op->argv);
	jw_kv(w, "network", net_mode_name(op->network));
	if (op->hostname)
		jw_kv(w, "hostname", op->hostname);
	if (op->insecure)
		jw_kv_bool(w, "insecure", true);
	if (op->script && strlen(op->script) <= COMMAND_BYTES) {
		jw_kv(w, "script_name", op->script_name);
		jw_kv(w, "script", op->script);
	}
	if (!op->n_mounts)
		return;
	jw_key(w, "mounts");
	jw_array(w);
	for (size_t i = 0; i < op->n_mounts; i++)
		put_mount(st, &op->mounts[i], i, w);
	jw_array_end(w);
}

static void put_source(const struct file_source *f, bool *first, struct jw *w)
{
	if (f->kind != FROM_STEP)
		return;
	if (*first) {
		jw_key(w, "from");
		jw_array(w);
	}
	*first = false;
	jw_int(w, f->step);
}

// Steps whose files it takes, beside those of the one below.
static void put_sources(const struct step *s, struct jw *w)
{
	bool first = true;
	if (s->kind == STEP_COPY)
		put_source(&s->copy.from, &first, w);
	for (size_t i = 0; s->kind == STEP_RUN && i < s->run.n_mounts; i++)
		put_source(&s->run.mounts[i].from, &first, w);
	if (!first)
		jw_array_end(w);
}

static void put_place(const struct exec *x, const struct step *s, int environment, struct jw *w)
{
	char platform[80];
	platform_text(&s->platform, platform);
	jw_kv_int(w, "parent", s->parent);
	put_sources(s, w);
	jw_kv(w, "platform", platform);
	if (environment >= 0)
		jw_kv_int(w, "environment", environment);
	jw_kv(w, "cwd", s->kind == STEP_WORKDIR ? s->workdir.path : s->run.cwd ? s->run.cwd : "/");
	jw_kv(w, "user", s->run.user ? s->run.user : "");
	if (s->kind == STEP_RUN)
		put_command(&x->states[s->id], &s->run, w);
}

// ---- steps

static void put_layer(const struct exec *x, const struct step_state *st, struct jw *w)
{
	const struct rootfs *root = &st->root;
	struct layer_info info;
	if (st->state != STEP_DONE || root->n == 0)
		return;
	put_digest(w, "layer", &root->layers[root->n - 1]);
	if (store_layer_get(x->store, &root->layers[root->n - 1], &info))
		jw_kv_int(w, "size", (int64_t)(info.has_index ? info.file_bytes : info.tar_size));
}

static void put_step(const struct exec *x, const struct step *s, int environment, struct jw *w)
{
	const struct step_state *st = &x->states[s->id];
	jw_object(w);
	jw_kv_int(w, "id", s->id);
	jw_kv(w, "name", s->name);
	jw_kv(w, "stage", s->stage);
	jw_kv_int(w, "line", s->pos.line);
	jw_kv(w, "state", state_name(x, s));
	if (st->took_ns && !st->cached) {
		jw_kv_int(w, "started_ns", st->began_ns - x->begun_ns);
		jw_kv_int(w, "duration_ns", st->took_ns);
	}
	put_layer(x, st, w);
	if (st->miss.text && !st->cached)
		put_reason(x, &st->miss, w);
	if (!x->req->dry_run)
		put_place(x, s, environment, w);
	jw_object_end(w);
}

static void put_steps(const struct exec *x, struct jw *w)
{
	auto_free int *environments = xcalloc(x->graph->n_steps + 1, sizeof(*environments));
	if (!x->req->dry_run)
		put_environments(x, environments, w);
	jw_kv_int(w, "result", x->graph->results[0].step);
	jw_key(w, "bases");
	jw_array(w);
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		const struct step *s = x->graph->steps[i];
		const struct rootfs *root = &x->states[i].root;
		if (s->kind != STEP_IMAGE)
			continue;
		jw_object(w);
		jw_kv_int(w, "id", s->id);
		jw_kv(w, "image", s->image->name);
		jw_key(w, "layers");
		jw_array(w);
		for (size_t k = 0; k < root->n; k++) {
			char text[DIGEST_TEXT];
			digest_text(&root->layers[k], text);
			jw_str(w, text);
		}
		jw_array_end(w);
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_key(w, "steps");
	jw_array(w);
	for (size_t i = 0; i < x->graph->n_steps; i++)
		if (x->graph->steps[i]->kind != STEP_IMAGE)
			put_step(x, x->graph->steps[i], environments[i], w);
	jw_array_end(w);
}

// ---- the build

// A URL may have a password in it.
static char *context_shown(const struct build_request *r)
{
	struct git_ref ref = {0};
	struct err ignored = ERR_INIT;
	if (r->context_stdin || !r->context)
		return xstrdup("-");
	char *path = realpath(r->context, NULL);
	if (path)
		return path;
	struct buf shown = {0};
	if (git_ref_is(r->context, true) && git_ref_parse(r->context, &ref, &ignored) == 0)
		buf_puts(&shown, ref.shown);
	else
		redact_urls(r->context, strlen(r->context), &shown);
	git_ref_release(&ref);
	return buf_steal(&shown);
}

static void put_request(struct exec *x, struct jw *w)
{
	const struct build_request *r = x->req;
	char platform[80];
	auto_free char *context = context_shown(r);
	auto_free char *file = r->dockerfile_text         ? xstrdup("-")
	                       : dockerfile_is_in_view(x) ? NULL
	                                                  : realpath(x->path, NULL);
	jw_kv(w, "context", context);
	jw_kv(w, "dockerfile", file ? file : x->path);
	if (r->target)
		jw_kv(w, "target", r->target);
	jw_kv(w, "stage", x->graph ? x->graph->results[0].stage : "");
	put_list(w, "names", &r->tags);
	jw_key(w, "platforms");
	jw_array(w);
	for (size_t i = 0; i < r->n_platforms; i++) {
		platform_text(&r->platforms[i], platform);
		jw_str(w, platform);
	}
	jw_array_end(w);
}

static void put_end(const struct exec *x, const struct build_end *end, struct jw *w)
{
	bool failed = end->failure != NULL;
	const char *status = end->is_running                       ? "running"
	                     : !failed                             ? "ok"
	                     : end->failure->kind == ERR_CANCELLED ? "cancelled"
	                                                           : "failed";
	jw_kv(w, "status", status);
	jw_kv_bool(w, "ok", !failed && !end->is_running);
	uint64_t size = 0;
	for (size_t i = 0; end->result && i < end->result->n_images; i++)
		size += end->result->images[i].size;
	if (end->result) {
		put_digest(w, "image_id", build_result_id(end->result));
		jw_kv_int(w, "image_size", (int64_t)size);
	}
	if (failed) {
		jw_kv(w, "error", end->failure->msg);
		jw_kv(w, "error_code", err_code(end->failure));
	}
}

// True if nothing had to be run.
static bool put_counts(const struct exec *x, struct jw *w)
{
	int64_t n = 0, cached = 0;
	for (size_t i = 0; x->states && i < x->graph->n_steps; i++) {
		bool counts = x->graph->steps[i]->kind != STEP_IMAGE;
		n += counts;
		cached += counts && x->states[i].state == STEP_DONE && x->states[i].cached;
	}
	bool all = n == cached && x->states;
	jw_kv_bool(w, "all_cached", all);
	jw_kv_int(w, "n_steps", n);
	jw_kv_int(w, "n_cached", cached);
	return all;
}

// Two builds that found the same in the cache are one: the id is what they have in common.
static void id_of_content(const struct buf *text, char out[static BUILD_ID])
{
	char hex[HASH_HEX];
	struct hash h = hash_bytes(text->p, text->n);
	hash_hex(&h, hex);
	snprintf(out, BUILD_ID, "%.*s", BUILD_ID - 1, hex);
}

static void write_record(
        struct exec *x, const struct build_end *end, bool with_steps, struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 2);
	jw_object(&w);
	put_end(x, end, &w);
	bool all_cached = put_counts(x, &w);
	put_request(x, &w);
	if (x->states && with_steps) {
		put_steps(x, &w);
	} else {
		jw_key(&w, "steps");
		jw_array(&w);
		jw_array_end(&w);
	}
	if (all_cached && end->result)
		id_of_content(out, x->id);
	jw_kv(&w, "id", x->id);
	jw_kv_int(&w, "time", x->time);
	jw_kv_int(&w, "duration_ns", end->is_running ? 0 : clock_ns() - x->begun_ns);
	jw_object_end(&w);
}

char *build_record(struct exec *x, const struct build_end *end)
{
	struct buf out = {0};
	write_record(x, end, true, &out);
	if (out.n > JSON_MAX) { // nobody could read it
		buf_reset(&out);
		write_record(x, end, false, &out);
	}
	return buf_steal(&out);
}

void build_id_make(char out[static BUILD_ID])
{
	unsigned char bytes[(BUILD_ID - 1) / 2];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		uint64_t now = (uint64_t)clock_real_ns();
		memcpy(bytes, &now, sizeof(bytes) < sizeof(now) ? sizeof(bytes) : sizeof(now));
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}
