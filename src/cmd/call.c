// SPDX-License-Identifier: Apache-2.0
// The answers to `hew build --call`, printed as buildx prints what BuildKit's subrequests return
// (frontend/subrequests/{lint,outline,targets}).
#include "cmd/call.h"

#include "base/err.h"
#include "base/json.h"
#include "cmd/source_json.h"
#include "dockerfile/dockerfile.h"
#include "exec/build.h"
#include "graph/graph.h"
#include "ui/ui.h"
#include <stdio.h>

static const struct {
	const char *name, *description, *opt, *opt_description;
	int kind;
	bool status; // the answer has a status code
} calls[] = {
        {"outline", "List all parameters current build target supports", "target",
                "Target build stage", CALL_OUTLINE, false},
        {"lint", "Lint a Dockerfile", NULL, NULL, CALL_CHECK, true},
        {"targets", "List all targets current build supports", NULL, NULL, CALL_TARGETS, false},
        {"subrequests.describe", "List available subrequest types", NULL, NULL, CALL_DESCRIBE,
                false},
};
#define CALL_VERSION "1.0.0"

static int set_format(const char *format, struct build_call *ret, struct err *e)
{
	ret->json = !strcmp(format, "json");
	if (ret->json || !strcmp(format, "text"))
		return 0;
	return err_set(e, ERR_USAGE, "invalid format \"%s\" for --call: text or json", format);
}

static int set_ignore_status(const char *value, struct build_call *ret, struct err *e)
{
	static const char *const words[] = {"1", "t", "true", "0", "f", "false"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(value, words[i])) {
			ret->ignore_status = i < 3;
			return 0;
		}
	return err_set(
	        e, ERR_USAGE, "invalid ignorestatus \"%s\" for --call: true or false", value);
}

int build_call_parse(const char *text, struct build_call *ret, struct err *e)
{
	*ret = (struct build_call){.kind = CALL_BUILD};
	if (!text)
		return 0;
	auto_strv struct strv parts = {0};
	const char *name = NULL;
	bool good = strv_split_csv(&parts, text);
	for (size_t i = 0; good && i < parts.n; i++) {
		if (str_has_prefix(parts.v[i], "format=")) {
			if (set_format(parts.v[i] + strlen("format="), ret, e))
				return -1;
		} else if (str_has_prefix(parts.v[i], "ignorestatus=")) {
			if (set_ignore_status(parts.v[i] + strlen("ignorestatus="), ret, e))
				return -1;
		} else {
			good = !name && !strchr(parts.v[i], '=');
			name = parts.v[i];
		}
	}
	if (!good)
		return err_set(e, ERR_USAGE,
		        "invalid --call \"%s\": METHOD[,format=json][,ignorestatus=true]", text);
	if (!name)
		name = "build";
	if (!strcmp(name, "build"))
		return 0;
	if (!strcmp(name, "check"))
		name = "lint";
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (!strcmp(calls[i].name, name)) {
			ret->kind = calls[i].kind;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE,
	        "unknown method \"%s\" for --call: build, check, outline, targets or "
	        "subrequests.describe",
	        name);
}

// ---- JSON

static void put_location(struct jw *w, struct pos pos)
{
	jw_key(w, "location");
	jw_object(w);
	json_ranges(w, "ranges", pos);
	jw_object_end(w);
}

static void put_optional(struct jw *w, const char *key, const char *value)
{
	if (value && *value)
		jw_kv(w, key, value);
}

static void put_sources(struct jw *w, const struct build_plan *p)
{
	jw_key(w, "sources");
	jw_array(w);
	json_bytes(w, p->text.p, p->text.n);
	jw_array_end(w);
}

static void print_json(struct buf *out)
{
	buf_putc(out, '\n');
	fwrite(out->p, 1, out->n, stdout);
}

// ---- check

static void put_warning(struct jw *w, const struct warning *warning)
{
	const struct check_rule *rule = check_rule_find(warning->rule);
	jw_object(w);
	jw_kv(w, "ruleName", warning->rule);
	put_optional(w, "description", rule ? rule->description : NULL);
	put_optional(w, "url", rule ? rule->url : NULL);
	put_optional(w, "detail", warning->detail);
	put_location(w, warning->pos);
	jw_object_end(w);
}

static void check_json(const struct build_plan *p, const struct err *failure)
{
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	jw_key(&w, "warnings");
	if (!p->file || p->file->n_warnings == 0) {
		jw_null(&w);
	} else {
		jw_array(&w);
		for (size_t i = 0; i < p->file->n_warnings; i++)
			put_warning(&w, &p->file->warnings[i]);
		jw_array_end(&w);
	}
	jw_key(&w, "sources");
	jw_array(&w);
	json_source_info(&w, p->file, &p->text);
	jw_array_end(&w);
	if (failure) {
		jw_key(&w, "buildError");
		jw_object(&w);
		jw_kv(&w, "message", failure->msg);
		put_location(&w, failure->pos);
		jw_object_end(&w);
	}
	jw_object_end(&w);
	print_json(&out);
}

