// SPDX-License-Identifier: Apache-2.0
// package.json of an installed package, and package-lock.json (docs.npmjs.com, lockfileVersion
// 1-3).
#include "base/json.h"
#include "packages/packages-int.h"

#define DEPTH_MAX 64

static int add(struct scan *s, const char *name, const char *version, int flags, struct err *e)
{
	return name && version ? scan_add(s,
	                                 &(struct package){.type = PACKAGE_NPM,
	                                         .name = name,
	                                         .version = version,
	                                         .flags = flags},
	                                 e)
	                       : 0;
}

static struct jdoc *read_json(const struct content *c, size_t max, struct err *e)
{
	auto_buf struct buf text = {0};
	return content_all(c, max, &text, e) ? NULL : jdoc_parse(buf_cstr(&text), text.n, e);
}

int scan_npm(struct scan *s, const struct content *c, struct err *e)
{
	auto_jdoc struct jdoc *doc = read_json(c, MANIFEST_FILE_MAX, e);
	if (!doc)
		return -1;
	const struct jn *root = jdoc_root(doc);
	return add(s, jn_get_str(root, "name"), jn_get_str(root, "version"), 0, e);
}

// Of an alias the version is "npm:name@1.0".
static int add_locked(struct scan *s, const char *name, const char *version, struct err *e)
{
	const char *real =
	        version && str_has_prefix(version, NPM_ALIAS) ? version + strlen(NPM_ALIAS) : NULL;
	const char *at = real && *real ? strchr(real + 1, '@') : NULL;
	if (!at)
		return add(s, name, version, PACKAGE_LOCKED, e);
	auto_free char *own = xstrndup(real, (size_t)(at - real));
	return add(s, own, at + 1, PACKAGE_LOCKED, e);
}

// Version 1: "dependencies", each with those that only it has.
static int add_tree(struct scan *s, const struct jn *deps, int depth, struct err *e)
{
	const char *name;
	const struct jn *d;
	if (depth > DEPTH_MAX)
		return err_set(e, ERR_CORRUPT, "dependencies are nested deeper than %d", DEPTH_MAX);
	for (size_t i = 0; jn_member(deps, i, &name, &d); i++) {
		if (add_locked(s, name, jn_get_str(d, "version"), e) ||
		        add_tree(s, jn_get(d, "dependencies"), depth + 1, e))
			return -1;
	}
	return 0;
}

// Versions 2 and 3: "packages", by the folder each goes to; links point to folders of the project.
static int add_folders(struct scan *s, const struct jn *packages, struct err *e)
{
	const char *folder;
	const struct jn *p;
	for (size_t i = 0; jn_member(packages, i, &folder, &p); i++) {
		const char *name = jn_get_str(p, "name"), *last = folder, *next;
		while ((next = strstr(last, "node_modules/")))
			last = next + strlen("node_modules/");
		if (last == folder || jn_bool(jn_get(p, "link"), false))
			continue;
		if (add(s, name ? name : last, jn_get_str(p, "version"), PACKAGE_LOCKED, e))
			return -1;
	}
	return 0;
}

int scan_npm_lock(struct scan *s, const struct content *c, struct err *e)
{
	auto_jdoc struct jdoc *doc = read_json(c, DOCUMENT_MAX, e);
	if (!doc)
		return -1;
	const struct jn *packages = jn_get(jdoc_root(doc), "packages");
	return packages ? add_folders(s, packages, e)
	                : add_tree(s, jn_get(jdoc_root(doc), "dependencies"), 0, e);
}
