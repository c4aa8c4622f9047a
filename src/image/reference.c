// SPDX-License-Identifier: Apache-2.0
// Image references with the grammar of distribution/reference:
//     [domain/]path[:tag][@digest]
// The first element is a domain if it has a '.' or a ':', is "localhost", or is not lower case;
// otherwise the domain is docker.io, where a path of one element lies below library/. The library's
// regular expressions only say "invalid reference format"; here each part is checked by itself, so
// that the message can say which one is wrong.
#include "image/reference.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include <ctype.h>
#include <string.h>

#define DEFAULT_DOMAIN "docker.io"
#define LEGACY_DOMAIN "index.docker.io"
#define OFFICIAL "library/"
#define REFERENCE_MAX 1024
#define PATH_LENGTH_MAX 255
#define TAG_MAX 128
#define DOMAIN_MAX 260 // a DNS name and a port

#define LOWER_ALNUM "abcdefghijklmnopqrstuvwxyz0123456789"

static bool is_alnum(char c)
{
	return isalnum((unsigned char)c) && (unsigned char)c < 0x80;
}

static bool has_upper(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return true;
	return false;
}

static bool all_in(const char *s, size_t n, const char *set)
{
	return strspn(s, set) >= n;
}

// Labels between dots: letters, digits and inner hyphens.
static bool host_valid(const char *s, size_t n)
{
	if (n > 2 && s[0] == '[')
		return s[n - 1] == ']' && all_in(s + 1, n - 2, "0123456789abcdefABCDEF:");
	for (size_t i = 0; i < n; i++) {
		bool edge = i == 0 || i + 1 == n || s[i - 1] == '.' || s[i + 1] == '.';
		if (!is_alnum(s[i]) && (edge || (s[i] != '-' && s[i] != '.')))
			return false;
	}
	return n > 0;
}

static int check_domain(const char *whole, const char *domain, struct err *e)
{
	size_t n = strlen(domain);
	if (n > DOMAIN_MAX)
		return err_set(e, ERR_USAGE,
		        "image name '%.100s...': the registry name is longer than %d characters",
		        whole, DOMAIN_MAX);
	const char *bracket = strchr(domain, ']');
	const char *colon = strchr(bracket ? bracket : domain, ':');
	if (colon) {
		size_t digits = strlen(colon + 1);
		if (digits == 0 || !all_in(colon + 1, digits, "0123456789"))
			return err_set(e, ERR_USAGE,
			        "image name '%.300s': '%s' is not a port number", whole, colon + 1);
		n = (size_t)(colon - domain);
	}
	if (!host_valid(domain, n))
		return err_set(e, ERR_USAGE,
		        "image name '%.300s': '%s' is not a registry host name", whole, domain);
	return 0;
}

// Length of the separator at s: '.', '_', '__' or any number of '-'. 0: none.
static size_t separator(const char *s)
{
	if (*s == '.')
		return 1;
	if (*s == '_')
		return s[1] == '_' ? 2 : 1;
	return strspn(s, "-");
}

static int check_path(const char *whole, const char *path, struct err *e)
{
	const char *s = path;
	for (;;) {
		size_t n = strspn(s, LOWER_ALNUM);
		if (n == 0 && (*s == '\0' || *s == '/'))
			return err_set(e, ERR_USAGE, "image name '%.300s' has %s", whole,
			        s == path || s[-1] == '/' ? "an empty part"
			                                  : "a part that ends with a separator");
		if (n == 0)
			break;
		s += n;
		if (!*s)
			return 0;
		if (*s == '/') {
			s++;
			continue;
		}
		n = separator(s);
		if (n == 0)
			break;
		s += n;
	}
	return err_set(e, ERR_USAGE,
	        "image name '%.300s' is not valid at '%.20s': only a-z, 0-9 and single '.', '_', "
	        "'__' or '-' "
	        "between them are allowed",
	        whole, s);
}

static int check_tag(const char *whole, const char *tag, struct err *e)
{
	size_t n = strlen(tag);
	if (n == 0)
		return err_set(
		        e, ERR_USAGE, "image name '%.300s' ends with ':' but has no tag", whole);
	if (n > TAG_MAX)
		return err_set(e, ERR_USAGE,
		        "image name '%.300s': the tag is longer than %d characters", whole,
		        TAG_MAX);
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(tag[i]) && tag[i] != '_' &&
		        (i == 0 || (tag[i] != '.' && tag[i] != '-')))
			return err_set(e, ERR_USAGE,
			        "image name '%.300s': tag '%s' is not valid, only letters, digits, "
			        "'_', '.' and "
			        "'-' are allowed, and it does not begin with '.' or '-'",
			        whole, tag);
	return 0;
}

static bool is_domain(const char *first)
{
	return strpbrk(first, ".:") || strcmp(first, "localhost") == 0 || has_upper(first);
}