static int by_line(const void *a, const void *b)
{
	const struct warning *x = *(const struct warning *const *)a,
	                     *y = *(const struct warning *const *)b;
	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	return (x > y) - (x < y);
}

static void check_text(const struct dockerfile *d, const struct err *failure)
{
	size_t n = d ? d->n_warnings : 0;
	auto_buf struct buf out = {0};
	if (n == 0 && !failure)
		buf_puts(&out, "Check complete, no warnings found.\n");
	if (n > 0)
		buf_printf(&out,
		        n == 1 ? "Check complete, %zu warning has been found!\n"
		               : "Check complete, %zu warnings have been found!\n",
		        n);
	auto_free const struct warning **sorted = xcalloc(n + 1, sizeof(*sorted));
	for (size_t i = 0; i < n; i++)
		sorted[i] = &d->warnings[i];
	qsort(sorted, n, sizeof(*sorted), by_line);
	for (size_t i = 0; i < n; i++) {
		const struct check_rule *rule = check_rule_find(sorted[i]->rule);
		buf_printf(&out, "\nWARNING: %s%s%s\n", sorted[i]->rule,
		        rule && rule->url ? " - " : "", rule && rule->url ? rule->url : "");
		ui_escape(sorted[i]->detail, strlen(sorted[i]->detail), &out);
		buf_putc(&out, '\n');
		dockerfile_excerpt(d, sorted[i]->pos, &out);
	}
	if (n > 0 && failure)
		buf_putc(&out, '\n');
	fwrite(buf_cstr(&out), 1, out.n, stdout);
}

static void show_excerpt(const struct build_plan *p, const struct err *failure)
{
	auto_buf struct buf excerpt = {0};
	if (p->file && failure->pos.line)
		dockerfile_excerpt(p->file, failure->pos, &excerpt);
	fputs(buf_cstr(&excerpt), stderr);
}

static int check(
        const struct build_plan *p, const struct build_call *call, const struct err *failure)
{
	if (call->json)
		check_json(p, failure);
	else
		check_text(p->file, failure);
	if (failure) {
		ui_error(failure);
		show_excerpt(p, failure);
	}
	return !call->ignore_status && (failure || !p->file || p->file->n_warnings > 0);
}

// ---- outline, targets

