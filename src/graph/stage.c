// SPDX-License-Identifier: Apache-2.0
// Stages: what FROM starts from, and each instruction handed to the file that knows it. A stage is
// built when something asks for it, so stages the target does not need never enter the graph.
#include "base/fs.h"
#include "base/redact.h"
#include "graph/graph-int.h"

#define STAGE_DEPTH_MAX 1000 // stages nested by FROM and --from: beyond any real Dockerfile

void step_release(struct step *s)
{
	strv_release(&s->run.argv);
	strv_release(&s->run.proxy_env);
	strv_release(&s->copy.sources);
	strv_release(&s->copy.excludes);
	if (s->image)
		graph_image_release(s->image);
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n_steps; i++)
		step_release(g->steps[i]);
	for (size_t i = 0; i < g->n_results; i++) {
		free(g->results[i].history_steps);
		image_config_release(&g->results[i].config);
	}
	free(g->steps);
	free(g->results);
	arena_release(&g->arena);
	free(g);
}

static struct step *step_new(struct graph *g, enum step_kind kind)
{
	if (g->n_steps == g->cap_steps) {
		g->cap_steps = g->cap_steps ? 2 * g->cap_steps : 32;
		g->steps = xreallocarray(g->steps, g->cap_steps, sizeof(*g->steps));
	}
	struct step *s = arena_alloc(&g->arena, sizeof(*s));
	s->id = (int)g->n_steps;
	s->kind = kind;
	s->parent = -1;
	s->stage_index = -1;
	g->steps[g->n_steps++] = s;
	return s;
}

// A base image may have a relative working directory.
const char *stage_path(struct builder *b, const struct stage_state *s, const char *path)
{
	const char *cwd = s->config.working_dir ? s->config.working_dir : "/";
	auto_free char *abs = fs_join_abs(cwd, path);
	return arena_strdup(&b->g->arena, abs);
}

// "->arm64": what is made here is for another platform, as far as the stage knows.
static const char *aimed_at(struct builder *b, const struct stage_state *s)
{
	static const char *const names[] = {
	        "TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT"};
	const struct platform *p = b->target;
	bool knows = false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		knows |= strv_env_get(&s->vars, names[i]) != NULL;
	if (!knows || !strcmp(s->platform.arch, p->arch))
		return "";
	return arena_printf(&b->g->arena, "->%s%s%s", p->arch, *p->variant ? "/" : "", p->variant);
}

// "[builder 2/5] "; with several platforms "[linux/amd64->arm64 builder 2/5] ", as BuildKit has it.
static const char *step_place(struct builder *b, const struct stage_state *s, int number)
{
	char platform[80] = "";
	const char *aim = "";
	if (b->o->n_platforms > 1) {
		platform_text(&s->platform, platform);
		aim = aimed_at(b, s);
	}
	int width = s->total >= 100 ? 3 : s->total >= 10 ? 2 : 1;
	return arena_printf(&b->g->arena, "[%s%s%s%s%s%*d/%d] ", platform, aim,
	        *platform ? " " : "", s->display, *s->display ? " " : "", width, number, s->total);
}

// Steps between which no variable was set have one list; lists that differ have what they have in
// common from one place.
static struct strv share_vars(struct builder *b, struct stage_state *s)
{
	const struct strv *now = &s->vars, *last = &s->step_env;
	size_t same = 0;
	while (same < now->n && same < last->n && !strcmp(now->v[same], last->v[same]))
		same++;
	if (same == now->n && same == last->n)
		return *last;
	char **v = arena_alloc(&b->g->arena, (now->n + 1) * sizeof(*v));
	for (size_t i = 0; i < now->n; i++) {
		bool known = i < same || (i < last->n && !strcmp(now->v[i], last->v[i]));
		v[i] = known ? last->v[i] : arena_strdup(&b->g->arena, now->v[i]);
	}
	s->step_env = (struct strv){.v = v, .n = now->n};
	return s->step_env;
}

