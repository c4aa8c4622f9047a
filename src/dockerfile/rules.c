// SPDX-License-Identifier: Apache-2.0
// What every instruction allows: number of arguments, flags, names. The order of the checks and
// their words are BuildKit's (frontend/dockerfile/instructions), so that the same mistake gives the
// same message.
#include "base/err.h"
#include "base/unicode.h"
#include "dockerfile/expand.h"
#include "dockerfile/parse-int.h"

static int at_least_one(struct draft *d, struct err *e)
{
	if (d->args.n > 0)
		return 0;
	return err_set(
	        e, ERR_DOCKERFILE, "%s requires at least one argument", instr_name(d->in->kind));
}

static void take_words(struct draft *d)
{
	d->in->words = d->args.v;
	d->in->n_words = d->args.n;
}

static const char *or_null(const char *s)
{
	return s && *s ? s : NULL;
}

// The description of `name` in the comments right above.
static const char *doc_of(struct context *c, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < c->r->n_comments; i++) {
		struct str t = c->r->comments[i];
		if (t.n > n && t.p[n] == ' ' && memcmp(t.p, name, n) == 0)
			return arena_strndup(c->a, t.p + n + 1, t.n - n - 1);
	}
	return NULL;
}

static bool is_stage_name(const char *s)
{
	if (*s < 'a' || *s > 'z')
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || strchr("-_.", *s)))
			return false;
	return true;
}

