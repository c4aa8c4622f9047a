// SPDX-License-Identifier: Apache-2.0
// Package URLs (github.com/package-url/purl-spec): pkg:type/namespace/name@version?qualifiers.
#include "packages/packages-int.h"

static void put(struct buf *out, struct str s, const char *plain)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		                  (c >= '0' && c <= '9') || (c && strchr("-._~", c));
		if (unreserved || (c && strchr(plain, c)))
			buf_putc(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

// Lower case and, of Python, any run of "-_." as one hyphen (PEP 503).
static void put_python(struct buf *out, const char *name)
{
	auto_buf struct buf text = {0};
	for (; *name; name++) {
		char c = *name;
		if (strchr("-_.", c)) {
			if (name[1] && strchr("-_.", name[1]))
				continue;
			c = '-';
		}
		buf_putc(&text, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
	put(out, (struct str){buf_cstr(&text), text.n}, "");
}

static void put_name(struct buf *out, const struct package *p, const struct release *r)
{
	const char *colon;
	switch (p->type) {
	case PACKAGE_DEB:
	case PACKAGE_APK:
	case PACKAGE_RPM:
		if (r && r->id) {
			put(out, str_of(r->id), "");
			buf_putc(out, '/');
		}
		put(out, str_of(p->name), "");
		return;
	case PACKAGE_PYPI:
		put_python(out, p->name);
		return;
	case PACKAGE_MAVEN:
		colon = strchr(p->name, ':');
		if (colon) {
			put(out, (struct str){p->name, (size_t)(colon - p->name)}, "");
			buf_putc(out, '/');
		}
		put(out, str_of(colon ? colon + 1 : p->name), "");
		return;
	case PACKAGE_NPM:
	case PACKAGE_GOLANG:
	case PACKAGE_CARGO:
		put(out, str_of(p->name), "/");
		return;
	}
}

static void qualifier(struct buf *out, const char **mark, const char *key, const char *value)
{
	if (!value)
		return;
	buf_printf(out, "%s%s=", *mark, key);
	put(out, str_of(value), ":/");
	*mark = "&";
}

// "debian-12", of apk "3.19"
static char *distro(const struct package *p, const struct release *r)
{
	if (!r || !r->id)
		return NULL;
	const char *version = r->version ? r->version : r->codename;
	if (p->type == PACKAGE_APK && version) {
		const char *dot = strchr(version, '.'), *second = dot ? strchr(dot + 1, '.') : NULL;
		return xstrndup(version, second ? (size_t)(second - version) : strlen(version));
	}
	return version ? xasprintf("%s-%s", r->id, version) : xstrdup(r->id);
}

bool version_has_epoch(const char *version)
{
	size_t digits = strspn(version, "0123456789");
	return digits && version[digits] == ':' && version[digits + 1];
}

void package_url(const struct package *p, const struct release *release, struct buf *out)
{
	const char *version = p->version, *mark = "?", *colon = strchr(version, ':');
	bool os = p->type == PACKAGE_DEB || p->type == PACKAGE_APK || p->type == PACKAGE_RPM;
	auto_free char *epoch = NULL;
	if (p->type == PACKAGE_RPM && version_has_epoch(version) && !version_has_epoch(colon + 1)) {
		epoch = xstrndup(version, (size_t)(colon - version));
		version = colon + 1;
	}
	buf_printf(out, "pkg:%s/", package_type_name(p->type));
	put_name(out, p, release);
	buf_putc(out, '@');
	put(out, str_of(version), "");
	if (!os)
		return;
	auto_free char *from = distro(p, release);
	auto_free char *upstream =
	        p->source_version
	                ? xasprintf("%s@%s", p->source ? p->source : p->name, p->source_version)
	                : xstrdup_null(p->source);
	qualifier(out, &mark, "arch", p->arch);
	qualifier(out, &mark, "distro", from);
	qualifier(out, &mark, "epoch", epoch);
	qualifier(out, &mark, "rpmmod", p->module);
	qualifier(out, &mark, "upstream", upstream);
}