struct step *step_add(struct builder *b, struct stage_state *s, enum step_kind kind,
        const struct instr *in, bool on_build)
{
	struct step *st = step_new(b->g, kind);
	st->parent = s->rootfs;
	st->platform = s->platform;
	st->pos = in->pos;
	st->stage = s->display;
	st->stage_index = s->index;
	st->no_cache = s->no_cache;
	const char *place = step_place(b, s, ++s->counter);
	auto_buf struct buf text = {0};
	redact_urls(in->original, strlen(in->original), &text);
	st->name = arena_printf(
	        &b->g->arena, "%s%s%s", place, on_build ? "ONBUILD " : "", buf_cstr(&text));
	st->run.env = share_vars(b, s);
	st->run.cwd = stage_path(b, s, "");
	st->run.user = arena_strdup(&b->g->arena, s->config.user ? s->config.user : "");
	return st;
}

static int image_step(struct builder *b, const char *ref, const struct platform *p,
        const struct instr *in, const char *name, struct step **ret, struct err *e)
{
	char platform[80];
	platform_text(p, platform);
	auto_free char *key = xasprintf("%s %s", platform, ref);
	struct step *known = map_get(&b->images, key); // equal images once
	if (known) {
		check_image(b, in, ref, p, known->image);
		*ret = known;
		return 0;
	}
	struct graph_image *image = arena_alloc(&b->g->arena, sizeof(*image));
	if (b->o->resolver->resolve(b->o->resolver, ref, p, image, e)) {
		graph_image_release(image); // what there is of it
		e->pos = in->pos;
		return -1;
	}
	check_image(b, in, ref, p, image);
	struct step *s = step_new(b->g, STEP_IMAGE);
	s->image = image;
	s->platform = *p;
	s->pos = in->pos;
	s->stage = arena_strdup(&b->g->arena, ref);
	s->name = name;
	map_set(&b->images, key, s);
	*ret = s;
	return 0;
}

static int source_stage(struct builder *b, struct stage_state *s, const struct instr *in, int index,
        struct file_source *ret, struct err *e)
{
	if (index == s->index)
		return err_at(e, in->pos, "circular dependency detected on stage: %s",
		        *s->display ? s->display : "0");
	if (stage_build(b, (size_t)index, e))
		return -1;
	outline_from(s, index);
	int rootfs = b->states[index].rootfs;
	*ret = (struct file_source){.kind = rootfs < 0 ? FROM_SCRATCH : FROM_STEP, .step = rootfs};
	return 0;
}

static const char *const *stage_names(struct builder *b, size_t *ret_n)
{
	const char **names = arena_alloc(&b->g->arena, (b->df->n_stages + 1) * sizeof(*names));
	*ret_n = 0;
	for (size_t i = 0; i < b->df->n_stages; i++)
		if (b->df->stages[i].name)
			names[(*ret_n)++] = b->df->stages[i].name;
	return names;
}

// 1, 0, -1.
static int find_context(struct builder *b, const struct platform *p, const struct instr *in,
        const char *name, struct graph_context *ret, struct err *e)
{
	struct graph_resolver *r = b->o->resolver;
	if (!r->named_context || !strcmp(name, "scratch"))
		return 0;
	int found = r->named_context(r, name, p, ret, e);
	if (found < 0)
		e->pos = in->pos;
	return found;
}

int source_find(struct builder *b, struct stage_state *s, const struct instr *in, const char *from,
        bool allow_index, struct file_source *ret, struct err *e)
{
	int index = dockerfile_find_stage(b->df, from, (size_t)s->index + 1);
	uint64_t number;
	if (index < 0 && allow_index && str_to_u64(from, &number)) {
		if (number >= b->df->n_stages)
			return err_at(e, in->pos,
			        "invalid stage index %s: the Dockerfile has %zu stages", from,
			        b->df->n_stages);
		index = (int)number;
	} else if (index < 0) {
		index = dockerfile_find_stage(b->df, from, b->df->n_stages);
	}
	if (index > s->index)
		return err_at(e, in->pos,
		        "cannot copy from stage \"%s\", it needs to be defined before current %s",
		        from, allow_index ? "stage" : "command");
	struct graph_context context = {0};
	int replaced = find_context(b, b->target, in, from, &context, e);
	if (replaced < 0)
		return -1;
	if (replaced && !context.image) {
		*ret = (struct file_source){.kind = FROM_CONTEXT, .context = context.name};
		return 0;
	}
	if (index >= 0 && !replaced)
		return source_stage(b, s, in, index, ret, e);
	const char *ref = replaced ? context.image : from;
	if (!strcmp(ref, "scratch")) {
		*ret = (struct file_source){.kind = FROM_SCRATCH};
		return 0;
	}
	struct step *image;
	const char *name = arena_printf(&b->g->arena, "FROM %s", ref);
	// of the platform that is built for, whatever that of the stage is
	if (image_step(b, ref, b->target, in, name, &image, e)) {
		size_t n;
		const char *const *names = stage_names(b, &n);
		const char *near = str_nearest(from, names, n);
		if (near)
			err_wrap(e, "no stage is called '%s' (did you mean '%s'?), and as an image",
			        from, near);
		return -1;
	}
	*ret = (struct file_source){.kind = FROM_STEP, .step = image->id};
	return 0;
}

