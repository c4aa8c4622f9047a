// SPDX-License-Identifier: Apache-2.0
// The order of a build: Dockerfile, contexts, graph, walk, commit; and the release of all of it.
#include "exec/build.h"

#include "base/fs.h"
#include "base/redact.h"
#include "dockerfile/git_ref.h"
#include "exec/exec-int.h"
#include "source/download.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void build_request_release(struct build_request *r)
{
	strv_release(&r->build_args);
	strv_release(&r->labels);
	annotation_list_release(&r->annotations);
	strv_release(&r->tags);
	strv_release(&r->build_contexts);
	strv_release(&r->no_cache_stages);
	strv_release(&r->hosts);
	strv_release(&r->shell);
	for (size_t i = 0; i < r->n_ulimits; i++)
		free(r->ulimits[i].name);
	free(r->ulimits);
	for (size_t i = 0; i < r->n_secrets; i++) {
		free(r->secrets[i].id);
		if (r->secrets[i].data)
			explicit_bzero(r->secrets[i].data, r->secrets[i].len);
		free(r->secrets[i].data);
	}
	free(r->secrets);
	for (size_t i = 0; i < r->n_ssh; i++) {
		free(r->ssh[i].id);
		strv_release(&r->ssh[i].paths);
	}
	free(r->ssh);
	free(r->platforms);
	*r = (struct build_request){0};
}

const struct build_secret *build_secret_find(const struct build_request *r, const char *id)
{
	for (size_t i = r->n_secrets; i > 0; i--)
		if (!strcmp(r->secrets[i - 1].id, id))
			return &r->secrets[i - 1];
	return NULL;
}

void build_request_add_platform(struct build_request *r, const struct platform *p)
{
	for (size_t i = 0; i < r->n_platforms; i++)
		if (platform_eq(&r->platforms[i], p))
			return;
	r->platforms = xreallocarray(r->platforms, r->n_platforms + 1, sizeof(*r->platforms));
	r->platforms[r->n_platforms++] = *p;
}

void build_result_release(struct build_result *r)
{
	free(r->images);
	free(r->result_stage);
	free(r->record);
	dockerfile_free(r->file);
	buf_release(&r->text);
	step_list_release(&r->steps);
	strv_release(&r->mounts);
	strv_release(&r->used_mounts);
	for (size_t i = 0; i < r->n_bases; i++)
		free(r->bases[i].name);
	free(r->bases);
	for (size_t i = 0; i < r->n_provenance; i++)
		buf_release(&r->provenance[i]);
	free(r->provenance);
	*r = (struct build_result){0};
}

const struct digest *build_result_id(const struct build_result *r)
{
	return r->n_images == 1 ? &r->images[0].image_id : &r->root;
}

// ---- the Dockerfile

// One that is not in the file system: in a context that is a repository or an archive.
bool dockerfile_is_in_view(struct exec *x)
{
	const char *path = x->req->dockerfile;
	struct named_context *c = context_find(x, NULL);
	return c && c->view && !c->is_folder && (!path || *path != '/');
}

static int not_found(const char *path, struct err *e)
{
	return err_set(e, ERR_DOCKERFILE,
	        "failed to read dockerfile: open %s: no such file or directory (name it with -f)",
	        path);
}

static int read_in_view(struct exec *x, struct buf *text, struct err *e)
{
	const char *path = x->req->dockerfile ? x->req->dockerfile : "Dockerfile";
	struct view *v = context_find(x, NULL)->view;
	auto_free char *clean = fs_clean_rel(path);
	int found = view_read_file(v, clean, DOCKERFILE_MAX, text, e);
	if (!found && !x->req->dockerfile)
		found = view_read_file(v, "dockerfile", DOCKERFILE_MAX, text, e);
	return found > 0 ? 0 : found < 0 ? -1 : not_found(path, e);
}

static int read_from_url(struct exec *x, const char *url, struct buf *text, struct err *e)
{
	struct download d;
	if (remote_download(x, url, NULL, -1, &d, e))
		return err_wrap(e, "failed to read dockerfile");
	return store_blob_read(x->store, &d.digest, DOCKERFILE_MAX, text, e);
}

