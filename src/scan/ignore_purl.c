// SPDX-License-Identifier: Apache-2.0
// Package URLs as people write them into lists: with or without version, namespace and qualifiers.
#include "scan/ignore-int.h"
#include "scan/scan-int.h"

#include <string.h>

struct purl {
	struct arena arena;
	char *type, *path, *version, *qualifiers; // path: namespace and name; NULL: none
};

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 32) : NULL;
	return at ? (int)(at - digits) : -1;
}

static void decode(char *text)
{
	char *out = text;
	for (const char *p = text; *p; p++) {
		int high = *p == '%' ? hex(p[1]) : -1, low = high >= 0 ? hex(p[2]) : -1;
		if (low >= 0 && high + low > 0) {
			*out++ = (char)(high << 4 | low);
			p += 2;
		} else {
			*out++ = *p;
		}
	}
	*out = '\0';
}

// Cuts at the first of the character; what is behind it, or NULL.
static char *cut(char *text, char c)
{
	char *at = strchr(text, c);
	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static bool purl_split(const char *text, struct purl *ret)
{
	*ret = (struct purl){0};
	if (!str_has_prefix(text, "pkg:"))
		return false;
	text += 4 + strspn(text + 4, "/");
	ret->type = arena_strdup(&ret->arena, text);
	cut(ret->type, '#');
	ret->qualifiers = cut(ret->type, '?');
	ret->path = cut(ret->type, '/');
	if (!ret->path)
		return false;
	char *at = strrchr(ret->path, '@'); // "@scope" has its own, in front
	if (at && at > ret->path && at[-1] != '/') {
		*at = '\0';
		ret->version = at + 1;
		decode(ret->version);
	}
	decode(ret->path);
	return true;
}

static bool has_qualifier(const struct purl *u, const char *pair)
{
	size_t n = strlen(pair);
	for (const char *p = u->qualifiers; p; p = strchr(p, '&')) {
		p += *p == '&';
		if (!strncmp(p, pair, n) && (p[n] == '&' || !p[n]))
			return true;
	}
	return false;
}

// "debian/openssl", "redhat/bash", "openssl"; of a source package where it says so.
static bool names_distribution_package(const struct purl *u, const struct finding *f)
{
	const struct package *p = f->package->package;
	const char *name = strrchr(u->path, '/');
	size_t n = name ? (size_t)(name - u->path) : 0;
	const char *own = has_qualifier(u, "arch=source") && p->source ? p->source : p->name;
	auto_free char *id = xstrndup(u->path, n);
	if (n && !place_has_id(f->ecosystem, id))
		return false;
	return !strcmp(name ? name + 1 : u->path, own);
}

static bool names_library(const struct purl *u, const struct finding *f)
{
	const struct package *p = f->package->package;
	auto_buf struct buf name = {0}, own = {0};
	if (p->type == PACKAGE_MAVEN && strrchr(u->path, '/'))
		*strrchr(u->path, '/') = ':';
	package_name(f->ecosystem, u->path, &name);
	package_name(f->ecosystem, p->name, &own);
	return !strcmp(buf_cstr(&name), buf_cstr(&own));
}

static const char *without_epoch(const char *version)
{
	size_t digits = strspn(version, "0123456789");
	return version[digits] == ':' ? version + digits + 1 : version;
}

// The epoch may be a qualifier, or missing.
static bool names_version(const struct purl *u, const struct finding *f, bool distribution)
{
	const struct package *p = f->package->package;
	const char *own = p->version, *asked = u->version;
	if (!asked || !strcmp(asked, own))
		return true;
	if (has_qualifier(u, "arch=source") && p->source_version)
		own = p->source_version;
	if (distribution && without_epoch(asked) == asked)
		own = without_epoch(own);
	return !strcmp(asked, own) || (*own == 'v' && !strcmp(asked, own + 1));
}

bool purl_names(const char *purl, const struct finding *f)
{
	struct purl u;
	enum package_type t = f->package->package->type;
	bool distribution = t == PACKAGE_DEB || t == PACKAGE_APK || t == PACKAGE_RPM;
	bool yes = purl_split(purl, &u) && !strcmp(u.type, package_type_name(t)) &&
	           (distribution ? names_distribution_package(&u, f) : names_library(&u, f)) &&
	           names_version(&u, f, distribution);
	arena_release(&u.arena);
	return yes;
}

bool purl_is_image(const char *purl)
{
	return str_has_prefix(purl, "pkg:oci/") || str_has_prefix(purl, "pkg:docker/");
}
