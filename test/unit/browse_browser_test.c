// SPDX-License-Identifier: Apache-2.0
// Keys of hew browse, and what is chosen and drawn after them. The screen is looked at as plain
// lines; that a terminal shows them is ui_screen_test.c's.
#include "browse/browser-int.h"
#include "layer_fixture.h"

struct stage {
	struct layer_index *ix[8];
	struct browse_layer layers[8];
	struct browse_image image;
	struct browser *b;
	struct screen *screen;
};

static const struct browse_waste waste[] = {
        {"a/deep/old", "deleted in layer 2", "make it elsewhere", 0, 5, NULL},
        {"z", "overwritten in layer 3", "write it once", 1, 3, NULL},
        {"var/lib/dpkg/status", "development, gcc", "another stage", 0, 2, "gcc"},
        {"usr/local/lib/python3/site-packages/pip", "development", "none", 0, 1, NULL},
};
static const struct browse_figures figures = {
        .efficiency = 0.999, .wasted = 8, .waste = waste, .n_waste = ARRAY_LEN(waste)};

static void stage_make(struct stage *t, const char *spec, int columns, int rows)
{
	struct err e = ERR_INIT;
	auto_strv struct strv parts = {0};
	memset(t, 0, sizeof(*t));
	strv_split(&parts, spec, '|');
	for (size_t i = 0; i < parts.n; i++) {
		t->ix[i] = spec_index(parts.v[i], &e);
		if (!t->ix[i])
			fail_msg("'%s': %s", parts.v[i], e.msg);
		t->layers[i] = (struct browse_layer){.instruction = "COPY x /",
		        .digest = "sha256:0123",
		        .bytes = layer_index_file_bytes(t->ix[i]),
		        .entries = layer_index_count(t->ix[i])};
	}
	t->image = (struct browse_image){.name = "image",
	        .digest = "sha256:4567",
	        .layers = t->layers,
	        .indexes = t->ix,
	        .n_layers = parts.n};
	t->b = browser_new(&t->image);
	t->screen = screen_new(columns, rows, SCREEN_UTF8);
	MUST(browser_draw(t->b, t->screen, &e), e);
}

static void stage_release(struct stage *t)
{
	browser_free(t->b);
	screen_free(t->screen);
	for (size_t i = 0; i < t->image.n_layers; i++)
		layer_index_close(t->ix[i]);
}

// Bytes as a terminal sends them.
static enum browse_action press(struct stage *t, const char *bytes, size_t n)
{
	struct err e = ERR_INIT;
	enum browse_action last = BROWSE_GO_ON;
	for (size_t at = 0; at < n;) {
		struct key k;
		at += key_read(bytes + at, n - at, true, &k);
		last = browser_key(t->b, &k);
	}
	MUST(browser_draw(t->b, t->screen, &e), e);
	return last;
}
#define PRESS(t, keys) press(t, keys, sizeof(keys) - 1)

static const char *chosen(const struct stage *t)
{
	const struct tree_node *node = browser_node(t->b);
	return node ? node->path : "";
}

static char *shown(const struct stage *t)
{
	struct buf out = {0};
	for (size_t i = 0; i < t->b->rows.n; i++) {
		const struct tree_node *node = &t->b->tree.v[t->b->rows.v[i]];
		buf_printf(&out, "%s%c%s", i ? " " : "", "=+-~"[node->mark], node -> path);
	}
	return buf_steal(&out);
}

static void shows(const struct stage *t, const char *want)
{
	auto_free char *got = shown(t);
	assert_string_equal(got, want);
}

// The text is drawn in one line. Blanks are not written on a screen that was erased, but jumped
// over.
static bool drawn(struct stage *t, const char *text)
{
	auto_buf struct buf out = {0}, plain = {0};
	screen_forget(t->screen);
	screen_flush(t->screen, &out);
	for (const char *p = buf_cstr(&out); *p; p++) {
		if (*p != '\033') {
			buf_putc(&plain, *p);
			continue;
		}
		p += strcspn(p, "HJmhl");
		if (*p == 'H')
			buf_putc(&plain, ' ');
	}
	return strstr(buf_cstr(&plain), text) != NULL;
}

#define LAYERS                                                                               \
	"f a/deep/old 12345;f a/x 1;f b;f z 12|w a/deep/old;f a/new 22;f z 123|f b 1;f c/d " \
	"1;f z 1"