static void put_entries(
        struct jw *w, const char *key, const struct outline_entry *v, size_t n, bool arguments)
{
	if (n == 0)
		return;
	jw_key(w, key);
	jw_array(w);
	for (size_t i = 0; i < n; i++) {
		jw_object(w);
		jw_kv(w, "name", v[i].name);
		if (arguments) {
			put_optional(w, "description", v[i].doc);
			put_optional(w, "value", v[i].value);
		} else if (v[i].required) {
			jw_kv_bool(w, "required", true);
		}
		put_location(w, v[i].pos);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void outline_json(const struct build_plan *p)
{
	const struct graph_outline *o = &p->graph->outline;
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	put_optional(&w, "name", o->name);
	put_optional(&w, "description", o->doc);
	put_entries(&w, "args", o->args, o->n_args, true);
	put_entries(&w, "secrets", o->secrets, o->n_secrets, false);
	put_entries(&w, "ssh", o->sockets, o->n_sockets, false);
	put_sources(&w, p);
	jw_object_end(&w);
	print_json(&out);
}

static void needs_table(const char *head, const struct outline_entry *v, size_t n)
{
	if (n == 0)
		return;
	struct ui_table *t = ui_table_new((const char *const[]){head, "REQUIRED"}, 2);
	for (size_t i = 0; i < n; i++)
		ui_table_row(t, (const char *const[]){v[i].name, v[i].required ? "true" : ""});
	ui_table_print(t);
	ui_table_free(t);
	putchar('\n');
}

static void outline_text(const struct graph_outline *o)
{
	if (*o->name || *o->doc) {
		const char *name = *o->name ? o->name : "(default)";
		struct ui_table *t = ui_table_new((const char *const[]){"TARGET:", name}, 2);
		ui_table_gap(t, 1);
		if (*o->doc)
			ui_table_row(t, (const char *const[]){"DESCRIPTION:", o->doc});
		ui_table_print(t);
		ui_table_free(t);
		putchar('\n');
	}
	if (o->n_args > 0) {
		struct ui_table *t =
		        ui_table_new((const char *const[]){"BUILD ARG", "VALUE", "DESCRIPTION"}, 3);
		for (size_t i = 0; i < o->n_args; i++)
			ui_table_row(t, (const char *const[]){
			                        o->args[i].name, o->args[i].value, o->args[i].doc});
		ui_table_print(t);
		ui_table_free(t);
		putchar('\n');
	}
	needs_table("SECRET", o->secrets, o->n_secrets);
	needs_table("SSH", o->sockets, o->n_sockets);
}

static void targets_json(const struct build_plan *p)
{
	const struct dockerfile *d = p->file;
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	jw_key(&w, "targets");
	jw_array(&w);
	for (size_t i = 0; i < d->n_stages; i++) {
		const struct stage *s = &d->stages[i];
		jw_object(&w);
		put_optional(&w, "name", s->name);
		if (i + 1 == d->n_stages)
			jw_kv_bool(&w, "default", true);
		put_optional(&w, "description", s->doc);
		jw_kv(&w, "base", s->from->base);
		put_optional(&w, "platform", s->from->platform);
		put_location(&w, s->from->pos);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	put_sources(&w, p);
	jw_object_end(&w);
	print_json(&out);
}

static void targets_text(const struct dockerfile *d)
{
	struct ui_table *t = ui_table_new((const char *const[]){"TARGET", "DESCRIPTION"}, 2);
	ui_table_gap(t, 1);
	for (size_t i = 0; i < d->n_stages; i++) {
		const struct stage *s = &d->stages[i];
		const char *mark = i + 1 == d->n_stages ? "(default)" : "";
		auto_free char *name = xasprintf(
		        "%s%s%s", s->name ? s->name : "", s->name && *mark ? " " : "", mark);
		ui_table_row(t, (const char *const[]){name, s->doc ? s->doc : ""});
	}
	ui_table_print(t);
	ui_table_free(t);
}

static void answer(const struct build_plan *p, const struct build_call *call)
{
	if (call->kind == CALL_OUTLINE && call->json)
		outline_json(p);
	else if (call->kind == CALL_OUTLINE)
		outline_text(&p->graph->outline);
	else if (call->json)
		targets_json(p);
	else
		targets_text(p->file);
}

int build_call_run(
        struct store *s, struct build_request *r, const struct build_call *call, struct err *e)
{
	struct build_plan p;
	r->all_stages = call->kind == CALL_CHECK && !r->target;
	int status = call->kind == CALL_TARGETS ? build_plan_parse(s, r, &p, e)
	                                        : build_plan(s, r, &p, e);
	if (call->kind == CALL_CHECK && (p.file || !status))
		status = check(&p, call, status ? e : NULL);
	else if (!status)
		answer(&p, call);
	else
		show_excerpt(&p, e);
	build_plan_release(&p);
	return status;
}

// ---- subrequests.describe

static void put_named(struct jw *w, const char *key, const char *const *names, const char *about)
{
	jw_key(w, key);
	if (!names) {
		jw_null(w);
		return;
	}
	jw_array(w);
	for (; *names; names++) {
		jw_object(w);
		jw_kv(w, "name", *names);
		jw_kv(w, "description", about);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void describe_json(void)
{
	static const char *const none[] = {NULL};
	static const char *const metadata[] = {
	        "result.json", "result.txt", "result.statuscode", NULL};
	static const char *const plain[] = {"result.json", "result.txt", NULL};
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_array(&w);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		auto_free char *name = xasprintf("frontend.%s", calls[i].name);
		const char *const opts[] = {calls[i].opt, NULL};
		bool describe = calls[i].kind == CALL_DESCRIBE;
		jw_object(&w);
		jw_kv(&w, "name", name);
		jw_kv(&w, "version", CALL_VERSION);
		jw_kv(&w, "type", "rpc");
		jw_kv(&w, "description", calls[i].description);
		put_named(&w, "opts",
		        calls[i].opt ? opts
		        : describe   ? NULL
		                     : none,
		        calls[i].opt_description);
		put_named(&w, "inputs", NULL, NULL);
		put_named(&w, "metadata", calls[i].status ? metadata : plain, "");
		put_named(&w, "refs", NULL, NULL);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	print_json(&out);
}

int build_call_describe(const struct build_call *call)
{
	if (call->json) {
		describe_json();
		return 0;
	}
	struct ui_table *t =
	        ui_table_new((const char *const[]){"NAME", "VERSION", "DESCRIPTION"}, 3);
	ui_table_gap(t, 1);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		ui_table_row(t,
		        (const char *const[]){calls[i].name, CALL_VERSION, calls[i].description});
	ui_table_print(t);
	ui_table_free(t);
	return 0;
}