// ---- FROM

// The image's variables come in front of all that a stage says: an ARG of the stage below that hid
// one is over. There is always a PATH.
static void begin_vars(struct stage_state *s)
{
	const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	if (!strv_env_get(&s->config.env, "PATH"))
		strv_env_set(&s->config.env, "PATH", path);
	for (size_t i = 0; i < s->config.env.n; i++) {
		const char *kv = s->config.env.v[i], *eq = strchr(kv, '=');
		if (!eq)
			continue;
		auto_free char *key = xstrndup(kv, (size_t)(eq - kv));
		strv_env_set(&s->vars, key, eq + 1);
	}
}

static void history_base(struct stage_state *s)
{
	s->n_base_history = s->config.n_history;
	s->cap_history = s->config.n_history + 16;
	s->history_steps = xcalloc(s->cap_history, sizeof(int));
	for (size_t i = 0; i < s->config.n_history; i++)
		s->history_steps[i] = -1;
}

static void from_stage(struct stage_state *s, const struct stage_state *base)
{
	s->rootfs = base->rootfs;
	s->platform = base->platform;
	image_config_copy(&s->config, &base->config);
	strv_copy(&s->vars, &base->vars);
	s->step_env = base->step_env;
	begin_vars(s);
	s->cap_args = base->n_args + 8;
	s->args = xcalloc(s->cap_args, sizeof(*s->args));
	s->n_args = base->n_args;
	for (size_t i = 0; i < base->n_args; i++)
		s->args[i] = base->args[i];
	s->workdir_set = base->workdir_set;
	s->unknown_base = base->unknown_base;
	outline_from(s, base->index);
	history_base(s);
	for (size_t i = 0; i < base->config.n_history; i++)
		s->history_steps[i] = base->history_steps[i];
	s->n_base_history = base->n_base_history;
}

// FROM --platform says what runs here, and nothing of the image: there is none to choose.
static void from_scratch(struct builder *b, struct stage_state *s)
{
	s->rootfs = -1;
	s->config.platform = *b->target;
	s->config.working_dir = xstrdup("/");
	begin_vars(s);
	history_base(s);
}

static const char *from_name(struct builder *b, const struct stage_state *s, const char *ref)
{
	return arena_printf(&b->g->arena, "%sFROM %s", step_place(b, s, 1), ref);
}

static int from_image(struct builder *b, struct stage_state *s, const char *ref, struct err *e)
{
	struct stage *stage = &b->df->stages[s->index];
	struct step *image;
	if (!strcmp(ref, "scratch")) {
		from_scratch(b, s);
		return 0;
	}
	const char *name = from_name(b, s, ref);
	if (image_step(b, ref, &s->platform, stage->from, name, &image, e))
		return -1;
	image_config_copy(&s->config, &image->image->config);
	s->rootfs = image->id;
	s->unknown_base = image->image->unknown;
	s->config.has_created = false;
	begin_vars(s);
	history_base(s);
	return 0;
}

