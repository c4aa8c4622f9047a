// SPDX-License-Identifier: Apache-2.0
// hew diff: what one image has that another has not: packages, flaws, files, size.
#include "cmd/diff.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/scan_run.h"
#include "cmd/session.h"
#include "cmd/verbs.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct diff_options {
	const char *format, *db, *platform;
	bool files, insecure, quiet;
};

#define AT(member) offsetof(struct diff_options, member)
static const struct option options[] = {
        {"db", 0, OPT_STRING, AT(db), "FILE", "The advisory database (default: see hew db)"},
        {"files", 0, OPT_FLAG, AT(files), NULL, "List the files, too"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "table or json"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "Of an index, this image (default: this machine's)"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "No warnings about files that cannot be read"},
        OPTION_END,
};

struct side {
	struct scanned target;
	struct scan scan;
	struct flaw_set flaws;
	uint64_t bytes; // of all layers, unpacked
};

struct comparison {
	struct side a, b;
	struct package_diffs packages;
	struct file_diffs files;
	bool has_flaws, has_files;
};

static void side_release(struct side *s)
{
	flaw_set_release(&s->flaws);
	scan_release(&s->scan);
	scanned_release(&s->target);
}

static void comparison_free(struct comparison *c)
{
	package_diffs_release(&c->packages);
	file_diffs_release(&c->files);
	side_release(&c->a);
	side_release(&c->b);
	free(c);
}

// ---- finding out

static int open_side(struct session *s, const struct diff_options *o, const char *text,
        struct side *ret, struct err *e)
{
	const struct scan_place ask = {.text = text, .platform = o->platform};
	if (scanned_open(s, &ask, &ret->target, e))
		return -1;
	if (!o->quiet)
		scanned_warn(&ret->target);
	for (size_t i = 0; i < ret->target.config.n_diff_ids; i++) {
		struct layer_info info;
		if (store_layer_get(s->store, &ret->target.config.diff_ids[i], &info))
			ret->bytes += info.tar_size;
	}
	return 0;
}

static int scan_side(
        const struct scan_ask *a, const struct scan_work *w, struct side *s, struct err *e)
{
	if (scan_silently(a, w, s->target.packages, &s->scan, e))
		return -1;
	flaw_set_make(&s->flaws, &s->scan, 0, SIZE_MAX);
	return 0;
}

// Flaws are compared where there is a database.
static int find_flaws(const struct diff_options *o, struct comparison *c, struct err *e)
{
	const struct scan_ask ask = {.db = o->db};
	auto_scan_work struct scan_work w = {0};
	if (scan_begin(&ask, &w, e)) {
		if (e->kind != ERR_NOT_FOUND || o->db)
			return -1;
		if (!o->quiet)
			fprintf(stderr, "note: flaws are not compared: %s\n", e->msg);
		*e = ERR_INIT;
		return 0;
	}
	c->has_flaws = true;
	return scan_side(&ask, &w, &c->a, e) || scan_side(&ask, &w, &c->b, e) ? -1 : 0;
}

static int find_out(struct session *s, const struct diff_options *o, const struct strv *args,
        struct comparison *c, struct err *e)
{
	if (open_side(s, o, args->v[0], &c->a, e) || open_side(s, o, args->v[1], &c->b, e) ||
	        find_flaws(o, c, e))
		return -1;
	package_diffs_make(c->a.target.packages, c->b.target.packages, &c->packages);
	c->has_files = c->a.target.kind == REPORT_IMAGE && c->b.target.kind == REPORT_IMAGE;
	return c->has_files
	               ? file_diffs_make(s, &c->a.target.config, &c->b.target.config, &c->files, e)
	               : 0;
}

// ---- for people

static const char *const change_words[] = {"gained", "lost", "up", "down"};