static int read_dockerfile(struct exec *x, const char *path, struct buf *text, struct err *e)
{
	const struct build_request *r = x->req;
	if (r->dockerfile_text) {
		buf_add(text, r->dockerfile_text, r->dockerfile_len);
		return 0;
	}
	if (x->has_dockerfile_text) {
		buf_add(text, x->dockerfile_text.p, x->dockerfile_text.n);
		return 0;
	}
	if (r->dockerfile && source_is_url(r->dockerfile))
		return read_from_url(x, r->dockerfile, text, e);
	if (dockerfile_is_in_view(x))
		return read_in_view(x, text, e);
	if (fs_read_file(AT_FDCWD, path, DOCKERFILE_MAX, text, e) == 0)
		return 0;
	if (e->kind != ERR_CANCELLED)
		e->kind = ERR_DOCKERFILE;
	return e->sys == ENOENT ? not_found(path, e) : err_wrap(e, "failed to read dockerfile");
}

// Of a URL: as it may be shown.
static char *dockerfile_path(const struct build_request *r)
{
	struct buf shown = {0};
	if (r->dockerfile && !source_is_url(r->dockerfile))
		return xstrdup(r->dockerfile);
	if (r->dockerfile) {
		redact_urls(r->dockerfile, strlen(r->dockerfile), &shown);
		return buf_steal(&shown);
	}
	if (!r->context || source_is_url(r->context) || git_ref_is(r->context, true))
		return xstrdup("Dockerfile");
	char *upper = xasprintf("%s/Dockerfile", r->context);
	auto_free char *lower = xasprintf("%s/dockerfile", r->context);
	if (access(upper, F_OK) && !access(lower, F_OK)) {
		free(upper);
		return steal_ptr(&lower);
	}
	return upper;
}

static void show_excerpt(struct exec *x, struct pos pos)
{
	auto_buf struct buf excerpt = {0};
	if (!pos.line || !x->df)
		return;
	dockerfile_excerpt(x->df, pos, &excerpt);
	if (excerpt.n > 0)
		event_emit(x->req->sink, &(struct event){.kind = EVENT_NOTE,
		                                 .step = -1,
		                                 .text = buf_cstr(&excerpt),
		                                 .line = pos.line});
}

// The position and, on stderr, the excerpt belong to the Dockerfile: the caller prints what is in
// *e.
static int locate(struct exec *x, const char *path, struct err *e)
{
	if (!e->pos.line || !x->df)
		return -1;
	show_excerpt(x, e->pos);
	return err_wrap(e, "%s:%d", path, e->pos.line);
}

// ---- the phases

static int parse(struct exec *x, const char *path, struct buf *text, struct err *e)
{
	const struct dockerfile_options o = {.filename = fs_base_name(path),
	        .check = strv_env_get(&x->req->build_args, "BUILDKIT_DOCKERFILE_CHECK")};
	if (context_open_main(x, path, e) || read_dockerfile(x, path, text, e))
		return -1;
	if (dockerfile_read(buf_cstr(text), text->n, &o, &x->df, e) == 0)
		return 0;
	return e->pos.line ? err_wrap(e, "dockerfile parse error on line %d", e->pos.line) : -1;
}

static int convert(struct exec *x, const char *path, struct err *e)
{
	const struct build_request *r = x->req;
	if (contexts_open_named(x, e) || pins_open(x, path, e))
		return -1;
	struct graph_resolver *resolver = resolver_new(x);
	struct graph_options o = {
	        .target = r->target,
	        .all_stages = r->all_stages,
	        .build_args = &r->build_args,
	        .labels = &r->labels,
	        .platforms = r->platforms,
	        .n_platforms = r->n_platforms,
	        .platform_given = r->platform_given,
	        .build_platform = platform_host(),
	        .network = r->network,
	        .allow_network_host = r->allow_network_host,
	        .allow_insecure = r->allow_insecure,
	        .no_cache = r->no_cache,
	        .no_cache_stages = &r->no_cache_stages,
	        .resolver = resolver,
	};
	x->graph = graph_build(x->df, &o, e);
	resolver_free(resolver);
	return x->graph ? dockerfile_check_error(x->df, e) : -1;
}

static void tell_warnings(const struct exec *x)
{
	for (size_t i = 0; x->df && i < x->df->n_warnings; i++) {
		const struct warning *w = &x->df->warnings[i];
		event_warn(x->req->sink, w->pos.line, "%s: %s", w->rule, w->detail);
	}
}

static int plan(struct exec *x, const char *path, struct buf *text, struct err *e)
{
	int status = parse(x, path, text, e);
	if (status) { // it names the line itself
		show_excerpt(x, e->pos);
		e->pos.line = 0;
	} else {
		status = convert(x, path, e);
	}
	tell_warnings(x);
	if (status)
		return -1;
	x->states = xcalloc(x->graph->n_steps + 1, sizeof(*x->states));
	return 0;
}

