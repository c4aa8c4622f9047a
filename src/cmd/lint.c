// SPDX-License-Identifier: Apache-2.0
// hew lint: BuildKit's checks and our own over Dockerfiles, with what the folder beside them and
// the store know; and the edits that are safe. Nothing is run and nothing fetched.
#include "lint/lint.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/lint_context.h"
#include "cmd/verbs.h"
#include "exec/build.h"
#include "graph/graph.h"
#include "session/session.h"
#include "ui/ui.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIX_ROUNDS 50 // an edit may make room for another
#define TEXT_MAX (10u << 20)

enum lint_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_SARIF };

struct lint_verb {
	struct strv build_args;
	const char *format, *fail_on, *explain;
	bool fix, list;
};

#define AT(member) offsetof(struct lint_verb, member)
static const struct option options[] = {
        {"build-arg", 0, OPT_LIST, AT(build_args), "KEY=VALUE", "Set a build argument"},
        {"explain", 0, OPT_STRING, AT(explain), "RULE", "Say what a rule finds, and why"},
        {"fail-on", 0, OPT_STRING, AT(fail_on), "LEVEL",
                "Exit status 1 from this level on: info, warning (default), error"},
        {"fix", 0, OPT_FLAG, AT(fix), NULL, "Change the files where that is safe"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "text, json or sarif"},
        {"list", 0, OPT_FLAG, AT(list), NULL, "List all rules"},
        OPTION_END,
};

static void release(void *p)
{
	strv_release(&((struct lint_verb *)p)->build_args);
}

// ---- rules

static int list_rules(void)
{
	const struct lint_rule *r;
	struct ui_table *t =
	        ui_table_new((const char *const[]){"RULE", "LEVEL", "FIX", "FINDS"}, 4);
	for (size_t i = 0; (r = lint_rule_at(i)); i++)
		ui_table_row(t, (const char *const[]){r->name, lint_level_name(r->level),
		                        r->fix ? "yes" : "", r->summary});
	ui_table_print(t);
	ui_table_free(t);
	return 0;
}

static void print_wrapped(const char *text)
{
	size_t column = 0;
	while (*text) {
		size_t n = strcspn(text, " ");
		if (column > 0 && column + 1 + n > 78) {
			putchar('\n');
			column = 0;
		}
		column += (size_t)printf("%s%.*s", column ? " " : "", (int)n, text);
		text += n;
		text += *text == ' ';
	}
	putchar('\n');
}

static int explain(const char *name, struct err *e)
{
	const char *names[96];
	const struct lint_rule *r = lint_rule_find(name), *other;
	size_t n = 0;
	if (!r) {
		for (size_t i = 0; (other = lint_rule_at(i)) && n < ARRAY_LEN(names); i++)
			names[n++] = other->name;
		const char *near = str_nearest(name, names, n);
		return err_set(e, ERR_USAGE, "there is no rule \"%s\"%s%s%s (hew lint --list)",
		        name, near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
	}
	printf("%s (%s): %s\n\n", r->name, lint_level_name(r->level), r->summary);
	print_wrapped(r->why);
	if (r->fix)
		printf("\n--fix %s.\n", r->fix);
	if (r->url)
		printf("\n%s\n", r->url);
	printf("\nSilenced by a comment above the instruction: # hew: skip=%s\n", r->name);
	return 0;
}

// ---- one file

struct linted {
	char *path; // as it is shown
	struct lint_report report;
	size_t n_fixed;
};

struct job {
	const struct lint_verb *o;
	struct session *s;
	struct build_request r;
	char *context, *file; // file: of the Dockerfile, NULL: standard input
	struct build_plan plan;
	struct err failure; // kind ERR_NONE: none
};

static void job_release(struct job *j)
{
	build_plan_release(&j->plan);
	build_request_release(&j->r);
	free(j->context);
	free(j->file);
}

static struct registry *no_registry(void *arg, struct err *e)
{
	(void)arg;
	err_set(e, ERR_NET, "nothing is fetched for a check");
	return NULL;
}

static uint64_t bytes_below(struct store *s, const struct digest *layer, const char *const *paths)
{
	struct layer_index *ix;
	struct err ignored = ERR_INIT;
	uint64_t sum = 0;
	if (store_layer_index(s, layer, &ix, &ignored))
		return 0;
	for (; *paths; paths++) {
		size_t begin, end;
		layer_index_range(ix, *paths, &begin, &end);
		for (; begin < end; begin++) {
			struct entry en;
			layer_index_at(ix, begin, &en);
			sum += en.type == ENTRY_FILE && !en.link ? en.size : 0;
		}
	}
	return sum;
}

static void add_costs(struct job *j, struct lint_report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct lint_finding *f = &r->v[i];
		int line = f->cost_line ? f->cost_line : f->pos.line;
		const struct step_cost *c = NULL;
		for (size_t k = 0; f->cost != COST_NONE && k < j->plan.n_costs && !c; k++)
			if (j->plan.costs[k].line == line)
				c = &j->plan.costs[k];
		if (!c)
			continue;
		if (f->cost == COST_TIME)
			f->ns = c->duration_ns;
		else if (f->cost == COST_LAYER)
			f->bytes = c->bytes;
		else
			f->bytes = bytes_below(j->s->store, &c->layer, f->paths);
		f->has_ns = f->ns > 0;
		f->has_bytes = f->bytes > 0;
	}
}

