// SPDX-License-Identifier: Apache-2.0
// Tests of files. As docker cp shows them to container-structure-test, the path of an existence
// test may end in a symbolic link, which is then what is meant; contents are those of what it leads
// to.
#include "structure/structure.h"

#include "base/err.h"
#include "layer/view.h"
#include "structure/pattern.h"
#include <inttypes.h>
#include <string.h>

#define LICENCES "/usr/share/doc"
#define SHOWN_MAX 200 // bytes of a line that did not match

// ---- permissions

// Go's os.FileMode, as container-structure-test prints it: letters for what is special, then nine.
static void go_mode(const struct entry *en, char ret[24])
{
	static const char types[] = {[ENTRY_DIR] = 'd',
	        [ENTRY_SYMLINK] = 'L',
	        [ENTRY_FIFO] = 'p',
	        [ENTRY_SOCKET] = 'S',
	        [ENTRY_BLOCK] = 'D',
	        [ENTRY_CHAR] = 'D',
	        [ENTRY_FILE] = '\0'};
	char *p = ret;
	if ((size_t)en->type < sizeof(types) && types[en->type])
		*p++ = types[en->type];
	if (en->mode & 04000)
		*p++ = 'u';
	if (en->mode & 02000)
		*p++ = 'g';
	if (en->type == ENTRY_CHAR)
		*p++ = 'c';
	if (en->mode & 01000)
		*p++ = 't';
	if (p == ret)
		*p++ = '-';
	for (int bit = 8; bit >= 0; bit--)
		*p++ = en->mode & (1u << bit) ? "xwr"[bit % 3] : '-';
	*p = '\0';
}

// ls's: special bits in the place of the x.
static void ls_mode(const struct entry *en, char ret[24])
{
	static const char types[] = {[ENTRY_DIR] = 'd',
	        [ENTRY_FILE] = '-',
	        [ENTRY_SYMLINK] = 'l',
	        [ENTRY_CHAR] = 'c',
	        [ENTRY_BLOCK] = 'b',
	        [ENTRY_FIFO] = 'p',
	        [ENTRY_SOCKET] = 's'};
	static const char special[] = "tss";
	ret[0] = (size_t)en->type < sizeof(types) ? types[en->type] : '?';
	for (int bit = 8; bit >= 0; bit--) {
		bool on = en->mode & (1u << bit);
		char c = on ? "xwr"[bit % 3] : '-';
		if (bit % 3 == 0 && en->mode & (01000u << (bit / 3)))
			c = on ? special[bit / 3] : (char)(special[bit / 3] - 32);
		ret[9 - bit] = c;
	}
	ret[10] = '\0';
}

static void judge_permissions(
        const struct existence_test *t, const struct entry *en, struct test_result *r)
{
	char go[24], ls[24];
	go_mode(en, go);
	ls_mode(en, ls);
	if (strcmp(t->permissions, go) != 0 && strcmp(t->permissions, ls) != 0)
		test_result_fail(r, "%s has incorrect permissions. Expected: %s, Actual: %s",
		        t->path, t->permissions, go);
}

// ---- existence

// A link says nothing of this: what it leads to is run.
static void judge_executable(
        const struct existence_test *t, struct view *root, const char *path, struct test_result *r)
{
	static const struct {
		const char *who;
		uint32_t bits;
	} all[] = {{"any", 0111}, {"owner", 0100}, {"group", 0010}, {"other", 0001}};
	struct entry en;
	struct err e = ERR_INIT;
	char mode[24];
	int found = view_resolve(root, path, 0, NULL, &en, &e);
	if (found <= 0) {
		test_result_fail(r, "%s is a link that leads nowhere%s%s", t->path,
		        found < 0 ? ": " : "", found < 0 ? e.msg : "");
		return;
	}
	go_mode(&en, mode);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!strcmp(all[i].who, t->executable_by) && !(en.mode & all[i].bits))
			test_result_fail(r,
			        "%s has incorrect executable bit. Expected to be executable by %s, "
			        "Actual: %s",
			        t->path, t->executable_by, mode);
}

static void judge_found(const struct existence_test *t, struct view *root, const char *path,
        const struct entry *en, struct test_result *r)
{
	if (t->permissions)
		judge_permissions(t, en, r);
	if (t->uid >= 0 && t->uid != (int64_t)en->uid)
		test_result_fail(r,
		        "%s has incorrect user ownership. Expected: %" PRId64 ", Actual: %" PRIu32,
		        t->path, t->uid, en->uid);
	if (t->gid >= 0 && t->gid != (int64_t)en->gid)
		test_result_fail(r,
		        "%s has incorrect group ownership. Expected: %" PRId64 ", Actual: %" PRIu32,
		        t->path, t->gid, en->gid);
	if (t->executable_by)
		judge_executable(t, root, path, r);
}