static void release(struct exec *x)
{
	engine_release(&x->engine);
	ssh_close(x);
	contexts_close(x);
	sources_release(x);
	for (size_t i = 0; x->states && i < x->graph->n_steps; i++) {
		rootfs_release(&x->states[i].root);
		step_plan_drop(&x->states[i]);
		free(x->states[i].components);
		miss_release(&x->states[i].miss);
		free(x->states[i].mounted);
		step_list_release(&x->states[i].selections);
	}
	free(x->states);
	if (!x->keep_graph)
		graph_free(x->graph);
	dockerfile_free(x->df);
	lock_release(&x->pins);
	close_fd(&x->engine.stop_fd);
	pthread_mutex_destroy(&x->agents_lock);
	pthread_mutex_destroy(&x->lock);
	pthread_cond_destroy(&x->changed);
}

static void init(struct exec *x, struct store *s, const struct build_request *r)
{
	*x = (struct exec){.store = s, .req = r, .begun_ns = clock_ns(), .time = time_now().sec};
	x->engine = (struct engine){.store = s,
	        .sink = r->sink,
	        .open_registry = r->registry,
	        .open_registry_arg = r->registry_arg,
	        .stop_fd = -1};
	engine_init(&x->engine);
	pthread_mutex_init(&x->agents_lock, NULL);
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->changed, NULL);
}

static void take_costs(struct exec *x, struct build_plan *ret)
{
	x->states = xcalloc(x->graph->n_steps + 1, sizeof(*x->states));
	ret->costs = xcalloc(x->graph->n_steps + 1, sizeof(*ret->costs));
	schedule_look(x);
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		const struct step *s = x->graph->steps[i];
		const struct rootfs *root = &x->states[i].root;
		struct layer_info info;
		if (s->kind == STEP_IMAGE || !x->states[i].cached || root->n == 0 ||
		        !store_layer_get(x->store, &root->layers[root->n - 1], &info))
			continue;
		ret->costs[ret->n_costs++] = (struct step_cost){.line = s->pos.line,
		        .layer = info.diff_id,
		        .bytes = info.file_bytes,
		        .duration_ns = x->states[i].duration_ns};
	}
}

static int plan_into(struct store *s, const struct build_request *r, bool whole,
        struct build_plan *ret, struct err *e)
{
	struct exec x;
	auto_free char *path = dockerfile_path(r);
	*ret = (struct build_plan){0};
	init(&x, s, r);
	x.keep_graph = true;
	int status = parse(&x, path, &ret->text, e);
	ret->parsed = !status;
	if (!status && whole)
		status = convert(&x, path, e);
	if (!status && r->found)
		status = pins_settle(&x, e);
	if (!status && r->costs && s)
		take_costs(&x, ret);
	ret->file = steal_ptr(&x.df);
	struct graph *graph = x.graph;
	release(&x);
	ret->graph = graph;
	return status;
}

int build_plan(
        struct store *s, const struct build_request *r, struct build_plan *ret, struct err *e)
{
	return plan_into(s, r, true, ret, e);
}

int build_plan_parse(
        struct store *s, const struct build_request *r, struct build_plan *ret, struct err *e)
{
	return plan_into(s, r, false, ret, e);
}

void build_plan_release(struct build_plan *p)
{
	graph_free(p->graph);
	dockerfile_free(p->file);
	buf_release(&p->text);
	free(p->costs);
	*p = (struct build_plan){0};
}

static void list_step(
        const struct exec *x, const struct step *s, bool in_result, struct step_list *ret)
{
	const struct step_state *st = &x->states[s->id];
	struct step_record r = {.has_layer = true,
	        .diff_id = st->root.layers[st->root.n - 1],
	        .created_sec = st->created.sec,
	        .created_nsec = st->created.nsec,
	        .duration_ns = st->duration_ns,
	        .name = (char *)(uintptr_t)s->name};
	step_list_add(ret, &st->key, &r)->in_result = in_result;
	for (size_t i = 0; i < st->selections.n; i++)
		step_list_add(ret, &st->selections.v[i].key, &st->selections.v[i].record)
		        ->in_result = in_result;
}