// Plans the text (NULL: the file's) and looks at it. -1: it could not be read.
static int look(struct job *j, const struct buf *text, struct lint_report *ret, struct err *e)
{
	struct build_plan plan;
	if (text) {
		j->r.dockerfile_text = text->p;
		j->r.dockerfile_len = text->n;
	}
	int status = build_plan(j->s->store, &j->r, &plan, e);
	if (!plan.file) {
		build_plan_release(&plan);
		return -1;
	}
	build_plan_release(&j->plan);
	j->plan = plan;
	j->failure = status ? *e : ERR_INIT;
	struct lint_context c;
	lint_context_init(&c, j->context, j->file);
	struct lint_options o = lint_context_options(&c);
	o.partial = !plan.parsed;
	o.base_user = plan.graph ? plan.graph->results[0].config.user : NULL;
	lint_run(plan.file, buf_cstr(&j->plan.text), plan.text.n, &o, ret);
	lint_context_release(&c);
	if (status)
		lint_add_failure(ret, e);
	add_costs(j, ret);
	return 0;
}

// Edits until there are none left. What was a sound file stays one; a round that would change more
// than the way it is written is not taken.
static int fix(struct job *j, struct linted *f, struct buf *ret_text, struct err *e)
{
	for (int round = 0; round < FIX_ROUNDS && j->failure.kind == ERR_NONE; round++) {
		auto_buf struct buf text = {0};
		auto_lint_report struct lint_report next = {0};
		auto_dockerfile struct dockerfile *before = NULL;
		size_t n = lint_apply(&f->report, buf_cstr(&j->plan.text), j->plan.text.n, &text);
		if (n == 0)
			return 0;
		before = steal_ptr(&j->plan.file);
		if (look(j, &text, &next, e))
			return -1;
		if (j->failure.kind != ERR_NONE || !lint_same_shape(before, j->plan.file))
			return err_set(e, ERR_FAIL,
			        "%s: the edits did not leave the file what it was: not changed",
			        f->path);
		lint_report_release(&f->report);
		f->report = next;
		next = (struct lint_report){0};
		f->n_fixed += n;
		buf_release(ret_text);
		*ret_text = text;
		text = (struct buf){0};
		j->r.dockerfile_text = ret_text->p;
	}
	return 0;
}

static int write_back(const struct job *j, const struct buf *text, struct err *e)
{
	struct stat st;
	auto_free char *real = realpath(j->file, NULL);
	if (!real || stat(real, &st))
		return err_sys(e, "write %s", j->file);
	if (fs_replace_file(AT_FDCWD, real, text->p, text->n, st.st_mode & 0777, e))
		return -1;
	if (geteuid() == 0 && chown(real, st.st_uid, st.st_gid)) // others own what they write
		return err_sys(e, "give %s back to its owner", j->file);
	return 0;
}

static int lint_one(struct job *j, struct linted *f, struct err *e)
{
	auto_buf struct buf fixed = {0};
	if (look(j, NULL, &f->report, e))
		return -1;
	if (!j->o->fix)
		return 0;
	if (fix(j, f, &fixed, e))
		return -1;
	return f->n_fixed ? write_back(j, &fixed, e) : 0;
}

// ---- arguments

static char *folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	return slash ? xstrndup(file, slash == file ? 1 : (size_t)(slash - file)) : xstrdup(".");
}

static char *default_file(const char *context)
{
	char *upper = xasprintf("%s/Dockerfile", context);
	auto_free char *lower = xasprintf("%s/dockerfile", context);
	if (access(upper, F_OK) && !access(lower, F_OK)) {
		free(upper);
		return steal_ptr(&lower);
	}
	return upper;
}

// The file that an argument other than "-" stands for, and the folder around it. Caller frees.
static int find_file(const char *arg, char **ret_context, char **ret_file, struct err *e)
{
	struct stat st;
	if (stat(arg, &st))
		return err_set(e, ERR_CONTEXT, "%s: no such file or folder", arg);
	*ret_context = S_ISDIR(st.st_mode) ? xstrdup(arg) : folder_of(arg);
	*ret_file = S_ISDIR(st.st_mode) ? default_file(arg) : xstrdup(arg);
	if (access(*ret_file, F_OK))
		return err_set(e, ERR_CONTEXT, "there is no Dockerfile in %s: name the file", arg);
	return 0;
}

// Before the first file is edited: all of them are there.
static int check_path(const struct lint_verb *o, const char *arg, struct err *e)
{
	auto_free char *context = NULL, *file = NULL;
	if (strcmp(arg, "-") != 0)
		return find_file(arg, &context, &file, e);
	return o->fix ? err_set(e, ERR_USAGE, "--fix cannot change standard input") : 0;
}