static void test_layers(void **state)
{
	struct stage t;
	stage_make(&t, LAYERS, 80, 24);
	shows(&t, "+a +b +z");
	PRESS(&t, "j");
	shows(&t, "~a =b ~z");
	PRESS(&t, "\033[B");
	shows(&t, "=a ~b +c ~z");
	PRESS(&t, "j"); // there is no other
	shows(&t, "=a ~b +c ~z");
	PRESS(&t, "\001"); // Ctrl+A: all
	shows(&t, "~a ~b +c ~z");
	PRESS(&t, "\014"); // Ctrl+L: the layer's own
	shows(&t, "=a ~b +c ~z");
	PRESS(&t, "c");
	shows(&t, "~a ~b +c ~z");
	PRESS(&t, "g");
	shows(&t, "=a =b =z"); // what all others are compared with
	PRESS(&t, "\033[F");
	assert_int_equal(t.b->layers.at, 2);
	PRESS(&t, "\t["); // from among the files, too
	assert_int_equal(t.b->layers.at, 1);
	assert_int_equal(PRESS(&t, "q"), BROWSE_QUIT);
	assert_int_equal(PRESS(&t, "\003"), BROWSE_QUIT);
	assert_int_equal(PRESS(&t, "\032"), BROWSE_SUSPEND);
	stage_release(&t);
}

static void test_folding(void **state)
{
	struct stage t;
	stage_make(&t, LAYERS, 80, 24);
	PRESS(&t, "\t ");
	shows(&t, "+a +a/deep +a/x +b +z");
	PRESS(&t, "j\r");
	shows(&t, "+a +a/deep +a/deep/old +a/x +b +z");
	assert_string_equal(chosen(&t), "a/deep");
	PRESS(&t, "j");
	assert_string_equal(chosen(&t), "a/deep/old");
	PRESS(&t, " "); // no folder
	assert_string_equal(chosen(&t), "a/deep/old");
	PRESS(&t, "\033[D");
	assert_string_equal(chosen(&t), "a/deep");
	PRESS(&t, "h");
	assert_string_equal(chosen(&t), "a");
	PRESS(&t, "h"); // nothing is around it
	assert_string_equal(chosen(&t), "a");
	PRESS(&t, "llG");
	assert_string_equal(chosen(&t), "z");
	PRESS(&t, "\000"); // Ctrl+Space: all open (as z is on every keyboard)
	shows(&t, "+a +a/deep +a/deep/old +a/x +b +z");
	PRESS(&t, "gjjz"); // all folded: what is chosen is what is left of it
	shows(&t, "+a +b +z");
	assert_string_equal(chosen(&t), "a");
	PRESS(&t, "l"); // opens it and goes in
	assert_string_equal(chosen(&t), "a/deep");
	PRESS(&t, "]"); // folds and choice stay with another layer
	shows(&t, "~a ~a/deep +a/new =a/x =b ~z");
	assert_string_equal(chosen(&t), "a/deep");
	stage_release(&t);
}

// Keys in a row mean what they mean one by one, though nothing is drawn between them.
static void test_bursts(void **state)
{
	static const char keys[] = "\tljl]jj hGkz]j";
	struct stage one, all;
	stage_make(&one, LAYERS, 80, 24);
	stage_make(&all, LAYERS, 80, 24);
	for (size_t i = 0; i + 1 < sizeof(keys); i++)
		press(&one, keys + i, 1);
	press(&all, keys, sizeof(keys) - 1);
	auto_free char *want = shown(&one);
	shows(&all, want);
	assert_string_equal(chosen(&all), chosen(&one));
	stage_release(&one);
	stage_release(&all);
}

static void test_hiding(void **state)
{
	struct stage t;
	stage_make(&t, LAYERS, 80, 24);
	PRESS(&t, "j\tz");
	shows(&t, "~a ~a/deep -a/deep/old +a/new =a/x =b ~z");
	PRESS(&t, "\025"); // Ctrl+U
	shows(&t, "~a ~a/deep -a/deep/old +a/new ~z");
	assert_true(drawn(&t, "hidden: unmodified"));
	PRESS(&t, "\022"); // Ctrl+R: the folder itself is modified
	shows(&t, "~a ~a/deep +a/new ~z");
	PRESS(&t, "A");
	shows(&t, "~a ~a/deep ~z");
	PRESS(&t, "M");
	shows(&t, "");
	assert_true(drawn(&t, "nothing that is not hidden"));
	PRESS(&t, "\001URM");
	shows(&t, "~a ~a/deep -a/deep/old +a/new =a/x =b ~z");
	PRESS(&t, "s");
	shows(&t, "~a +a/new =a/x ~a/deep -a/deep/old ~z =b");
	stage_release(&t);
}

static void test_filter(void **state)
{
	struct stage t;
	stage_make(&t, LAYERS, 80, 24);
	PRESS(&t, "/old");
	shows(&t, "+a +a/deep +a/deep/old"); // open, though nothing was opened
	assert_true(drawn(&t, "1 file"));
	PRESS(&t, "\177\177\177x$q"); // q is a letter here
	shows(&t, "");
	PRESS(&t, "\177");
	shows(&t, "+a +a/x");
	PRESS(&t, "\r");
	PRESS(&t, "G");
	assert_string_equal(chosen(&t), "a/x");
	PRESS(&t, "\033"); // it is still chosen, in a folder that is folded now
	shows(&t, "+a +b +z");
	assert_string_equal(chosen(&t), "a");
	PRESS(&t, "\006(x"); // Ctrl+F, and no regular expression
	shows(&t, "");
	assert_true(drawn(&t, "as text"));
	PRESS(&t, "\033");
	shows(&t, "+a +b +z");
	PRESS(&t, "/\303\244\177"); // a character of two bytes
	assert_string_equal(t.b->filter.text, "");
	stage_release(&t);
}

