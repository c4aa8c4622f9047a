// SPDX-License-Identifier: Apache-2.0
// hew browse: an image in the terminal, layer by layer.
#include "cmd/browse.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/session.h"
#include "ui/fullscreen.h"
#include "ui/ui.h"

// In which the rest of a key's sequence comes over a slow line, if it is one.
#define SEQUENCE_MS 150

struct browse_options {
	const char *platform;
	bool insecure, quiet;
};

#define AT(member) offsetof(struct browse_options, member)
static const struct option options[] = {
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "Of an index, this image (default: this machine's)"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "No progress while layers are fetched"},
        OPTION_END,
};

struct browsing {
	struct browsed *browsed;
	struct browser *browser;
	struct screen *screen;
	struct buf input; // bytes that are not a key yet
	bool done;
};

static void follow_size(struct browsing *b)
{
	int columns, rows;
	fullscreen_size(&columns, &rows);
	screen_resize(b->screen, columns, rows);
}

static int draw(struct browsing *b, struct err *e)
{
	auto_buf struct buf out = {0};
	if (browser_draw(b->browser, b->screen, e))
		return -1;
	screen_flush(b->screen, &out);
	fullscreen_write(&out);
	return 0;
}

// ---- keys

static int extract(struct browsing *b, struct err *e)
{
	auto_buf struct buf says = {0};
	struct view *v;
	struct entry en;
	int found = browser_selected(b->browser, &v, &en, e);
	if (found > 0) {
		extract_file(v, &en, &says);
		browser_say(b->browser, "%s", buf_cstr(&says));
	}
	return found < 0 ? -1 : 0;
}

static void hear(struct browsing *b, int news)
{
	if (news & FULLSCREEN_RESIZED)
		follow_size(b);
	if (news & FULLSCREEN_RESUMED)
		screen_forget(b->screen);
	if (news & FULLSCREEN_GONE)
		b->done = true;
}

static int act(struct browsing *b, const struct key *k, struct err *e)
{
	switch (browser_key(b->browser, k)) {
	case BROWSE_QUIT:
		b->done = true;
		break;
	case BROWSE_SUSPEND:
		hear(b, fullscreen_suspend());
		break;
	case BROWSE_REDRAW:
		screen_forget(b->screen);
		break;
	case BROWSE_EXTRACT:
		return extract(b, e);
	case BROWSE_GO_ON:
		break;
	}
	return 0;
}

// All that have come whole; ended: what is left is one, too.
static int act_on_input(struct browsing *b, bool ended, struct err *e)
{
	size_t from = 0;
	while (from < b->input.n && !b->done) {
		struct key k;
		size_t used = key_read(b->input.p + from, b->input.n - from, ended, &k);
		if (!used)
			break;
		from += used;
		if (act(b, &k, e))
			return -1;
	}
	auto_buf struct buf rest = {0};
	buf_add(&rest, b->input.p + from, b->input.n - from);
	buf_reset(&b->input);
	buf_add(&b->input, rest.p, rest.n);
	return 0;
}

// ---- the loop

static void show_waste(struct browsing *b)
{
	browser_set_figures(b->browser, waste_search_result(b->browsed));
	if (b->browsed->failed)
		browser_say(b->browser, "waste was not found out: %s", b->browsed->why.msg);
}

static int once(struct browsing *b, struct err *e)
{
	bool begun = b->input.n > 0; // a key of which the rest is to come
	int news = fullscreen_wait(begun ? SEQUENCE_MS : -1, b->browsed->found_fd, &b->input);
	if (cancel_check(e))
		return -1;
	hear(b, news);
	if (news & FULLSCREEN_OTHER)
		show_waste(b);
	if (act_on_input(b, begun && !(news & FULLSCREEN_INPUT), e))
		return -1;
	return b->done ? 0 : draw(b, e);
}

static int browse(struct browsed *image, struct err *e)
{
	struct browsing b = {.browsed = image};
	int flags = (ui_colour(1) ? SCREEN_COLOUR : 0) | (fullscreen_is_utf8() ? SCREEN_UTF8 : 0);
	if (fullscreen_open(e))
		return -1;
	b.browser = browser_new(&image->image);
	b.screen = screen_new(1, 1, flags);
	follow_size(&b);
	int rc = draw(&b, e) || waste_search_begin(image, e) ? -1 : 0;
	while (!rc && !b.done)
		rc = once(&b, e);
	fullscreen_close();
	screen_free(b.screen);
	browser_free(b.browser);
	buf_release(&b.input);
	return rc;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct browse_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	struct browsed image = {0};
	if (need_args(args, 1, 1, "browse [OPTIONS] IMAGE", e) ||
	        fullscreen_check("hew size and hew diff write to pipes and files, as JSON too", e))
		return -1;
	int rc = browsed_open(&s, args->v[0], o->platform, o->quiet, &image, e);
	if (!rc)
		rc = browse(&image, e);
	browsed_release(&image);
	return rc;
}

const struct command cmd_browse = {
        .name = "browse",
        .args = "[OPTIONS] IMAGE",
        .summary = "Look through the layers and files of an image, in the terminal",
        .details =
                "IMAGE is one of the store, of a registry, oci:DIR, docker-archive:FILE, or what\n"
                "else hew size takes. Layers are at the left, files at the right, + added,\n"
                "- removed, ~ modified. The keys are dive's:\n"
                "\n"
                "  Tab                 to the other pane\n"
                "  arrows, h j k l     move; PageUp, PageDown, Home, End\n"
                "  Space, Enter        open or fold a folder; Ctrl+Space, z: all\n"
                "  /, Ctrl+F           filter: text or a regular expression; Esc drops it\n"
                "  A R M U             show or hide what was added, removed, modified, unmodified\n"
                "  Ctrl+L, Ctrl+A      layers: changes of one, of all since the first\n"
                "  [ ]                 the layer below, the layer above\n"
                "  w, W                to the next waste, and what to write instead\n"
                "  s                   sort by size\n"
                "  Ctrl+E, x           write the file to the working directory\n"
                "  ?                   all keys\n"
                "  q, Ctrl+C           quit\n",
        .options = options,
        .size = sizeof(struct browse_options),
        .run = run,
};
