// SPDX-License-Identifier: Apache-2.0
// A database made of records as text, and lists of packages written down: statements between ';'.
//   TYPE NAME VERSION [source=NAME] [sv=VERSION] [module=MODULE:STREAM] [path=PATH] [owned]
//   [headers] [main]
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "advisory/import.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "scan/filter.h"
#include "scan/scan.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static inline void broken_record(void *arg, const char *text)
{
	fail_msg("a record of the test is broken: %s", text);
}

// Of a folder of test/data/scan. It stays open when its file is gone.
static inline struct advisories *database_of(const char *folder)
{
	char dir[] = "/tmp/hew-scan-XXXXXX";
	auto_strv struct strv paths = {0};
	struct advisories *db = NULL;
	struct advisory_imported got;
	struct err e = ERR_INIT;
	const char *slash = strrchr(__FILE__, '/');
	assert_non_null(mkdtemp(dir));
	strv_addf(&paths, "%.*s/../data/scan/%s", (int)(slash - __FILE__), __FILE__, folder);
	auto_free char *out = xasprintf("%s/db", dir);
	const struct advisory_import o = {.paths = &paths, .out = out, .warn = broken_record};
	if (advisories_import(&o, &got, &e) || advisories_open(out, &db, &e))
		fail_msg("%s", e.msg);
	unlink(out);
	rmdir(dir);
	return db;
}

struct installed {
	struct package packages[64];
	struct found_package found[64];
	struct package_list list;
	struct arena arena;
};

static inline enum package_type type_of(const char *name)
{
	for (enum package_type t = PACKAGE_DEB; t <= PACKAGE_MAVEN; t++)
		if (!strcmp(name, package_type_name(t)))
			return t;
	fail_msg("'%s' is no type of package", name);
	return PACKAGE_DEB;
}

static inline void read_attribute(struct package *p, struct found_package *f, char *word)
{
	if (str_has_prefix(word, "source="))
		p->source = word + 7;
	else if (str_has_prefix(word, "sv="))
		p->source_version = word + 3;
	else if (str_has_prefix(word, "module="))
		p->module = word + 7;
	else if (str_has_prefix(word, "path="))
		f->path = word + 5;
	else if (!strcmp(word, "owned"))
		p->flags |= PACKAGE_OWNED;
	else if (!strcmp(word, "headers"))
		p->flags |= PACKAGE_HEADERS;
	else if (!strcmp(word, "main"))
		p->flags |= PACKAGE_MAIN;
	else
		fail_msg("'%s'?", word);
}

static inline void install(struct installed *s, char *statement)
{
	char *state = NULL, *type = strtok_r(statement, " ", &state);
	if (!type)
		return;
	assert_true(s->list.n < ARRAY_LEN(s->packages));
	struct package *p = &s->packages[s->list.n];
	struct found_package *f = &s->found[s->list.n++];
	*p = (struct package){.type = type_of(type)};
	*f = (struct found_package){.package = p, .path = "path"};
	p->name = strtok_r(NULL, " ", &state);
	p->version = strtok_r(NULL, " ", &state);
	assert_non_null(p->version);
	for (char *word; (word = strtok_r(NULL, " ", &state));)
		read_attribute(p, f, word);
}

// release: "debian 12", "debian - forky" (no version, a code name), "ID VERSION CODENAME PRETTY",
// "" for none.
static inline void installed_of(struct installed *s, const char *release, const char *packages)
{
	char *state = NULL, *r = arena_strdup(&s->arena, release);
	*s = (struct installed){.list = {.v = s->found}, .arena = s->arena};
	s->list.release.id = strtok_r(r, " ", &state);
	const char *version = s->list.release.id ? strtok_r(NULL, " ", &state) : NULL;
	s->list.release.version = version && strcmp(version, "-") != 0 ? version : NULL;
	s->list.release.codename = version ? strtok_r(NULL, " ", &state) : NULL;
	s->list.release.pretty = s->list.release.codename ? strtok_r(NULL, "", &state) : NULL;
	char *all = arena_strdup(&s->arena, packages);
	for (char *statement = strtok_r(all, ";", &state); statement;
	        statement = strtok_r(NULL, ";", &state))
		install(s, statement);
}
