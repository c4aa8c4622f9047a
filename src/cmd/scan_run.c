// SPDX-License-Identifier: Apache-2.0
#include "cmd/scan_run.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/db.h"
#include "session/session.h"
#include "ui/ui.h"
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int scan_format_parse(const char *text, enum scan_format *ret, struct err *e)
{
	static const struct {
		const char *name;
		enum scan_format format;
	} all[] = {{"table", SCAN_TABLE}, {"json", SCAN_JSON}, {"sarif", SCAN_SARIF},
	        {"cyclonedx", SCAN_CYCLONEDX}, {"cyclonedx-1.5", SCAN_CYCLONEDX_15},
	        {"spdx", SCAN_SPDX}, {"markdown", SCAN_MARKDOWN}, {"gitlab", SCAN_GITLAB},
	        {"gitlab-codequality", SCAN_GITLAB_CODEQUALITY}, {"junit", SCAN_JUNIT}};
	*ret = SCAN_TABLE;
	for (size_t i = 0; text && i < ARRAY_LEN(all); i++) {
		if (strcmp(all[i].name, text) != 0)
			continue;
		*ret = all[i].format;
		return 0;
	}
	return text ? err_set(e, ERR_USAGE,
	                      "unknown format \"%s\": table, json, sarif, cyclonedx, spdx, "
	                      "markdown, gitlab, gitlab-codequality or junit",
	                      text)
	            : 0;
}

int scan_write(const char *path, const struct buf *out, struct err *e)
{
	const char *text = out->n ? out->p : "";
	if (path)
		return fs_replace_file(AT_FDCWD, path, text, out->n, 0644, e);
	fwrite(text, 1, out->n, stdout);
	return command_flush(e);
}

// ---- the database

int scan_open_db(const char *path, struct advisories **ret, struct err *e)
{
	auto_free char *place = path ? xstrdup(path) : advisories_default_path();
	if (!advisories_open(place, ret, e))
		return 0;
	if (e->kind == ERR_NOT_FOUND)
		return err_set(e, ERR_NOT_FOUND,
		        "there is no advisory database (%s): 'hew db update "
		        "REGISTRY/NAME[:TAG]' fetches one, 'hew db import PATH...' makes one of "
		        "what others publish",
		        place);
	return -1;
}

// ---- what is not to be heard of again

static int add_ignores(struct ignores *i, const char *path, struct err *e)
{
	auto_buf struct buf text = {0};
	if (fs_read_file(AT_FDCWD, path, IGNORE_FILE_MAX, &text, e))
		return -1;
	return ignores_add(i, path, buf_cstr(&text), text.n, e);
}

static int read_ignores(const struct scan_ask *a, struct ignores *i, struct err *e)
{
	static const char *const usual[] = {".trivyignore", ".trivyignore.yaml"};
	if (a->ignore_file && add_ignores(i, a->ignore_file, e))
		return -1;
	for (size_t k = 0; !a->ignore_file && k < ARRAY_LEN(usual); k++)
		if (!access(usual[k], F_OK) && add_ignores(i, usual[k], e))
			return -1;
	for (size_t k = 0; a->vex && k < a->vex->n; k++)
		if (add_ignores(i, a->vex->v[k], e))
			return -1;
	return 0;
}

void scan_work_release(struct scan_work *w)
{
	scan_release(&w->scan);
	ignores_release(&w->ignores);
	advisories_close(w->db);
	*w = (struct scan_work){0};
}

// ---- looking

static int take_types(const char *text, struct scan_filter *f, struct err *e)
{
	auto_strv struct strv words = {0};
	if (!text || !*text)
		return 0;
	f->no_os = f->no_library = true;
	strv_split(&words, text, ',');
	for (size_t i = 0; i < words.n; i++) {
		if (!strcmp(words.v[i], "os"))
			f->no_os = false;
		else if (!strcmp(words.v[i], "library"))
			f->no_library = false;
		else
			return err_set(e, ERR_USAGE,
			        "unknown type of packages \"%s\": os or library", words.v[i]);
	}
	return 0;
}

static int take_filter(const struct scan_ask *a, struct scan_filter *f, struct err *e)
{
	if ((a->severity && *a->severity && severities_parse(a->severity, &f->severities, e)) ||
	        (a->ignore_status && *a->ignore_status &&
	                statuses_parse(a->ignore_status, &f->ignore_statuses, e)) ||
	        take_types(a->pkg_types, f, e))
		return -1;
	if (a->ignore_unfixed)
		f->ignore_statuses |= ~(1u << ADVISORY_FIXED);
	return 0;
}

int scan_begin(const struct scan_ask *a, struct scan_work *ret, struct err *e)
{
	struct scan_filter unused = {0};
	*ret = (struct scan_work){0};
	return take_filter(a, &unused, e) || read_ignores(a, &ret->ignores, e) ||
	                       scan_open_db(a->db, &ret->db, e) ||
	                       db_check_age(ret->db, a->max_age, e)
	               ? -1
	               : 0;
}

static void today(char out[static TIME_TEXT])
{
	time_format((struct timestamp){time_now().sec, 0}, out);
	out[strlen("2026-11-26")] = '\0';
}

// As trivy has it: a folder with all that is below it, or a pattern of folders; a file.
static bool is_skipped(const struct scan_ask *a, const char *path)
{
	for (size_t i = 0; a->skip_files && i < a->skip_files->n; i++) {
		auto_free char *file = fs_clean_rel(a->skip_files->v[i]);
		if (!fnmatch(file, path, FNM_PATHNAME))
			return true;
	}
	for (size_t i = 0; a->skip_dirs && i < a->skip_dirs->n; i++) {
		auto_free char *dir = fs_clean_rel(a->skip_dirs->v[i]);
		if (*dir && (fs_path_within(path, dir) ||
		                    !fnmatch(dir, path, FNM_PATHNAME | FNM_LEADING_DIR)))
			return true;
	}
	return false;
}