static void list_steps(const struct exec *x, struct step_list *ret)
{
	auto_free bool *in_result = xcalloc(x->graph->n_steps + 1, sizeof(*in_result));
	for (size_t k = 0; k < x->graph->n_results; k++)
		for (int i = x->graph->results[k].step; i >= 0; i = x->graph->steps[i]->parent)
			in_result[i] = true;
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		const struct step *s = x->graph->steps[i];
		if (s->kind != STEP_IMAGE && x->states[i].state == STEP_DONE)
			list_step(x, s, in_result[i], ret);
	}
}

static void list_mounts(const struct exec *x, struct build_result *ret)
{
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		const struct step *s = x->graph->steps[i];
		for (size_t k = 0; s->kind == STEP_RUN && k < s->run.n_mounts; k++) {
			const struct run_mount *m = &s->run.mounts[k];
			if (m->type != MOUNT_CACHE)
				continue;
			if (!strv_has(&ret->mounts, m->id))
				strv_add(&ret->mounts, m->id);
			if (!x->states[i].cached && !strv_has(&ret->used_mounts, m->id))
				strv_add(&ret->used_mounts, m->id);
		}
	}
}

static void list_bases(const struct exec *x, struct build_result *ret)
{
	ret->bases = xcalloc(x->graph->n_steps + 1, sizeof(*ret->bases));
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		const struct step *s = x->graph->steps[i];
		if (s->kind == STEP_IMAGE)
			ret->bases[ret->n_bases++] = (struct build_base){
			        xstrdup(s->image->name), s->image->manifest, s->platform};
	}
}

static void count(const struct exec *x, struct build_result *ret)
{
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		if (x->graph->steps[i]->kind == STEP_IMAGE)
			continue;
		ret->n_steps++;
		ret->n_cached += x->states[i].cached;
	}
	ret->has_epoch = x->graph->has_epoch;
	ret->epoch = x->graph->epoch;
	list_bases(x, ret);
	list_mounts(x, ret);
	ret->n_ids = (int)x->graph->n_steps;
	ret->result_stage = xstrdup(x->graph->results[0].stage);
}

// ---- what is kept of it

// A build does not fail because its record or its log cannot be kept.
static void begin_log(struct exec *x, const char *json)
{
	struct err ignored = ERR_INIT;
	build_log_begin(x->log, store_build_begin(x->store, x->id, json, &ignored));
}

void build_begin(struct exec *x)
{
	if (!x->log || build_log_has_begun(x->log))
		return;
	auto_free char *json = build_record(x, &(struct build_end){.is_running = true});
	begin_log(x, json);
}

// The log of a build that ran nothing would say no more than its record, and a row for each of
// them would cost more than they do: the next ones read the database's log. So one that finds the
// same as one before is that one once more, which is no write to the database at all.
static void keep_record(struct exec *x, struct build_result *ret, const struct err *failure)
{
	struct err ignored = ERR_INIT;
	const struct build_end end = {.result = failure ? NULL : ret, .failure = failure};
	ret->record = build_record(x, &end);
	if (!x->log)
		return;
	if (failure && !build_log_has_begun(x->log))
		begin_log(x, ret->record);
	else if (failure || build_log_has_begun(x->log) || !store_build_repeat(x->store, x->id))
		store_build_put(x->store, x->id, ret->record, &ignored);
}

static int build_all(struct exec *x, struct build_result *ret, struct err *e)
{
	int status = plan(x, x->path, &ret->text, e);
	if (!status)
		status = schedule(x, e);
	if (!status)
		list_steps(x, &ret->steps);
	if (!status && !x->req->dry_run)
		status = commit_images(x, ret, e);
	if (status)
		return locate(x, x->path, e);
	count(x, ret);
	if (!x->req->dry_run && x->req->n_provenance)
		build_provenance(x, &ret->text, ret);
	return 0;
}

int build_run(
        struct store *s, const struct build_request *r, struct build_result *ret, struct err *e)
{
	struct exec x;
	auto_free char *path = dockerfile_path(r);
	struct build_request logged = *r;
	struct build_log *log = r->dry_run ? NULL : build_log_new(r->sink);
	if (log)
		logged.sink = build_log_sink(log);
	init(&x, s, &logged);
	build_id_make(x.id);
	x.path = path;
	x.log = log;
	*ret = (struct build_result){0};
	int status = build_all(&x, ret, e);
	keep_record(&x, ret, status ? e : NULL);
	ret->file = steal_ptr(&x.df);
	int64_t begun = x.begun_ns;
	release(&x);
	build_log_free(log);
	if (!status) // also when all was cached: it may be what a killed build could not sync
		status = store_sync(s, e);
	ret->duration_ns = clock_ns() - begun;
	return status;
}