// A context of files as a base: all of it over nothing.
static void from_files(
        struct builder *b, struct stage_state *s, const struct graph_context *context)
{
	struct step *st = step_new(b->g, STEP_COPY);
	from_scratch(b, s);
	st->platform = s->platform;
	st->pos = b->df->stages[s->index].from->pos;
	st->stage = s->display;
	st->stage_index = s->index;
	st->no_cache = s->no_cache;
	st->name = from_name(b, s, context->name);
	st->copy.from = (struct file_source){
	        .kind = FROM_CONTEXT, .context = arena_strdup(&b->g->arena, context->name)};
	st->copy.dest = "/";
	strv_add(&st->copy.sources, "/");
	st = step_unique(b, st);
	s->rootfs = st->id;
	auto_free char *text = context->is_folder ? xasprintf("local source for %s", context->name)
	                                          : xasprintf("FROM %s", context->name);
	history_add(b, s, text, st->id);
	struct history *h = &s->config.history[s->config.n_history - 1];
	free(h->comment);
	h->comment = xstrdup("buildkit.exporter.image.v0"); // no instruction made the layer
}

static int from_context(struct builder *b, struct stage_state *s,
        const struct graph_context *context, struct err *e)
{
	if (context->image)
		return from_image(b, s, context->image, e);
	from_files(b, s, context);
	return 0;
}

static int from_platform(
        struct builder *b, struct stage_state *s, const struct instr *from, struct err *e)
{
	s->platform = *b->target;
	if (!from->platform)
		return 0;
	struct expand_env env = {expand_get_strv, &b->globals, b->df->escape, NULL};
	auto_free char *text = NULL;
	if (expand_word(&env, from->platform, &text, e) == 0 && *text == '\0')
		err_set(e, ERR_DOCKERFILE, "empty platform value from expression %s",
		        from->platform);
	else if (text && platform_parse(text, &s->platform, e) == 0)
		return 0;
	e->pos = from->pos;
	e->kind = ERR_DOCKERFILE;
	return -1;
}

#define STRING_BYTES 32 // that a short one takes

static size_t bytes_of(const struct strv *v)
{
	size_t n = v->n * (sizeof(*v->v) + STRING_BYTES);
	for (size_t i = 0; i < v->n; i++)
		n += strlen(v->v[i]);
	return n;
}

// A stage begins with all that the one below, or the image, has.
static int count_passed_on(
        struct builder *b, struct stage_state *s, const struct instr *from, struct err *e)
{
	const struct image_config *c = &s->config;
	b->copied += bytes_of(&s->vars) + bytes_of(&c->env) + s->n_args * sizeof(*s->args) +
	             c->n_history * (sizeof(*c->history) + 2 * STRING_BYTES);
	for (size_t i = 0; i < c->n_history; i++)
		b->copied += c->history[i].created_by ? strlen(c->history[i].created_by) : 0;
	return check_size(b, from, e);
}

static int from_base(
        struct builder *b, struct stage_state *s, const struct instr *from, struct err *e)
{
	struct expand_env env = {expand_get_strv, &b->globals, b->df->escape, NULL};
	auto_free char *base = NULL;
	if (expand_word(&env, from->base, &base, e)) {
		e->pos = from->pos;
		return -1;
	}
	if (!*base)
		return err_at(e, from->pos, "base name (%s) should not be blank", from->base);
	struct graph_context context = {0};
	int replaced = find_context(b, &s->platform, from, base, &context, e);
	if (replaced)
		return replaced < 0 ? -1 : from_context(b, s, &context, e);
	int index = dockerfile_find_stage(b->df, base, (size_t)s->index);
	if (index >= 0) {
		if (stage_build(b, (size_t)index, e))
			return -1;
		from_stage(s, &b->states[index]);
		return 0;
	}
	return from_image(b, s, base, e);
}

// ---- instructions

static int dispatch(
        struct builder *b, struct stage_state *s, struct instr *in, bool on_build, struct err *e)
{
	switch (in->kind) {
	case INSTR_RUN:
		return run_dispatch(b, s, in, on_build, e);
	case INSTR_COPY:
	case INSTR_ADD:
		return copy_dispatch(b, s, in, on_build, e);
	case INSTR_WORKDIR:
		return workdir_dispatch(b, s, in, on_build, e);
	default:
		return meta_dispatch(b, s, in, e);
	}
}