static void skip(const struct scan_ask *a, struct scan *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].hidden && s->v[i].package->path &&
		        is_skipped(a, s->v[i].package->path))
			s->v[i].hidden = "skipped";
}

int scan_silently(const struct scan_ask *a, const struct scan_work *w,
        const struct package_list *packages, struct scan *ret, struct err *e)
{
	char day[TIME_TEXT];
	struct scan_filter f = {.ignores = &w->ignores, .today = day};
	today(day);
	if (take_filter(a, &f, e) || scan_packages(w->db, packages, ret, e))
		return -1;
	scan_filter(ret, &f);
	skip(a, ret);
	return 0;
}

int scan_look(const struct scan_ask *a, const struct scanned *t, struct scan_work *w, struct err *e)
{
	if (scan_silently(a, w, t->packages, &w->scan, e))
		return -1;
	for (size_t i = 0; i < w->scan.warnings.n; i++) {
		auto_buf struct buf safe = {0};
		ui_escape(w->scan.warnings.v[i], strlen(w->scan.warnings.v[i]), &safe);
		fprintf(stderr, "WARNING: %s\n", buf_cstr(&safe));
	}
	return 0;
}

size_t scan_count(const struct scan *s, enum severity least)
{
	size_t n = 0;
	for (size_t i = 0; i < s->n; i++)
		n += !s->v[i].hidden && s->v[i].severity >= least;
	return n;
}

// ---- the report

static void write_report(const struct scan_ask *a, const struct report *r, struct buf *out)
{
	const struct scan_table how = {
	        .colour = !a->output && ui_colour(STDOUT_FILENO), .all = a->all};
	switch (a->format) {
	case SCAN_TABLE:
		scan_table(r, &how, out);
		break;
	case SCAN_JSON:
		report_trivy(r, out);
		break;
	case SCAN_SARIF:
		report_sarif(r, out);
		break;
	case SCAN_CYCLONEDX:
		report_cyclonedx(r, 16, out);
		break;
	case SCAN_CYCLONEDX_15:
		report_cyclonedx(r, 15, out);
		break;
	case SCAN_SPDX:
		report_spdx(r, out);
		break;
	case SCAN_MARKDOWN:
		report_markdown(r, out);
		break;
	case SCAN_GITLAB:
		report_gitlab(r, out);
		break;
	case SCAN_GITLAB_CODEQUALITY:
		report_gitlab_codequality(r, out);
		break;
	case SCAN_JUNIT:
		report_junit(r, out);
		break;
	case SCAN_GRYPE:
		report_grype(r, out);
		break;
	}
}

static int explain(
        const struct scan_ask *a, const struct scanned *t, const struct scan_work *w, struct err *e)
{
	auto_buf struct buf text = {0}, safe = {0};
	if (scan_explain(w->db, t->packages, a->explain, &text, e))
		return -1;
	if (!text.n)
		buf_printf(&text, "%s: no advisory of that name speaks of a package that is here\n",
		        a->explain);
	for (const char *p = text.p; *p;) {
		size_t n = strcspn(p, "\n");
		ui_escape(p, n, &safe);
		buf_putc(&safe, '\n');
		p += n + (p[n] != '\0');
	}
	return scan_write(a->output, &safe, e);
}

// ---- the gate

static int gate(const struct scan_ask *a, const struct scan *s)
{
	size_t n = scan_count(s, a->fail_on);
	if (a->exit_on_eol && s->is_over)
		return (int)a->exit_on_eol;
	if (!a->exit_code || !n)
		return 0;
	struct err why = ERR_INIT;
	err_set(&why, ERR_FAIL, "%zu finding%s left after all filters (%s)", n, n == 1 ? "" : "s",
	        a->gate ? a->gate : "");
	if (a->gate)
		ui_error(&why);
	return (int)a->exit_code;
}

static int check(const struct scan_ask *a, struct err *e)
{
	if (a->exit_code < 0 || a->exit_code > 255 || a->exit_on_eol < 0 || a->exit_on_eol > 255)
		return err_set(e, ERR_USAGE, "an exit status is a number from 0 to 255");
	if (a->base && a->format != SCAN_TABLE)
		return err_set(e, ERR_USAGE, "--base is a table, and has no other format");
	return 0;
}

int scan_run(struct session *s, const struct scan_ask *a, struct err *e)
{
	auto_scanned struct scanned t = {0};
	auto_scan_work struct scan_work w = {0};
	auto_buf struct buf out = {0};
	if (check(a, e) || scan_begin(a, &w, e) || scanned_open(s, &a->target, &t, e))
		return -1;
	if (!a->quiet)
		scanned_warn(&t);
	if (a->explain)
		return explain(a, &t, &w, e);
	if (scan_look(a, &t, &w, e))
		return -1;
	struct report r = {.scan = &w.scan,
	        .version = HEW_VERSION,
	        .list_packages = a->list_packages,
	        .show_hidden = a->all};
	scanned_report(&t, &r);
	if (a->base) {
		if (scan_base(s, a, &t, &w, &out, e))
			return -1;
	} else {
		write_report(a, &r, &out);
	}
	return scan_write(a->output, &out, e) ? -1 : gate(a, &w.scan);
}
