// SPDX-License-Identifier: Apache-2.0
// COPY, ADD and WORKDIR.
#include "base/fs.h"
#include "base/redact.h"
#include "dockerfile/git_ref.h"
#include "graph/graph-int.h"

int workdir_dispatch(struct builder *b, struct stage_state *s, const struct instr *in,
        bool on_build, struct err *e)
{
	const char *path;
	if (vars_expand(b, s, in, in->n_words ? in->words[0] : "", &path, e))
		return -1;
	check_workdir(b, s, in, path);
	auto_free char *wd = fs_join_abs(s->config.working_dir ? s->config.working_dir : "/", path);
	free(s->config.working_dir);
	s->config.working_dir = xstrdup(wd);
	int id = -1;
	if (strcmp(wd, "/") != 0) {
		struct step *st = step_add(b, s, STEP_WORKDIR, in, on_build);
		st->workdir.path = arena_strdup(&b->g->arena, wd);
		st->workdir.user = arena_strdup(&b->g->arena, s->config.user ? s->config.user : "");
		s->rootfs = id = step_unique(b, st)->id;
	}
	auto_free char *text = xasprintf("WORKDIR %s", wd);
	history_add(b, s, text, id);
	return 0;
}

// The destination made absolute; a trailing slash and a final "." mean "into this directory".
static const char *destination(struct builder *b, struct stage_state *s, const char *dest)
{
	const char *cwd = s->config.working_dir ? s->config.working_dir : "/";
	size_t n = strlen(dest);
	bool dir = n == 0 || dest[n - 1] == '/' || !strcmp(dest, ".") || str_has_suffix(dest, "/.");
	auto_free char *abs = fs_join_abs(cwd, dest);
	bool slash = dir && strcmp(abs, "/") != 0;
	return arena_printf(&b->g->arena, "%s%s", abs, slash ? "/" : "");
}

static int chmod_check(const struct instr *in, const char *chmod, struct err *e)
{
	uint32_t mode;
	bool digits = *chmod >= '0' && *chmod <= '9';
	if (digits && (!str_to_octal(chmod, &mode) || mode > 07777))
		return err_at(e, in->pos,
		        "invalid chmod parameter: '%s'. it should be octal string and between 0 "
		        "and 07777",
		        chmod);
	return 0;
}

static int copy_inlines(struct builder *b, struct stage_state *s, const struct instr *in,
        struct copy_op *op, struct err *e)
{
	op->inlines = arena_alloc(&b->g->arena, (in->n_heredocs + 1) * sizeof(*op->inlines));
	for (size_t i = 0; i < in->n_heredocs; i++) {
		const struct heredoc *h = &in->heredocs[i];
		const char *data = h->body;
		if (h->expand) {
			struct undefined u = {b, s, in, {0}};
			struct expand_env env = vars_env(s, &u);
			env.escape = '\\'; // bodies do not know the escape directive
			auto_free char *out = NULL;
			int status = expand_keep_quotes(&env, h->body, &out, e);
			undefined_report(&u);
			if (status) {
				e->pos = in->pos;
				return -1;
			}
			data = arena_strdup(&b->g->arena, out);
			if (check_size(b, in, e))
				return -1;
		}
		op->inlines[op->n_inlines++] = (struct inline_file){h->name, data};
	}
	return 0;
}

static int copy_words(struct builder *b, struct stage_state *s, const struct instr *in,
        struct copy_op *op, const char **ret_dest, struct err *e)
{
	for (size_t i = 0; i < in->n_words; i++) {
		const char *word;
		bool last = i + 1 == in->n_words;
		if (vars_expand(b, s, in, in->words[i], &word, e))
			return -1;
		if (last) {
			*ret_dest = word;
			continue;
		}
		strv_add(&op->sources, word);
		if (!in->from)
			check_source(b, in, word);
	}
	for (size_t i = 0; i < in->n_excludes; i++)
		strv_add(&op->excludes, in->excludes[i]);
	return 0;
}