static int from_rules(
        struct context *c, struct draft *d, const struct flag_values *f, struct err *e)
{
	struct instr *in = d->in;
	bool named = d->args.n == 3 && str_ieq(d->args.v[1], "as");
	if (!named && d->args.n != 1)
		return err_set(e, ERR_DOCKERFILE, "FROM requires either one or three arguments");
	in->base = d->args.v[0];
	in->platform = or_null(f->platform);
	if (!named)
		return 0;
	in->stage_name_raw = d->args.v[2];
	char *name = arena_strdup(c->a, d->args.v[2]);
	for (char *p = name; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	if (!is_stage_name(name)) {
		auto_buf struct buf q = {0};
		quote_go(&q, str_of(in->stage_name_raw));
		return err_set(e, ERR_DOCKERFILE,
		        "invalid name for build stage: %s, name can't start with a number or "
		        "contain "
		        "symbols",
		        buf_cstr(&q));
	}
	in->stage_name = name;
	in->doc = doc_of(c, name);
	return 0;
}

static int check_copy_from(const char *from, struct err *e)
{
	const struct expand_env none = {.escape = '\\'};
	auto_free char *same = NULL;
	if (expand_word(&none, from, &same, e) < 0)
		return -1;
	if (strcmp(from, same) == 0)
		return 0;
	return err_set(e, ERR_DOCKERFILE,
	        "variable expansion is not supported for --from, define a new stage with FROM "
	        "using "
	        "ARG from global scope as a workaround");
}

// Moves the words that are heredocs out of the sources. "<< EOF" is two words here, one heredoc.
static void take_sources(struct context *c, struct draft *d)
{
	struct instr *in = d->in;
	struct list words = {0};
	in->heredocs = arena_alloc(c->a, (d->n_heredocs + 1) * sizeof(*in->heredocs));
	for (size_t i = 0; i < d->args.n; i++) {
		size_t next = in->n_heredocs;
		struct heredoc h;
		struct err ignored = ERR_INIT;
		bool more = !in->json && next < d->n_heredocs && i + 1 < d->args.n;
		const char *name = NULL;
		if (more && strcmp(d->args.v[i], "<<") == 0 && i + 2 < d->args.n)
			name = d->args.v[++i];
		else if (more && heredoc_parse(c->a, str_of(d->args.v[i]), &h, &ignored) > 0)
			name = h.name;
		if (name)
			in->heredocs[in->n_heredocs++] = d->heredocs[next].doc;
		else
			list_add(c->a, &words, d->args.v[i]);
	}
	in->words = words.v;
	in->n_words = words.n;
}

static int copy_rules(
        struct context *c, struct draft *d, const struct flag_values *f, struct err *e)
{
	struct instr *in = d->in;
	const char *name = instr_name(in->kind);
	struct heredoc h;
	struct err ignored = ERR_INIT;
	if (or_null(f->from) && check_copy_from(f->from, e) < 0)
		return -1;
	if (heredoc_parse(c->a, str_of(d->args.v[d->args.n - 1]), &h, &ignored) > 0)
		return err_set(
		        e, ERR_DOCKERFILE, "%s cannot accept a heredoc as a destination", name);
	in->from = or_null(f->from);
	in->chown = or_null(f->chown);
	in->chmod = or_null(f->chmod);
	in->checksum = or_null(f->checksum);
	in->link = f->link.value;
	in->link_set = f->link.set;
	in->parents = f->parents.value;
	in->unpack = f->unpack.value;
	in->unpack_set = f->unpack.set;
	in->keep_git_dir = f->keep_git_dir.value;
	in->keep_git_dir_set = f->keep_git_dir.set;
	in->excludes = f->excludes.v;
	in->n_excludes = f->excludes.n;
	take_sources(c, d);
	return 0;
}

static int one_of(const char *form, const char *value, const char *const *allowed, struct err *e)
{
	for (; *allowed; allowed++)
		if (strcmp(value, *allowed) == 0)
			return 0;
	auto_buf struct buf q = {0}, m = {0};
	quote_go(&q, str_of(value));
	for (const char *p = form; *p; p++) {
		if (*p == '@')
			buf_puts(&m, buf_cstr(&q));
		else
			buf_putc(&m, *p);
	}
	return err_set(e, ERR_DOCKERFILE, "%s", buf_cstr(&m));
}

static int run_flags(
        struct context *c, struct instr *in, const struct flag_values *f, struct err *e)
{
	static const char *const networks[] = {"default", "none", "host", NULL};
	static const char *const securities[] = {"sandbox", "insecure", NULL};
	in->mounts = arena_alloc(c->a, (f->mounts.n + 1) * sizeof(*in->mounts));
	for (; in->n_mounts < f->mounts.n; in->n_mounts++)
		if (mount_parse(c->a, f->mounts.v[in->n_mounts], NULL, &in->mounts[in->n_mounts],
		            e) < 0)
			return -1;
	if (f->network && one_of("invalid network mode @", f->network, networks, e) < 0)
		return -1;
	if (f->security && one_of("security @ is not valid", f->security, securities, e) < 0)
		return -1;
	for (size_t i = 0; i < f->devices.n; i++)
		if (device_check(f->devices.v[i], e) < 0)
			return -1;
	in->network = f->network;
	in->security = f->security;
	in->devices = f->devices.v;
	in->n_devices = f->devices.n;
	in->device = f->devices.n > 0 ? f->devices.v[0] : NULL;
	return 0;
}

static int run_rules(struct context *c, struct draft *d, const struct flag_values *f, struct err *e)
{
	struct instr *in = d->in;
	if (run_flags(c, in, f, e) < 0 || at_least_one(d, e) < 0)
		return -1;
	take_words(d);
	if (d->n_heredocs == 0)
		return 0;
	struct heredoc h;
	struct err ignored = ERR_INIT;
	in->heredocs = arena_alloc(c->a, d->n_heredocs * sizeof(*in->heredocs));
	in->n_heredocs = d->n_heredocs;
	for (size_t i = 0; i < d->n_heredocs; i++)
		in->heredocs[i] = d->heredocs[i].doc;
	in->heredoc_only = heredoc_parse(c->a, str_of(d->args.v[0]), &h, &ignored) > 0;
	if (in->heredoc_only)
		return 0;
	auto_buf struct buf b = {0};
	buf_puts(&b, d->args.v[0]);
	for (size_t i = 0; i < d->n_heredocs; i++) {
		buf_putc(&b, '\n');
		buf_puts(&b, d->heredocs[i].raw);
		buf_puts(&b, d->heredocs[i].doc.name);
	}
	d->args.v[0] = arena_strndup(c->a, buf_cstr(&b), b.n);
	return 0;
}

static int blank_name(struct draft *d, struct err *e)
{
	return err_set(e, ERR_DOCKERFILE, "%s names can not be blank", instr_name(d->in->kind));
}

// ENV, LABEL: names and values alternate in args.
static int pair_rules(struct context *c, struct draft *d, struct err *e)
{
	struct instr *in = d->in;
	if (at_least_one(d, e) < 0)
		return -1;
	in->pairs = arena_alloc(c->a, d->args.n / 2 * sizeof(*in->pairs));
	for (size_t i = 0; i + 1 < d->args.n; i += 2) {
		if (!*d->args.v[i])
			return blank_name(d, e);
		in->pairs[in->n_pairs++] = (struct key_value){d->args.v[i], d->args.v[i + 1], NULL};
	}
	return 0;
}

static int arg_rules(struct context *c, struct draft *d, struct err *e)
{
	struct instr *in = d->in;
	if (at_least_one(d, e) < 0)
		return -1;
	in->pairs = arena_alloc(c->a, d->args.n * sizeof(*in->pairs));
	for (size_t i = 0; i < d->args.n; i++) {
		const char *word = d->args.v[i], *eq = strchr(word, '=');
		if (eq == word)
			return blank_name(d, e);
		const char *key = eq ? arena_strndup(c->a, word, (size_t)(eq - word)) : word;
		in->pairs[in->n_pairs++] =
		        (struct key_value){key, eq ? eq + 1 : NULL, doc_of(c, key)};
	}
	in->doc = in->pairs[0].doc;
	return 0;
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int expose_rules(struct draft *d, struct err *e)
{
	if (at_least_one(d, e) < 0)
		return -1;
	qsort(d->args.v, d->args.n, sizeof(*d->args.v), compare_words);
	take_words(d);
	return 0;
}

static int volume_rules(struct context *c, struct draft *d, struct err *e)
{
	if (at_least_one(d, e) < 0)
		return -1;
	for (size_t i = 0; i < d->args.n; i++) {
		struct str v = rune_trim(str_of(d->args.v[i]));
		if (v.n == 0)
			return err_set(
			        e, ERR_DOCKERFILE, "VOLUME specified can not be an empty string");
		d->args.v[i] = arena_strndup(c->a, v.p, v.n);
	}
	take_words(d);
	return 0;
}

static int shell_rules(struct draft *d, struct err *e)
{
	if (at_least_one(d, e) < 0)
		return -1;
	if (!d->in->json)
		return err_set(
		        e, ERR_DOCKERFILE, "SHELL requires the arguments to be in JSON form");
	take_words(d);
	return 0;
}

static int onbuild_rules(struct context *c, struct draft *d, struct err *e)
{
	if (!d->inner)
		return at_least_one(d, e);
	d->inner->in->pos = d->in->pos;
	if (rules_apply(c, d->inner, e) < 0)
		return -1;
	d->in->trigger = d->inner->in;
	return 0;
}

static int apply(struct context *c, struct draft *d, const struct flag_values *f, struct err *e)
{
	switch (d->in->kind) {
	case INSTR_FROM:
		return from_rules(c, d, f, e);
	case INSTR_ADD:
	case INSTR_COPY:
		return copy_rules(c, d, f, e);
	case INSTR_RUN:
		return run_rules(c, d, f, e);
	case INSTR_ENV:
	case INSTR_LABEL:
		return pair_rules(c, d, e);
	case INSTR_ARG:
		return arg_rules(c, d, e);
	case INSTR_EXPOSE:
		return expose_rules(d, e);
	case INSTR_VOLUME:
		return volume_rules(c, d, e);
	case INSTR_SHELL:
		return shell_rules(d, e);
	case INSTR_HEALTHCHECK:
		return health_rules(d, f, e);
	case INSTR_ONBUILD:
		return onbuild_rules(c, d, e);
	default: // CMD, ENTRYPOINT; the count of the others was right
		take_words(d);
		return 0;
	}
}

// What BuildKit complains of before it looks at the flags.
static int check_count(struct draft *d, struct err *e)
{
	const char *name = instr_name(d->in->kind);
	switch (d->in->kind) {
	case INSTR_ADD:
	case INSTR_COPY:
		if (d->args.n < 2)
			return err_set(e, ERR_DOCKERFILE,
			        "%s requires at least two arguments, but only one was provided. "
			        "Destination could not be determined",
			        name);
		return 0;
	case INSTR_MAINTAINER:
	case INSTR_STOPSIGNAL:
	case INSTR_USER:
	case INSTR_WORKDIR:
		if (d->args.n != 1)
			return err_set(e, ERR_DOCKERFILE, "%s requires exactly one argument", name);
		return 0;
	case INSTR_EXPOSE:
	case INSTR_HEALTHCHECK:
	case INSTR_VOLUME:
		return at_least_one(d, e);
	default:
		return 0;
	}
}

// BuildKit reads the flags of these and forgets them.
static bool ignores_flags(const struct draft *d)
{
	enum instr_kind k = d->in->kind;
	return k == INSTR_ARG || k == INSTR_STOPSIGNAL ||
	       (k == INSTR_HEALTHCHECK && str_ieq(d->args.v[0], "none"));
}

int rules_apply(struct context *c, struct draft *d, struct err *e)
{
	struct flag_values f = {0};
	if (check_count(d, e) < 0)
		return -1;
	if (!ignores_flags(d) && flags_parse(c->a, d->in->kind, &d->flags, &f, e) < 0)
		return -1;
	d->in->flags_text = d->flags.v;
	d->in->n_flags_text = d->flags.n;
	return apply(c, d, &f, e);
}