void existence_judge(const struct existence_test *t, struct view *root, const struct strv *env,
        struct test_result *r)
{
	auto_buf struct buf path = {0};
	struct entry en;
	struct err e = ERR_INIT;
	r->name = xasprintf("File Existence Test: %s", t->name);
	structure_expand(t->path, env, &path);
	int found = view_resolve(root, buf_cstr(&path), VIEW_NOFOLLOW_LAST, NULL, &en, &e);
	// A way through a file, or links in a circle: a program would find nothing there.
	if (found < 0 && e.kind != ERR_CONTEXT)
		test_result_fail(r, "%s", e.msg);
	else if (found <= 0 && t->should_exist)
		test_result_fail(r, "File %s should exist but does not%s%s", t->path,
		        found < 0 ? ", got error: " : "", found < 0 ? e.msg : "");
	else if (found > 0 && !t->should_exist)
		test_result_fail(r, "File %s should not exist but does", t->path);
	else if (found > 0)
		judge_found(t, root, buf_cstr(&path), &en, r);
}

// ---- contents

// 1, or 0 with a word in the result.
static int read_file(struct view *root, const char *path, struct buf *ret, struct test_result *r)
{
	struct err e = ERR_INIT;
	int found = view_read_file(root, path, STRUCTURE_CONTENT_MAX, ret, &e);
	if (found < 0)
		test_result_fail(r, "Failed to open %s. Error: %s", path, e.msg);
	if (!found)
		test_result_fail(r, "Failed to open %s. Error: it does not exist", path);
	return found > 0;
}

// The beginning of what was looked at, where it is short enough to say anything.
static void nothing_matches(
        const char *path, const struct pattern *p, const struct buf *text, struct test_result *r)
{
	if (text->n <= SHOWN_MAX && text->n)
		test_result_fail(r, "Expected string '%s' not found in file content string '%.*s'",
		        p->text, (int)text->n, text->p);
	else
		test_result_fail(r, "Expected string '%s' not found in the %zu bytes of %s",
		        p->text, text->n, path);
}

static void judge_text(const struct content_test *t, const char *path, const struct buf *text,
        struct test_result *r)
{
	struct err e = ERR_INIT;
	for (size_t i = 0; i < t->expected.n; i++) {
		int found = pattern_find(t->expected.v[i], text->p, text->n, &e);
		if (found < 0)
			test_result_fail(r, "%s: %s", path, e.msg);
		if (!found)
			nothing_matches(path, t->expected.v[i], text, r);
	}
	for (size_t i = 0; i < t->excluded.n; i++) {
		int found = pattern_find(t->excluded.v[i], text->p, text->n, &e);
		if (found < 0)
			test_result_fail(r, "%s: %s", path, e.msg);
		if (found > 0)
			test_result_fail(r, "Excluded string '%s' found in %s",
			        t->excluded.v[i]->text, path);
	}
}

void content_judge(const struct content_test *t, struct view *root, const struct strv *env,
        struct test_result *r)
{
	auto_buf struct buf path = {0}, text = {0};
	r->name = xasprintf("File Content Test: %s", t->name);
	structure_expand(t->path, env, &path);
	if (read_file(root, buf_cstr(&path), &text, r))
		judge_text(t, buf_cstr(&path), &text, r);
}

// ---- licences: the words and the exception are container-structure-test's

static bool contains_word(const struct buf *text, const char *upper)
{
	size_t n = strlen(upper);
	for (size_t at = 0; at + n <= text->n; at++) {
		size_t i = 0;
		while (i < n && (text->p[at + i] & ~0x20) == upper[i])
			i++;
		if (i == n)
			return true;
	}
	return false;
}

static void judge_licence(struct view *root, const char *path, struct test_result *r)
{
	static const char *const refused[] = {"AGPL", "WTFPL"};
	auto_buf struct buf text = {0};
	if (!read_file(root, path, &text, r))
		return;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (contains_word(&text, refused[i]))
			test_result_fail(
			        r, "Invalid license for %s, license contains %s", path, refused[i]);
}

static void judge_debian(struct view *root, struct test_result *r)
{
	auto_strv struct strv names = {0};
	auto_free char *real = NULL;
	struct err e = ERR_INIT;
	struct entry en;
	int found = view_resolve(root, LICENCES, 0, &real, &en, &e);
	if (found > 0)
		found = root->ops->list(root, real, &names, &e) ? -1 : 1;
	if (found <= 0)
		test_result_fail(r, "Error reading directory: %s: %s", LICENCES,
		        found ? e.msg : "it does not exist");
	for (size_t i = 0; found > 0 && i < names.n; i++) {
		auto_free char *dir = xasprintf(LICENCES "/%s", names.v[i]);
		auto_free char *file = xasprintf("%s/copyright", dir);
		if (view_resolve(root, dir, VIEW_NOFOLLOW_LAST, NULL, &en, &e) > 0 &&
		        en.type == ENTRY_DIR && strcmp(names.v[i], "libgnutls30") != 0)
			judge_licence(root, file, r);
	}
}

void licence_judge(const struct licence_test *t, struct view *root, struct test_result *r)
{
	r->name = xstrdup("License Test");
	if (t->debian)
		judge_debian(root, r);
	for (size_t i = 0; i < t->files.n; i++)
		judge_licence(root, t->files.v[i], r);
}
