// SPDX-License-Identifier: Apache-2.0
// The hierarchies of control groups that are mounted, and where in each of them we are.
#include "sandbox/cgroup-int.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define PROC_FILE_MAX (4u << 20)

void cgroup_hierarchies_release(struct cgroup_hierarchies *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free(h->v[i].at);
		free(h->v[i].own);
	}
	free(h->v);
	*h = (struct cgroup_hierarchies){0};
}

static bool list_has(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *at = list; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
		if (!strncmp(at, word, n) && (at[n] == ',' || !at[n]))
			return true;
	return false;
}

static unsigned controllers_in(const char *list)
{
	unsigned all = 0;
	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++)
		if (list_has(list, cgroup_controller_name(1u << i)))
			all |= 1u << i;
	return all;
}

// Is the line of /proc/self/cgroup "ID:CONTROLLERS:PATH" about it? A hierarchy of version 1 is
// known by its controllers, which its mount has among its options.
static bool is_about(const char *controllers, bool v2, const char *options)
{
	auto_strv struct strv names = {0};
	if (v2 || !*controllers)
		return v2 && !*controllers;
	strv_split(&names, controllers, ',');
	for (size_t i = 0; i < names.n; i++)
		if (!list_has(options, names.v[i]))
			return false;
	return true;
}

// The path in what is mounted of it, of which `root` is the top.
static char *below_mount(const char *path, const char *root)
{
	if (fs_path_climbs(path)) // another namespace's
		return NULL;
	auto_free char *clean = fs_clean_rel(path), *top = fs_clean_rel(root);
	if (!fs_path_within(clean, top))
		return NULL;
	return fs_clean_rel(clean + strlen(top));
}

static char *own_group(const char *groups, bool v2, const char *options, const char *root)
{
	auto_strv struct strv lines = {0};
	strv_split(&lines, groups, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *controllers = strchr(lines.v[i], ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path)
			continue;
		*path = '\0';
		if (is_about(controllers + 1, v2, options))
			return below_mount(path + 1, root);
	}
	return NULL;
}

// "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS ... - TYPE SOURCE SUPER-OPTIONS"
static void take_mount(const char *line, const char *groups, struct cgroup_hierarchies *ret)
{
	enum { ROOT = 3, POINT = 4, TYPE = 1, SUPER = 3 };
	const char *tail = strstr(line, " - ");
	auto_strv struct strv head = {0}, rest = {0};
	if (!tail)
		return;
	auto_free char *before = xstrndup(line, (size_t)(tail - line));
	strv_split(&head, before, ' ');
	strv_split(&rest, tail + 1, ' ');
	if (head.n <= POINT || rest.n <= SUPER)
		return;
	bool v2 = !strcmp(rest.v[TYPE], "cgroup2");
	if (!v2 && strcmp(rest.v[TYPE], "cgroup") != 0)
		return;
	const char *options = rest.v[SUPER];
	unsigned controllers = v2 ? 0 : controllers_in(options);
	for (size_t i = 0; i < ret->n; i++)
		if (ret->v[i].v2 == v2 && (v2 || ret->v[i].controllers & controllers))
			return; // the same once more
	ret->v = xreallocarray(ret->v, ret->n + 1, sizeof *ret->v);
	ret->v[ret->n++] = (struct cgroup_hierarchy){.v2 = v2,
	        .controllers = controllers,
	        .at = xstrdup(head.v[POINT]),
	        .own = own_group(groups, v2, options, head.v[ROOT])};
}

void cgroup_hierarchies_parse(
        const char *mountinfo, const char *groups, struct cgroup_hierarchies *ret)
{
	auto_strv struct strv lines = {0};
	*ret = (struct cgroup_hierarchies){0};
	strv_split(&lines, mountinfo, '\n');
	for (size_t i = 0; i < lines.n; i++)
		take_mount(lines.v[i], groups, ret);
}

int cgroup_hierarchies_find(struct cgroup_hierarchies *ret, struct err *e)
{
	auto_buf struct buf mounts = {0}, groups = {0};
	if (fs_read_file(AT_FDCWD, "/proc/self/mountinfo", PROC_FILE_MAX, &mounts, e) < 0 ||
	        fs_read_file(AT_FDCWD, "/proc/self/cgroup", PROC_FILE_MAX, &groups, e) < 0)
		return -1;
	cgroup_hierarchies_parse(buf_cstr(&mounts), buf_cstr(&groups), ret);
	return 0;
}

// systemd keeps "a-b.slice" in "a.slice/a-b.slice".
static char *slice_path(const char *name)
{
	auto_buf struct buf path = {0};
	for (const char *dash = name; (dash = strchr(dash, '-')); dash++)
		if (dash > name)
			buf_printf(&path, "%.*s.slice/", (int)(dash - name), name);
	buf_puts(&path, name);
	return buf_steal(&path);
}

char *cgroup_parent_path(const struct cgroup_hierarchy *h, const char *parent)
{
	if (parent && !strchr(parent, '/') && str_has_suffix(parent, ".slice"))
		return slice_path(parent);
	if (parent)
		return fs_clean_rel(parent);
	if (!h->own || !h->v2 || !*h->own)
		return h->own ? xstrdup(h->own) : NULL;
	// A group of version 2 that has processes can have no limited group below it.
	const char *last = strrchr(h->own, '/');
	return xstrndup(h->own, last ? (size_t)(last - h->own) : 0);
}