static void print_packages(const struct package_diffs *d)
{
	static const char *const heads[] = {"PACKAGE", "TYPE", "CHANGE", "BEFORE", "AFTER"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < d->n; i++) {
		const struct package_diff *p = &d->v[i];
		ui_table_row(t, (const char *const[]){p->name, package_type_name(p->type),
		                        change_words[p->change], p->before ? p->before : "-",
		                        p->after ? p->after : "-"});
	}
	if (d->n) {
		ui_table_print(t);
		puts("");
	}
	ui_table_free(t);
}

// Those of `of` that the other side has not.
static size_t flaw_rows(struct ui_table *t, const char *change, const struct flaw_set *of,
        const struct flaw_set *than)
{
	size_t n = 0;
	for (size_t i = 0; i < of->n; i++) {
		const struct finding *f = of->v[i].finding;
		if (flaw_set_has(than, &of->v[i]))
			continue;
		n++;
		ui_table_row(t, (const char *const[]){finding_name(f), severity_name(f->severity),
		                        change, f->name, f->version});
	}
	return n;
}

static void print_flaws(const struct comparison *c)
{
	static const char *const heads[] = {"FLAW", "SEVERITY", "CHANGE", "PACKAGE", "VERSION"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	size_t n = flaw_rows(t, "gained", &c->b.flaws, &c->a.flaws);
	n += flaw_rows(t, "lost", &c->a.flaws, &c->b.flaws);
	if (n) {
		ui_table_print(t);
		puts("");
	}
	ui_table_free(t);
}

static void print_paths(const char *mark, const struct strv *paths)
{
	for (size_t i = 0; i < paths->n; i++) {
		auto_buf struct buf safe = {0};
		ui_escape(paths->v[i], strlen(paths->v[i]), &safe);
		printf("%s /%s\n", mark, buf_cstr(&safe));
	}
}

static void print_files(const struct comparison *c)
{
	print_paths("+", &c->files.added);
	print_paths("-", &c->files.removed);
	print_paths("~", &c->files.changed);
	if (c->files.added.n + c->files.removed.n + c->files.changed.n)
		puts("");
}

static void total_row(struct ui_table *t, const char *what, size_t a, size_t b, const char *change)
{
	char before[24], after[24];
	snprintf(before, sizeof(before), "%zu", a);
	snprintf(after, sizeof(after), "%zu", b);
	ui_table_row(t, (const char *const[]){what, before, after, change});
}

static void print_totals(const struct comparison *c)
{
	static const char *const heads[] = {"", "BEFORE", "AFTER", "CHANGE"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	size_t n[ARRAY_LEN(change_words)] = {0};
	char change[80], before[24], after[24];
	for (size_t i = 0; i < c->packages.n; i++)
		n[c->packages.v[i].change]++;
	snprintf(change, sizeof(change), "%zu gained, %zu lost, %zu up, %zu down", n[0], n[1], n[2],
	        n[3]);
	total_row(t, "packages", c->a.target.packages->n, c->b.target.packages->n, change);
	if (c->has_flaws) {
		snprintf(change, sizeof(change), "%zu gained, %zu lost",
		        flaw_set_lacks(&c->a.flaws, &c->b.flaws),
		        flaw_set_lacks(&c->b.flaws, &c->a.flaws));
		total_row(t, "flaws", c->a.flaws.n, c->b.flaws.n, change);
	}
	if (c->has_files) {
		total_row(t, "layers", c->a.target.config.n_diff_ids, c->b.target.config.n_diff_ids,
		        "");
		size_format(c->a.bytes, before);
		size_format(c->b.bytes, after);
		ui_table_row(t, (const char *const[]){"size", before, after, ""});
		snprintf(change, sizeof(change), "%zu added, %zu removed, %zu changed",
		        c->files.added.n, c->files.removed.n, c->files.changed.n);
		ui_table_row(t, (const char *const[]){"files", "", "", change});
	}
	ui_table_print(t);
	ui_table_free(t);
}

// ---- for programs

static void put_side(
        struct jw *w, const char *key, const struct comparison *c, const struct side *s)
{
	char digest[DIGEST_TEXT];
	jw_key(w, key);
	jw_object(w);
	jw_kv(w, "name", s->target.name);
	jw_kv_int(w, "packages", (int64_t)s->target.packages->n);
	if (c->has_flaws)
		jw_kv_int(w, "flaws", (int64_t)s->flaws.n);
	if (s->target.kind == REPORT_IMAGE) {
		digest_text(&s->target.digest, digest);
		jw_kv(w, "digest", digest);
		jw_kv_int(w, "layers", (int64_t)s->target.config.n_diff_ids);
		jw_kv_int(w, "bytes", (int64_t)s->bytes);
	}
	jw_object_end(w);
}

static void put_packages(struct jw *w, const struct package_diffs *d)
{
	jw_key(w, "packages");
	jw_array(w);
	for (size_t i = 0; i < d->n; i++) {
		jw_object(w);
		jw_kv(w, "type", package_type_name(d->v[i].type));
		jw_kv(w, "name", d->v[i].name);
		jw_kv(w, "change", change_words[d->v[i].change]);
		if (d->v[i].before)
			jw_kv(w, "before", d->v[i].before);
		if (d->v[i].after)
			jw_kv(w, "after", d->v[i].after);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void put_flaws(
        struct jw *w, const char *change, const struct flaw_set *of, const struct flaw_set *than)
{
	for (size_t i = 0; i < of->n; i++) {
		const struct finding *f = of->v[i].finding;
		if (flaw_set_has(than, &of->v[i]))
			continue;
		jw_object(w);
		jw_kv(w, "flaw", finding_name(f));
		jw_kv(w, "severity", severity_name(f->severity));
		jw_kv(w, "change", change);
		jw_kv(w, "package", f->name);
		jw_kv(w, "version", f->version);
		if (f->fixed)
			jw_kv(w, "fixed", f->fixed);
		jw_object_end(w);
	}
}

static void put_paths(struct jw *w, const char *key, const struct strv *paths, bool all)
{
	jw_key(w, key);
	if (!all) {
		jw_int(w, (int64_t)paths->n);
		return;
	}
	jw_array(w);
	for (size_t i = 0; i < paths->n; i++) {
		auto_free char *path = xasprintf("/%s", paths->v[i]);
		jw_str(w, path);
	}
	jw_array_end(w);
}

static void print_json(const struct comparison *c, bool files)
{
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	put_side(&w, "before", c, &c->a);
	put_side(&w, "after", c, &c->b);
	put_packages(&w, &c->packages);
	if (c->has_flaws) {
		jw_key(&w, "flaws");
		jw_array(&w);
		put_flaws(&w, "gained", &c->b.flaws, &c->a.flaws);
		put_flaws(&w, "lost", &c->a.flaws, &c->b.flaws);
		jw_array_end(&w);
	}
	if (c->has_files) {
		jw_key(&w, "files");
		jw_object(&w);
		put_paths(&w, "added", &c->files.added, files);
		put_paths(&w, "removed", &c->files.removed, files);
		put_paths(&w, "changed", &c->files.changed, files);
		jw_object_end(&w);
	}
	jw_object_end(&w);
	puts(buf_cstr(&out));
}

// ---- the verb

static void print(const struct comparison *c, bool files, bool json)
{
	if (json) {
		print_json(c, files);
		return;
	}
	print_packages(&c->packages);
	print_flaws(c);
	if (files)
		print_files(c);
	print_totals(c);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct diff_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	int json = format_is_json(o->format, e);
	if (json < 0 || need_args(args, 2, 2, "diff [OPTIONS] BEFORE AFTER", e))
		return -1;
	struct comparison *c = xcalloc(1, sizeof(*c));
	int rc = find_out(&s, o, args, c, e);
	if (!rc)
		print(c, o->files, json);
	comparison_free(c);
	return rc;
}

const struct command cmd_diff = {
        .name = "diff",
        .args = "[OPTIONS] BEFORE AFTER",
        .summary = "Compare two images: packages, known flaws, files, size",
        .details = "BEFORE and AFTER are what hew scan takes. Times of files do not count.\n",
        .options = options,
        .size = sizeof(struct diff_options),
        .run = run,
};