// What comes before the path: "" without, else the registry; *rest is the remainder.
static char *take_domain(const char *s, const char **rest)
{
	const char *slash = strchr(s, '/');
	*rest = s;
	if (!slash)
		return xstrdup(DEFAULT_DOMAIN);
	auto_free char *first = xstrndup(s, (size_t)(slash - s));
	if (!is_domain(first))
		return xstrdup(DEFAULT_DOMAIN);
	*rest = slash + 1;
	if (strcmp(first, LEGACY_DOMAIN) == 0)
		return xstrdup(DEFAULT_DOMAIN);
	return steal_ptr(&first);
}

static int refuse_upper(const char *whole, const char *path, struct err *e)
{
	auto_free char *fixed = xstrdup(whole);
	size_t from = strlen(whole) - strlen(path);
	for (char *c = fixed + from; *c && *c != ':' && *c != '@'; c++)
		*c = (char)tolower((unsigned char)*c);
	return err_set(e, ERR_USAGE,
	        "image name '%.300s' must be lower case, did you mean '%.300s'?", whole, fixed);
}

static int check_whole(const char *s, struct err *e)
{
	if (!*s)
		return err_set(e, ERR_USAGE, "image name is empty");
	size_t n = strlen(s);
	if (n > REFERENCE_MAX)
		return err_set(e, ERR_USAGE, "image name '%.40s...' is longer than %d characters",
		        s, REFERENCE_MAX);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 0x7f)
			return err_set(e, ERR_USAGE,
			        "image name '%.200s' has a blank or a character that is not ASCII",
			        s);
	const char *scheme = strstr(s, "://");
	if (scheme)
		return err_set(e, ERR_USAGE, "image name '%.200s' is a URL, did you mean '%.200s'?",
		        s, scheme + 3);
	if (n == 64 && all_in(s, n, "0123456789abcdef"))
		return err_set(
		        e, ERR_USAGE, "image name '%.300s' is an id of 64 digits, not a name", s);
	return 0;
}

int reference_parse(const char *s, struct reference *ret, struct err *e)
{
	if (check_whole(s, e) < 0)
		return -1;
	auto_reference struct reference r = {0};
	const char *rest;
	r.domain = take_domain(s, &rest);
	size_t name_len = strcspn(rest, ":@");
	auto_free char *path = xstrndup(rest, name_len);
	if (has_upper(path))
		return refuse_upper(s, rest, e);
	if (check_domain(s, r.domain, e) < 0 || check_path(s, path, e) < 0)
		return -1;
	bool official = strcmp(r.domain, DEFAULT_DOMAIN) == 0 && !strchr(path, '/');
	r.repository = official ? xasprintf(OFFICIAL "%s", path) : steal_ptr(&path);
	if (strlen(r.repository) > PATH_LENGTH_MAX)
		return err_set(e, ERR_USAGE, "image name '%.300s' is longer than %d characters", s,
		        PATH_LENGTH_MAX);

	const char *at = strchr(rest + name_len, '@');
	if (rest[name_len] == ':') {
		const char *tag = rest + name_len + 1;
		r.tag = xstrndup(tag, at ? (size_t)(at - tag) : strlen(tag));
		if (check_tag(s, r.tag, e) < 0)
			return -1;
	}
	if (at) {
		if (digest_parse(at + 1, &r.digest, e) < 0) {
			e->kind = ERR_USAGE;
			return err_wrap(e, "image name '%.200s'", s);
		}
		r.has_digest = true;
	}
	if (!r.tag && !r.has_digest)
		r.tag = xstrdup("latest");
	*ret = r;
	r = (struct reference){0};
	return 0;
}

void reference_release(struct reference *r)
{
	free(r->domain);
	free(r->repository);
	free(r->tag);
	*r = (struct reference){0};
}

static char *with_suffix(const struct reference *r, const char *name)
{
	char digest[DIGEST_TEXT] = "";
	if (r->has_digest)
		digest_text(&r->digest, digest);
	return xasprintf("%s%s%s%s%s", name, r->tag ? ":" : "", r->tag ? r->tag : "",
	        r->has_digest ? "@" : "", digest);
}

char *reference_name(const struct reference *r)
{
	return xasprintf("%s/%s", r->domain, r->repository);
}

char *reference_text(const struct reference *r)
{
	auto_free char *name = reference_name(r);
	return with_suffix(r, name);
}

char *reference_familiar(const struct reference *r)
{
	auto_free char *name = reference_name(r);
	const char *shown = name;
	if (strcmp(r->domain, DEFAULT_DOMAIN) == 0) {
		const char *path = r->repository;
		if (str_has_prefix(path, OFFICIAL) && !strchr(path + strlen(OFFICIAL), '/'))
			path += strlen(OFFICIAL);
		// docker.io/foo.bar/baz must not shrink to what reads as another registry.
		const char *slash = strchr(path, '/');
		auto_free char *first = slash ? xstrndup(path, (size_t)(slash - path)) : NULL;
		if (!first || !is_domain(first))
			shown = path;
	}
	return with_suffix(r, shown);
}