// More than there is room for is not taken.
static void test_long_filter(void **state)
{
	struct stage t;
	char keys[FILTER_MAX + 100];
	stage_make(&t, LAYERS, 80, 24);
	memset(keys, 'a', sizeof(keys));
	keys[0] = '/';
	press(&t, keys, sizeof(keys));
	assert_in_range(strlen(t.b->filter.text), FILTER_MAX - 10, FILTER_MAX - 1);
	stage_release(&t);
}

static void test_waste(void **state)
{
	struct stage t;
	stage_make(&t, LAYERS, 80, 24);
	PRESS(&t, "w");
	assert_true(drawn(&t, "still looking"));
	browser_set_figures(t.b, &figures);
	PRESS(&t, "j/zzz\r\tc"); // whatever is in the way
	assert_true(drawn(&t, "efficiency 99 %"));
	assert_true(drawn(&t, "5B /a/deep/old"));
	assert_true(drawn(&t, "2B gcc"));
	assert_true(drawn(&t, "1B … /site-packages/pip"));
	PRESS(&t, "w");
	assert_int_equal(t.b->layers.at, 0);
	assert_false(t.b->aggregated);
	assert_string_equal(chosen(&t), "a/deep/old");
	assert_true(drawn(&t, "waste 1 of 4: 5B deleted in layer 2. Instead: make it elsewhere"));
	PRESS(&t, "Mw");
	assert_int_equal(t.b->layers.at, 1);
	assert_string_equal(chosen(&t), "z");
	PRESS(&t, "www"); // of what is not there the nearest folder, and round
	assert_string_equal(chosen(&t), "a/deep/old");
	PRESS(&t, "WWW");
	assert_string_equal(chosen(&t), "z");
	stage_release(&t);
}

static void test_selected(void **state)
{
	struct stage t;
	struct view *v;
	struct entry en;
	struct err e = ERR_INIT;
	stage_make(&t, LAYERS, 80, 24);
	PRESS(&t, "j\tzjj");
	assert_string_equal(chosen(&t), "a/deep/old");
	assert_int_equal(browser_selected(t.b, &v, &en, &e), 1); // though it was removed
	assert_int_equal(en.size, 5);
	assert_int_equal(PRESS(&t, "\005"), BROWSE_EXTRACT);
	stage_release(&t);
	stage_make(&t, "", 80, 24);
	assert_int_equal(browser_selected(t.b, &v, &en, &e), 0);
	stage_release(&t);
}

static void test_help_and_size(void **state)
{
	struct stage t;
	stage_make(&t, LAYERS, 80, 20);
	PRESS(&t, "?");
	assert_true(drawn(&t, "Everywhere"));
	PRESS(&t, "jjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjj");
	assert_true(drawn(&t, "write the file to the working directory"));
	PRESS(&t, "x"); // any key goes back, and does nothing else
	assert_false(t.b->helping);
	for (int columns = 1; columns < 100; columns += 3)
		for (int rows = 1; rows < 40; rows += 2) {
			screen_resize(t.screen, columns, rows);
			PRESS(&t, "jw");
			bool fits = columns >= BROWSE_COLUMNS_MIN && rows >= BROWSE_ROWS_MIN;
			assert_int_equal(drawn(&t, "Layers"), fits);
		}
	stage_release(&t);
}

// Of many layers and files those are shown that are chosen.
static void test_scrolling(void **state)
{
	struct stage t;
	auto_buf struct buf spec = {0};
	for (int i = 0; i < 60; i++)
		buf_printf(&spec, "%sf file-%02d x", i ? ";" : "", i);
	stage_make(&t, buf_cstr(&spec), 80, 24);
	PRESS(&t, "\tG");
	assert_string_equal(chosen(&t), "file-59");
	assert_true(drawn(&t, "file-59"));
	assert_false(drawn(&t, "file-00"));
	PRESS(&t, "u");
	assert_string_equal(chosen(&t), "file-39");
	PRESS(&t, "\033[5~\033[5~\033[5~");
	assert_string_equal(chosen(&t), "file-00");
	PRESS(&t, "d");
	assert_string_equal(chosen(&t), "file-20");
	stage_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_layers),
	        cmocka_unit_test(test_folding),
	        cmocka_unit_test(test_bursts),
	        cmocka_unit_test(test_hiding),
	        cmocka_unit_test(test_filter),
	        cmocka_unit_test(test_long_filter),
	        cmocka_unit_test(test_waste),
	        cmocka_unit_test(test_selected),
	        cmocka_unit_test(test_help_and_size),
	        cmocka_unit_test(test_scrolling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