static int copy_flags(struct builder *b, struct stage_state *s, const struct instr *in,
        struct copy_op *op, struct err *e)
{
	struct {
		const char *raw, **to;
	} const flags[] = {
	        {in->chown, &op->chown}, {in->chmod, &op->chmod}, {in->checksum, &op->checksum}};
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].raw && vars_expand(b, s, in, flags[i].raw, flags[i].to, e))
			return -1;
	if (op->chmod && !*op->chmod)
		op->chmod = NULL;
	if (op->chown && !*op->chown)
		op->chown = NULL;
	op->add = in->kind == INSTR_ADD;
	op->link = in->link;
	op->parents = in->parents;
	op->unpack = in->unpack_set ? in->unpack : op->add;
	op->unpack_set = in->unpack_set;
	op->keep_git_dir = in->keep_git_dir;
	op->keep_git_dir_set = in->keep_git_dir_set;
	return op->chmod ? chmod_check(in, op->chmod, e) : 0;
}

static int copy_check(const struct instr *in, const struct copy_op *op, struct err *e)
{
	for (size_t i = 0; i < op->sources.n && !op->add; i++) {
		if (git_ref_is(op->sources.v[i], false))
			return err_at(e, in->pos, "source can't be a git ref for COPY (use ADD)");
		if (source_is_url(op->sources.v[i]))
			return err_at(e, in->pos, "source can't be a URL for COPY (use ADD)");
	}
	if (op->checksum && op->sources.n != 1)
		return err_at(e, in->pos, "checksum can't be specified for multiple sources");
	if (op->checksum && !source_is_url(op->sources.v[0]) &&
	        !git_ref_is(op->sources.v[0], false))
		return err_at(e, in->pos, "checksum requires HTTP(S) or Git sources");
	return 0;
}

static void history_copy(struct builder *b, struct stage_state *s, const struct copy_op *op,
        const char *dest, int step)
{
	auto_buf struct buf text = {0};
	buf_puts(&text, op->add ? "ADD" : "COPY");
	if (op->parents)
		buf_puts(&text, " --parents");
	if (op->chown)
		buf_printf(&text, " --chown=%s", op->chown);
	if (op->chmod)
		buf_printf(&text, " --chmod=%s", op->chmod);
	for (size_t i = 0; i < op->sources.n; i++) {
		buf_putc(&text, ' '); // other than BuildKit: the image tells no password
		redact_urls(op->sources.v[i], strlen(op->sources.v[i]), &text);
	}
	for (size_t i = 0; i < op->n_inlines; i++)
		buf_printf(&text, " <<%s", op->inlines[i].name);
	buf_printf(&text, " %s # buildkit", dest);
	history_add(b, s, buf_cstr(&text), step);
}

int copy_dispatch(struct builder *b, struct stage_state *s, const struct instr *in, bool on_build,
        struct err *e)
{
	struct file_source from = {.kind = FROM_CONTEXT};
	if (in->from) {
		if (strchr(in->from, '$'))
			return err_at(e, in->pos,
			        "variable expansion is not supported for --from, define a new "
			        "stage with "
			        "FROM using ARG from global scope as a workaround");
		if (source_find(b, s, in, in->from, true, &from, e))
			return -1;
	}
	struct step *st = step_add(b, s, STEP_COPY, in, on_build);
	struct copy_op *op = &st->copy;
	const char *dest = "";
	op->from = from;
	if (copy_flags(b, s, in, op, e) || copy_words(b, s, in, op, &dest, e) ||
	        copy_inlines(b, s, in, op, e) || copy_check(in, op, e))
		return -1;
	op->dest = destination(b, s, dest);
	st = step_unique(b, st);
	history_copy(b, s, &st->copy, dest, st->id);
	s->rootfs = st->id;
	return 0;
}