static int take_path(
        struct job *j, const char *arg, struct buf *text, char **ret_shown, struct err *e)
{
	*ret_shown = xstrdup(arg);
	if (!strcmp(arg, "-")) {
		if (fs_read_fd(0, TEXT_MAX, text, e))
			return err_wrap(e, "read the Dockerfile from standard input");
		j->r.dockerfile_text = buf_cstr(text);
		j->r.dockerfile_len = text->n;
		return 0;
	}
	if (find_file(arg, &j->context, &j->file, e))
		return -1;
	free(*ret_shown);
	*ret_shown = xstrdup(str_has_prefix(j->file, "./") ? j->file + 2 : j->file);
	j->r.context = j->context;
	j->r.dockerfile = j->file;
	return 0;
}

static int lint_arg(const struct lint_verb *o, struct session *s, const char *arg, struct linted *f,
        struct err *e)
{
	struct job j = {.o = o,
	        .s = s,
	        .r = {.registry = no_registry, .all_stages = true, .offline = true, .costs = true}};
	const struct platform host = platform_host();
	auto_buf struct buf text = {0};
	build_request_add_platform(&j.r, &host);
	strv_copy(&j.r.build_args, &o->build_args);
	int status = take_path(&j, arg, &text, &f->path, e);
	if (!status)
		status = lint_one(&j, f, e);
	job_release(&j);
	return status;
}

static const char *const formats[] = {"text", "json", "sarif"};

static int parse_format(const char *text, enum lint_format *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		*ret = (enum lint_format)i;
		if (!text || !strcmp(text, formats[i]))
			return 0;
	}
	return err_set(e, ERR_USAGE, "unknown format \"%s\": text, json or sarif", text);
}

static void print(enum lint_format format, const struct linted *v, size_t n)
{
	auto_buf struct buf out = {0};
	auto_free struct lint_file *files = xcalloc(n + 1, sizeof(*files));
	for (size_t i = 0; i < n; i++)
		files[i] = (struct lint_file){v[i].path, &v[i].report};
	if (format == FORMAT_TEXT) {
		for (size_t i = 0; i < n; i++) {
			if (!v[i].n_fixed)
				continue;
			buf_escape(&out, v[i].path, strlen(v[i].path));
			buf_printf(&out, ": %zu fixed\n", v[i].n_fixed);
		}
		lint_print_text(files, n, &out);
	} else if (format == FORMAT_JSON) {
		lint_print_json(files, n, &out);
	} else {
		lint_print_sarif(files, n, HEW_VERSION, &out);
	}
	fwrite(buf_cstr(&out), 1, out.n, stdout);
}

static bool reaches(const struct linted *v, size_t n, enum lint_level level)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < v[i].report.n; k++)
			if (v[i].report.v[k].rule->level >= level)
				return true;
	return false;
}

static int open_store(struct session *s, struct err *e)
{
	if (session_open(s, false, e) == 0)
		return 0;
	if (e->kind != ERR_NOT_FOUND)
		return -1;
	*e = ERR_INIT;
	return 0;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct lint_verb *o = opts;
	enum lint_level fail_on = LINT_WARNING;
	enum lint_format format;
	auto_session struct session s = {0};
	static const char *const here[] = {"."};
	const char *const *names = args->n ? (const char *const *)args->v : here;
	size_t n = args->n ? args->n : 1;
	if (o->list)
		return list_rules();
	if (o->explain)
		return explain(o->explain, e);
	if (parse_format(o->format, &format, e) ||
	        (o->fail_on && lint_level_parse(o->fail_on, &fail_on, e)) || open_store(&s, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (check_path(o, names[i], e))
			return -1;
	struct linted *v = xcalloc(n, sizeof(*v));
	int status = 0;
	size_t done = 0;
	while (!status && done < n) {
		status = lint_arg(o, &s, names[done], &v[done], e);
		done += !status;
	}
	if (!status || done > 0) // what was found, and changed, before one could not be read
		print(format, v, done);
	if (!status)
		status = reaches(v, n, fail_on);
	for (size_t i = 0; i < n; i++) {
		free(v[i].path);
		lint_report_release(&v[i].report);
	}
	free(v);
	return status;
}

const struct command cmd_lint = {
        .name = "lint",
        .args = "[OPTIONS] [FILE|FOLDER|-]...",
        .summary = "Find what makes images fat, slow or unsafe",
        .details = "BuildKit's checks and rules of hew's own. The folder of a Dockerfile is taken "
                   "for its build context.\n"
                   "Exit status: 0 nothing found at the level of --fail-on or above, 1 something, "
                   "else as hew(1) says.\n"
                   "Silence: \"# hew: skip=RULE\" or \"# check=skip=RULE\" above an instruction, "
                   "\"# hew: skip-file=RULE\".\n",
        .options = options,
        .size = sizeof(struct lint_verb),
        .run = run,
        .release = release,
};
