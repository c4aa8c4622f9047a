// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_scan.h"

#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "dockerfile/dockerfile.h"
#include "exec/build.h"
#include "session/images.h"
#include "session/session.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void build_scan_release(struct build_scan *b)
{
	scan_work_release(&b->work);
	strv_release(&b->texts);
	strv_release(&b->vex);
	buf_release(&b->severities);
	buf_release(&b->types);
}

// ---- what is asked for

static void append(struct buf *list, const char *word)
{
	buf_printf(list, "%s%s", list->n ? "," : "", word);
}

static const char *keep(struct build_scan *b, const char *text)
{
	strv_add(&b->texts, text);
	return b->texts.v[b->texts.n - 1];
}

static bool take_exit_code(struct build_scan *b, const char *value)
{
	return str_to_i64(value, &b->exit_code) && b->exit_code > 0 && b->exit_code < 256;
}

static int take_pair(struct build_scan *b, const char *key, const char *value, struct err *e)
{
	bool known = true;
	if (!strcmp(key, "severity"))
		append(&b->severities, value);
	else if (!strcmp(key, "pkg-types"))
		append(&b->types, value);
	else if (!strcmp(key, "ignorefile"))
		b->ask.ignore_file = keep(b, value);
	else if (!strcmp(key, "vex"))
		strv_add(&b->vex, value);
	else if (!strcmp(key, "db"))
		b->ask.db = keep(b, value);
	else if (!strcmp(key, "max-age"))
		b->ask.max_age = keep(b, value);
	else if (!strcmp(key, "ignore-unfixed"))
		known = value_bool(value, &b->ask.ignore_unfixed);
	else
		known = !strcmp(key, "exit-code") && take_exit_code(b, value);
	return known ? 0
	             : err_set(e, ERR_USAGE,
	                       "invalid --scan \"%s=%s\": severity=, ignore-unfixed, "
	                       "exit-code=N, pkg-types=, ignorefile=, vex=, db= or max-age= is "
	                       "expected",
	                       key, value);
}

// A word alone goes on with the list before it: "severity=HIGH,CRITICAL".
static int take_word(struct build_scan *b, const char *word, struct err *e)
{
	unsigned ignored;
	struct err none = ERR_INIT;
	const char *eq = strchr(word, '=');
	if (eq) {
		auto_free char *key = xstrndup(word, (size_t)(eq - word));
		return take_pair(b, key, eq + 1, e);
	}
	if (!strcmp(word, "ignore-unfixed"))
		b->ask.ignore_unfixed = true;
	else if (b->severities.n && !severities_parse(word, &ignored, &none))
		append(&b->severities, word);
	else if (b->types.n && (!strcmp(word, "os") || !strcmp(word, "library")))
		append(&b->types, word);
	else
		return err_set(e, ERR_USAGE,
		        "invalid --scan: \"%s\": severity=HIGH,CRITICAL[,ignore-unfixed]"
		        "[,exit-code=N] is expected",
		        word);
	return 0;
}

int build_scan_parse(const char *text, struct build_scan *ret, struct err *e)
{
	auto_strv struct strv words = {0};
	unsigned ignored;
	if (!text)
		return 0;
	ret->wanted = true;
	if (!strv_split_csv(&words, text))
		return err_set(e, ERR_USAGE, "invalid --scan \"%s\": misplaced quote", text);
	for (size_t i = 0; i < words.n; i++)
		if (take_word(ret, words.v[i], e))
			return -1;
	if (ret->severities.n) {
		ret->ask.severity = buf_cstr(&ret->severities);
		if (severities_parse(ret->ask.severity, &ignored, e))
			return err_wrap(e, "--scan");
	}
	if (ret->types.n)
		ret->ask.pkg_types = buf_cstr(&ret->types);
	ret->ask.vex = &ret->vex;
	return 0;
}

int build_scan_begin(struct build_scan *b, struct err *e)
{
	if (!b->wanted)
		return 0;
	return scan_begin(&b->ask, &b->work, e) ? err_wrap(e, "--scan") : 0;
}

// ---- after the build

static void tell(struct session *s, const struct scanned *t, const struct scan *scan)
{
	auto_buf struct buf out = {0};
	const struct scan_table how = {.colour = ui_colour(STDERR_FILENO)};
	struct report r = {.scan = scan, .version = HEW_VERSION};
	scanned_report(t, &r);
	scan_table(&r, &how, &out);
	ui_finish(s->ui, false); // what follows is no progress
	fwrite(out.p, 1, out.n, stderr);
}

// How many findings are left.
static int look_at(struct build_scan *b, struct session *s, const struct build_image *im,
        const char *name, size_t *ret, struct err *e)
{
	auto_scanned struct scanned t = {0};
	auto_scan struct scan scan = {0};
	if (scanned_of_image(s, name, &im->manifest, &t, e) ||
	        scan_silently(&b->ask, &b->work, t.packages, &scan, e))
		return -1;
	for (size_t i = 0; i < scan.warnings.n; i++)
		event_note(session_sink(s), "WARNING: %s", scan.warnings.v[i]);
	size_t n = scan_count(&scan, SEVERITY_UNKNOWN);
	b->n_packages += t.packages->n;
	b->n_found += scan.n;
	b->n_left += n;
	if (n)
		tell(s, &t, &scan);
	else
		event_note(session_sink(s), "scanned %s: %zu packages, no findings left of %zu",
		        name, t.packages->n, scan.n);
	*ret += n;
	return 0;
}

int build_scan_run(struct build_scan *b, struct session *s, const struct build_request *r,
        const struct build_result *built, struct err *e)
{
	size_t n = 0;
	char id[DIGEST_TEXT];
	digest_text(build_result_id(built), id);
	auto_free char *name = r->tags.n ? short_name(r->tags.v[0]) : xstrdup(id);
	if (!b->wanted)
		return 0;
	for (size_t i = 0; i < built->n_images; i++)
		if (look_at(b, s, &built->images[i], name, &n, e))
			return err_wrap(e, "--scan");
	if (!n)
		return 0;
	return err_set(e, ERR_VULNERABLE,
	        "--scan: %zu finding%s left after all filters: the image (%s) was given no name "
	        "and went nowhere",
	        n, n == 1 ? "" : "s", id);
}

int build_scan_status(const struct build_scan *b, int status, const struct err *e)
{
	if (status >= 0 || e->kind != ERR_VULNERABLE || !b->exit_code)
		return status;
	ui_error(e);
	return (int)b->exit_code;
}
