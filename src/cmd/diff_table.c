// SPDX-License-Identifier: Apache-2.0
// What hew diff prints for people.
#include "base/buf.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/diff.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

const char *const package_change_words[] = {"gained", "lost", "up", "down"};

static void print_packages(const struct package_diffs *d)
{
	static const char *const heads[] = {"PACKAGE", "TYPE", "CHANGE", "BEFORE", "AFTER"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < d->n; i++) {
		const struct package_diff *p = &d->v[i];
		ui_table_row(t, (const char *const[]){p->name, package_type_name(p->type),
		                        package_change_words[p->change],
		                        p->before ? p->before : "-", p->after ? p->after : "-"});
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

static void print_flaws(const struct diff *c)
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

static void print_config(const struct config_diffs *d)
{
	static const char *const heads[] = {"CONFIG", "BEFORE", "AFTER"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < d->n; i++) {
		const struct config_diff *c = &d->v[i];
		auto_free char *what =
		        xasprintf("%s%s%s", c->field, c->key ? " " : "", c->key ? c->key : "");
		ui_table_row(t, (const char *const[]){what, c->before ? c->before : "-",
		                        c->after ? c->after : "-"});
	}
	if (d->n) {
		ui_table_print(t);
		puts("");
	}
	ui_table_free(t);
}

static void print_path(const char *mark, const struct file_diff *f)
{
	auto_buf struct buf safe = {0};
	char before[24], after[24];
	ui_escape(f->path, strlen(f->path), &safe);
	size_format(f->before, before);
	size_format(f->after, after);
	if (*mark == '~')
		printf("%s /%s  %s -> %s\n", mark, buf_cstr(&safe), before, after);
	else
		printf("%s /%s  %s\n", mark, buf_cstr(&safe), *mark == '+' ? after : before);
}

static void print_files(const struct diff *c)
{
	const struct file_list *const lists[] = {
	        &c->files.added, &c->files.removed, &c->files.changed};
	static const char *const marks[] = {"+", "-", "~"};
	size_t n = 0;
	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		for (size_t i = 0; i < lists[k]->n; i++, n++)
			print_path(marks[k], &lists[k]->v[i]);
	if (n)
		puts("");
}

// "+12MB (+30.1%)"
static void change_text(uint64_t before, uint64_t after, char *out, size_t n)
{
	char bytes[24];
	const char *sign = after < before ? "-" : "+";
	size_format(after < before ? before - after : after - before, bytes);
	if (before)
		snprintf(out, n, "%s%s (%s%.1f%%)", sign, bytes, sign,
		        100 * (double)(after < before ? before - after : after - before) /
		                (double)before);
	else
		snprintf(out, n, "%s%s", sign, bytes);
}

static void file_bytes(const struct file_list *l, uint64_t *ret_before, uint64_t *ret_after)
{
	*ret_before = *ret_after = 0;
	for (size_t i = 0; i < l->n; i++) {
		*ret_before += l->v[i].before;
		*ret_after += l->v[i].after;
	}
}

static void print_file_row(struct ui_table *t, const struct file_diffs *f)
{
	char change[160], added[24], removed[24], changed[64];
	uint64_t before, after;
	file_bytes(&f->added, &before, &after);
	size_format(after, added);
	file_bytes(&f->removed, &before, &after);
	size_format(before, removed);
	file_bytes(&f->changed, &before, &after);
	change_text(before, after, changed, sizeof(changed));
	snprintf(change, sizeof(change), "%zu added (%s), %zu removed (%s), %zu changed (%s)",
	        f->added.n, added, f->removed.n, removed, f->changed.n, changed);
	ui_table_row(t, (const char *const[]){"files", "", "", change});
}

static void total_row(struct ui_table *t, const char *what, size_t a, size_t b, const char *change)
{
	char before[24], after[24];
	snprintf(before, sizeof(before), "%zu", a);
	snprintf(after, sizeof(after), "%zu", b);
	ui_table_row(t, (const char *const[]){what, before, after, change});
}

static void print_totals(const struct diff *c)
{
	static const char *const heads[] = {"", "BEFORE", "AFTER", "CHANGE"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	size_t n[PACKAGE_CHANGES] = {0};
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
		change_text(c->a.bytes, c->b.bytes, change, sizeof(change));
		ui_table_row(t, (const char *const[]){"size", before, after, change});
		snprintf(change, sizeof(change), "%zu", c->config.n);
		ui_table_row(t, (const char *const[]){"config", "", "", change});
		print_file_row(t, &c->files);
	}
	ui_table_print(t);
	ui_table_free(t);
}

void diff_print_table(const struct diff *d, bool files)
{
	print_packages(&d->packages);
	print_flaws(d);
	print_config(&d->config);
	if (files)
		print_files(d);
	print_totals(d);
}
