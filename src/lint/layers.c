// SPDX-License-Identifier: Apache-2.0
// What one layer adds and a later one deletes or changes. Only paths that are plain to see count:
// destinations of COPY and ADD, files that a download was told to write, what package managers
// leave.
#include "base/buf.h"
#include "base/fs.h"
#include "lint/lint-int.h"

#define ADDED_MAX 2000 // of one stage and those below it

struct added {
	const char *path;
	const struct instr *by;
};

struct layers {
	struct lint *l;
	struct added *v;
	size_t n, cap;
	const char *cwd;
};

static void note(struct layers *y, const char *path, const struct instr *by)
{
	if (y->n == ADDED_MAX || strpbrk(path, "$*?["))
		return;
	auto_free char *abs = fs_join_abs(y->cwd, path);
	if (!strcmp(abs, "/") || !strcmp(abs, "/tmp"))
		return;
	if (y->n == y->cap) {
		y->cap = y->cap ? 2 * y->cap : 16;
		y->v = xreallocarray(y->v, y->cap, sizeof(*y->v));
	}
	y->v[y->n++] = (struct added){arena_strdup(y->l->a, abs), by};
}

static void note_copy(struct layers *y, const struct instr *in)
{
	const char *dest = in->words[in->n_words - 1];
	size_t n = strlen(dest);
	bool folder = n == 0 || dest[n - 1] == '/' || !strcmp(dest, ".") || in->n_words > 2;
	for (size_t i = 0; i + 1 < in->n_words; i++) {
		const char *base = strrchr(in->words[i], '/');
		base = base ? base + 1 : in->words[i];
		if (folder && *base && strcmp(base, ".") != 0)
			note(y, arena_printf(y->l->a, "%s/%s", dest, base), in);
		else if (strcmp(dest, ".") != 0 && strcmp(dest, "./") != 0)
			note(y, dest, in);
	}
}

static void note_command(struct layers *y, const struct instr *in, const struct sh_command *c)
{
	bool curl = sh_is(c, "curl"), wget = sh_is(c, "wget");
	for (size_t i = 1; (curl || wget) && i + 1 < c->n; i++) {
		const char *w = c->words[i].text;
		size_t n = strlen(w);
		char letter = curl ? 'o' : 'O';
		if (!strcmp(w, curl ? "--output" : "--output-document") ||
		        (n > 1 && w[0] == '-' && w[1] != '-' && w[n - 1] == letter))
			note(y, c->words[i + 1].text, in);
	}
	if (sh_verb_is(c, "git", "clone") && c->n > 3 && c->words[c->n - 1].text[0] != '-' &&
	        !strstr(c->words[c->n - 1].text, "://"))
		note(y, c->words[c->n - 1].text, in);
	if (sh_verb_is(c, "apt-get", "update") || sh_verb_is(c, "apt", "update"))
		note(y, "/var/lib/apt/lists", in);
	if (sh_is(c, "npm") && lint_installs_dependencies(c))
		note(y, "/root/.npm", in);
}

// path without the pattern at its end: /x/* -> /x
static const char *plain(struct layers *y, const char *path)
{
	size_t n = strlen(path);
	while (n > 1 && (path[n - 1] == '*' || path[n - 1] == '/'))
		n--;
	const char *p = arena_strndup(y->l->a, path, n);
	if (!*p || strpbrk(p, "$*?["))
		return NULL;
	auto_free char *abs = fs_join_abs(y->cwd, p);
	return strcmp(abs, "/") ? arena_strdup(y->l->a, abs) : NULL;
}

static bool within(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

// The first that was added at or below the path, by another instruction.
static const struct added *added_below(
        const struct layers *y, const char *path, const struct instr *in)
{
	for (size_t i = 0; i < y->n; i++)
		if (within(y->v[i].path, path) && y->v[i].by != in)
			return &y->v[i];
	return NULL;
}

// Whether the same instruction adds it too: then it is only tidied.
static bool adds_it_too(const struct layers *y, const char *path, const struct instr *in)
{
	for (size_t i = 0; i < y->n; i++)
		if (y->v[i].by == in && within(y->v[i].path, path))
			return true;
	return false;
}

static void removal(struct layers *y, const struct instr *in, const struct sh_command *c)
{
	bool rm = sh_is(c, "rm"), chown = sh_is(c, "chown") || sh_is(c, "chmod");
	for (size_t i = chown ? 2 : 1; (rm || chown) && i < c->n; i++) {
		const char *w = c->words[i].text;
		const char *path = w[0] == '-' ? NULL : plain(y, w);
		const struct added *a = path ? added_below(y, path, in) : NULL;
		if (!a || adds_it_too(y, path, in))
			continue;
		struct lint_finding *f = lint_find(y->l, in,
		        rm ? "DeletedInLaterLayer" : "ChangedInLaterLayer", in->pos,
		        rm ? "%s was added in line %d and stays in the image"
		           : "%s was added in line %d and is in the image twice",
		        a->path, a->by->pos.line);
		if (f) {
			f->cost = COST_LAYER;
			f->cost_line = rm ? a->by->pos.line : in->pos.line;
		}
		return;
	}
}

static bool has_verb(const struct sh_script *s, const char *name, const char *const *verbs)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; verbs[k]; k++)
			if (sh_verb_is(&s->v[i], name, verbs[k]))
				return true;
	return false;
}

// Packages removed by a RUN that installs none.
static void packages(struct layers *y, const struct lint_run *r)
{
	static const char *const install[] = {"install", "add", NULL};
	static const char *const remove[] = {"purge", "remove", "del", NULL};
	static const char *const names[] = {"apt-get", "apt", "apk", "dnf", "yum"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (has_verb(&r->script, names[i], remove) &&
		        !has_verb(&r->script, names[i], install))
			lint_find(y->l, r->in, "DeletedInLaterLayer", r->in->pos,
			        "packages that an earlier layer holds stay in the image");
}

static void run(struct layers *y, const struct lint_run *r)
{
	for (size_t i = 0; i < r->script.n; i++)
		note_command(y, r->in, &r->script.v[i]);
	for (size_t i = 0; i < r->script.n; i++)
		removal(y, r->in, &r->script.v[i]);
	packages(y, r);
}

static void walk(struct layers *y, const struct lint_stage *s)
{
	size_t at = 0;
	for (size_t i = 0; i < s->s->n_instrs; i++) {
		const struct instr *in = s->s->instrs[i];
		if (in->kind == INSTR_WORKDIR && in->n_words) {
			auto_free char *cwd = fs_join_abs(y->cwd, in->words[0]);
			y->cwd = arena_strdup(y->l->a, cwd);
		}
		if ((in->kind == INSTR_COPY || in->kind == INSTR_ADD) && in->n_words)
			note_copy(y, in);
		if (at < s->n_runs && s->runs[at].in == in)
			run(y, &s->runs[at++]);
	}
}

void lint_layers(struct lint *l)
{
	struct layers y = {.l = l, .cwd = "/"};
	for (size_t i = 0; i < l->n_stages; i++) // those of the final image, lowest first
		if (l->stages[i].final)
			walk(&y, &l->stages[i]);
	free(y.v);
}