static int stage_dispatch(
        struct builder *b, struct stage_state *s, struct instr *in, bool on_build, struct err *e)
{
	return dispatch(b, s, in, on_build, e) ? -1 : check_size(b, in, e);
}

static bool makes_step(const struct instr *in)
{
	return in->kind == INSTR_RUN || in->kind == INSTR_COPY || in->kind == INSTR_ADD ||
	       in->kind == INSTR_WORKDIR;
}

static int run_triggers(struct builder *b, struct stage_state *s, struct err *e)
{
	auto_strv struct strv triggers = {0};
	strv_copy(&triggers, &s->config.on_build);
	strv_release(&s->config.on_build);
	struct instr **parsed = arena_alloc(&b->g->arena, (triggers.n + 1) * sizeof(*parsed));
	for (size_t i = 0; i < triggers.n; i++) {
		parsed[i] = dockerfile_parse_trigger(&b->g->arena, triggers.v[i], e);
		if (!parsed[i]) {
			e->pos = b->df->stages[s->index].from->pos;
			return err_wrap(
			        e, "ONBUILD trigger of the base image \"%s\"", triggers.v[i]);
		}
		parsed[i]->pos = b->df->stages[s->index].from->pos;
		s->total += makes_step(parsed[i]);
	}
	for (size_t i = 0; i < triggers.n; i++)
		if (stage_dispatch(b, s, parsed[i], true, e))
			return -1;
	return 0;
}

static const char *display_name(struct builder *b, size_t index)
{
	if (b->df->stages[index].name)
		return b->df->stages[index].name;
	if (b->df->n_stages == 1)
		return "";
	return arena_printf(&b->g->arena, "stage-%zu", index);
}

static bool stage_resets_cache(const struct builder *b, size_t index)
{
	if (b->o->no_cache)
		return true;
	const char *name = b->df->stages[index].name;
	const struct strv *given = b->o->no_cache_stages;
	for (size_t i = 0; name && given && i < given->n; i++)
		if (str_ieq(given->v[i], name))
			return true;
	return false;
}

// A context of the stage's name stands for all of it.
static int stage_replace(struct builder *b, struct stage_state *s,
        const struct graph_context *context, struct err *e)
{
	s->total = 1;
	if (from_context(b, s, context, e))
		return -1;
	s->n_base_history = s->config.n_history;
	s->busy = false;
	s->done = true;
	b->depth--;
	return 0;
}

int stage_build(struct builder *b, size_t index, struct err *e)
{
	struct stage_state *s = &b->states[index];
	struct stage *stage = &b->df->stages[index];
	if (s->done)
		return 0;
	if (b->depth >= STAGE_DEPTH_MAX)
		return err_at(
		        e, stage->pos, "stages are nested deeper than %d levels", STAGE_DEPTH_MAX);
	if (s->busy)
		return err_at(e, stage->pos, "circular dependency detected on stage: %s",
		        stage->name ? stage->name : "unnamed");
	s->busy = true;
	b->depth++;
	s->index = (int)index;
	s->df = b->df;
	s->rootfs = -1;
	s->display = display_name(b, index);
	s->no_cache = stage_resets_cache(b, index);
	s->total = 1;
	for (size_t i = 0; i < stage->n_instrs; i++)
		s->total += makes_step(stage->instrs[i]);
	s->counter = 1;
	struct graph_context context = {0};
	if (from_platform(b, s, stage->from, e))
		return -1;
	int replaced =
	        stage->name ? find_context(b, &s->platform, stage->from, stage->name, &context, e)
	                    : 0;
	if (replaced)
		return replaced < 0 ? -1 : stage_replace(b, s, &context, e);
	if (from_base(b, s, stage->from, e) || count_passed_on(b, s, stage->from, e) ||
	        run_triggers(b, s, e))
		return -1;
	s->n_base_history = s->config.n_history;
	for (size_t i = 0; i < stage->n_instrs; i++)
		if (stage_dispatch(b, s, stage->instrs[i], false, e))
			return -1;
	s->busy = false;
	s->done = true;
	b->depth--;
	return 0;
}
