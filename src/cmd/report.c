// SPDX-License-Identifier: Apache-2.0
// hew report: an image, or a build, as one page.
#include "cmd/report.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/images.h"
#include "session/record.h"
#include "session/session.h"
#include "store/store.h"
#include <stdio.h>
#include <string.h>

struct report_options {
	const char *output, *compare, *db, *platform;
	bool insecure, quiet;
};

#define AT(member) offsetof(struct report_options, member)
static const struct option options[] = {
        {"compare", 0, OPT_STRING, AT(compare), "IMAGE", "Say what has changed since this image"},
        {"db", 0, OPT_STRING, AT(db), "FILE", "The advisory database (default: see hew db)"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"output", 'o', OPT_STRING, AT(output), "FILE",
                "To this file, or - (default: hew-report-NAME.html)"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "Of an index, this image (default: this machine's)"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "No progress, no warnings, no name of the file"},
        OPTION_END,
};

// What one page is made of.
struct making {
	struct session *session;
	const struct report_options *options;
	struct reported_image *image, *other;
	struct reported_flaws flaws, other_flaws;
	struct reported_build *build;
	struct reported_comparison *comparison;
	char *title;
};

static void making_release(struct making *m)
{
	reported_comparison_free(m->comparison);
	reported_flaws_release(&m->other_flaws);
	reported_flaws_release(&m->flaws);
	reported_image_free(m->other);
	reported_image_free(m->image);
	reported_build_free(m->build);
	free(m->title);
}

// ---- images

static int open_image(
        const struct making *m, const char *text, struct reported_image **ret, struct err *e)
{
	const struct subject_ask ask = {
	        .text = text, .platform = m->options->platform, .silent = m->options->quiet};
	*ret = reported_image_open(m->session, &ask, e);
	return *ret ? 0 : -1;
}

// The image of a build, if it is still here. A build for several platforms makes an index.
static int open_built(struct making *m, const struct record *r, struct err *e)
{
	const char *id = record_text(r->root, "image_id");
	struct image_row row = {0};
	struct err gone = ERR_INIT;
	if (!*id || find_image_for(m->session->store, id, NULL, &row, &gone))
		return 0;
	auto_free char *name = record_name(r);
	m->image = reported_image_stored(m->session, name, &row.manifest, m->options->quiet, e);
	image_row_release(&row);
	return m->image ? 0 : -1;
}

// ---- builds

static int take_build(struct making *m, struct record *r, struct err *e)
{
	m->build = reported_build_new(m->session, r, e);
	return m->build ? 0 : -1;
}

static bool is_build_id(const char *text)
{
	return *text == '^' ||
	       (strlen(text) >= 4 && text[strspn(text, "0123456789abcdef")] == '\0');
}

// 1: text names a build and no image that is here; 0, -1.
static int find_build(struct making *m, const char *text, struct record *ret, struct err *e)
{
	struct image_row row = {0};
	struct err no_image = ERR_INIT, no_build = ERR_INIT;
	if (!is_build_id(text) || session_open(m->session, false, &no_build))
		return 0;
	if (!find_image(m->session->store, text, &row, &no_image)) {
		image_row_release(&row);
		return 0;
	}
	if (!record_find(m->session->store, text, ret, &no_build))
		return 1;
	if (*text != '^')
		return 0;
	*e = no_build;
	return -1;
}

static int open_target(struct making *m, const char *text, struct err *e)
{
	auto_record struct record r = {0};
	int found = find_build(m, text, &r, e);
	if (found < 0)
		return -1;
	if (found) {
		m->title = record_name(&r);
		return open_built(m, &r, e) || take_build(m, &r, e) ? -1 : 0;
	}
	if (open_image(m, text, &m->image, e))
		return -1;
	m->title = xstrdup(reported_image_target(m->image)->name);
	found = reported_build_find(
	        m->session, &reported_image_target(m->image)->manifest.config.digest, &r, e);
	return found > 0 ? take_build(m, &r, e) : found;
}

// ---- the page

static int find_flaws(struct making *m, struct err *e)
{
	struct page_flaws unused = {0};
	return reported_flaws_open(m->options->db, &m->flaws, e) ||
	                       reported_flaws_find(&m->flaws, reported_image_target(m->image),
	                               &m->flaws, &reported_image_page(m->image)->flaws, e) ||
	                       (m->other && reported_flaws_find(&m->flaws,
	                                            reported_image_target(m->other),
	                                            &m->other_flaws, &unused, e))
	               ? -1
	               : 0;
}

static int gather(struct making *m, const char *text, struct err *e)
{
	const char *other = m->options->compare;
	if (open_target(m, text, e))
		return -1;
	if (other && !m->image)
		return err_set(e, ERR_NOT_FOUND,
		        "there is nothing to compare with '%s': the build left no image, or it is "
		        "gone",
		        other);
	if ((other && open_image(m, other, &m->other, e)) || (m->image && find_flaws(m, e)))
		return -1;
	if (m->other)
		m->comparison =
		        reported_comparison_new(m->other, &m->other_flaws, m->image, &m->flaws);
	return 0;
}

// "registry.example.com/app:1" -> "hew-report-registry.example.com-app-1.html"
static char *file_name(const char *title)
{
	auto_buf struct buf name = {0};
	buf_puts(&name, "hew-report-");
	for (const char *p = title + strspn(title, "./"); *p && name.n < 120; p++) {
		bool plain = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456"
		                       "789._") > 0;
		if (plain || name.p[name.n - 1] != '-')
			buf_putc(&name, plain ? *p : '-');
	}
	buf_puts(&name, ".html");
	return buf_steal(&name);
}

static int write_page(const struct making *m, struct err *e)
{
	auto_buf struct buf out = {0};
	const struct page p = {.title = m->title,
	        .image = m->image ? reported_image_page(m->image) : NULL,
	        .build = m->build ? reported_build_page(m->build) : NULL,
	        .comparison = m->comparison ? reported_comparison_page(m->comparison) : NULL,
	        .version = HEW_VERSION};
	auto_free char *name =
	        m->options->output ? xstrdup(m->options->output) : file_name(m->title);
	page_write(&p, &out);
	if (!strcmp(name, "-"))
		return scan_write(NULL, &out, e);
	if (scan_write(name, &out, e))
		return -1;
	if (!m->options->quiet)
		puts(name);
	return 0;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct report_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	if (need_args(args, 1, 1, "report [OPTIONS] IMAGE|BUILD", e))
		return -1;
	struct making *m = xcalloc(1, sizeof(*m));
	m->session = &s;
	m->options = o;
	int rc = gather(m, args->v[0], e) || write_page(m, e) ? -1 : 0;
	making_release(m);
	free(m);
	return rc;
}

const struct command cmd_report = {
        .name = "report",
        .args = "[OPTIONS] IMAGE|BUILD",
        .summary = "Write a page about an image: its build, bytes, waste, flaws",
        .details = "One file of HTML that loads nothing: how the build went and what waited for "
                   "what, a map\n"
                   "of the bytes by layer, folder and package, what nobody needs and what to write "
                   "instead,\n"
                   "known flaws, and with --compare what has changed. IMAGE is an image that hew "
                   "scan takes;\n"
                   "BUILD is an id of hew builds ls, or ^N: N builds before the last, ^0 the last. "
                   "The same\n"
                   "image, build and advisories are the same bytes.\n",
        .options = options,
        .size = sizeof(struct report_options),
        .run = run,
};
