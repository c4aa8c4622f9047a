// SPDX-License-Identifier: Apache-2.0
// URL parsing after RFC 3986, narrowed: what is accepted here means the same to libcurl, so that
// the origin checked is the origin spoken to. Anything ambiguous is refused.

#include "registry/url.h"

#include "base/err.h"
#include "base/mem.h"
#include <ctype.h>

#define URL_MAX 16384

void url_release(struct url *u)
{
	free(u->host);
	free(u->userinfo);
	free(u->target);
	*u = (struct url){0};
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char *percent_decode(const char *p, size_t n)
{
	auto_buf struct buf b = {0};
	for (size_t i = 0; i < n; i++) {
		int hi = -1, lo = -1;
		if (p[i] == '%' && i + 2 < n) {
			hi = hex_value(p[i + 1]);
			lo = hex_value(p[i + 2]);
		}
		if (hi >= 0 && lo >= 0 && (hi || lo)) {
			buf_putc(&b, (char)(hi << 4 | lo));
			i += 2;
		} else {
			buf_putc(&b, p[i]);
		}
	}
	return buf_steal(&b);
}

static bool text_is_safe(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f || *s == '\\')
			return false;
	return true;
}

static bool host_is_valid(const char *p, size_t n)
{
	if (n == 0 || n > 255)
		return false;
	if (p[0] == '[') {
		if (n < 4 || p[n - 1] != ']')
			return false;
		for (size_t i = 1; i + 1 < n; i++)
			if (!isxdigit((unsigned char)p[i]) && p[i] != ':' && p[i] != '.')
				return false;
		return true;
	}
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)p[i]) && p[i] != '.' && p[i] != '-' && p[i] != '_')
			return false;
	return true;
}

static bool parse_port(const char *p, size_t n, unsigned *ret)
{
	unsigned v = 0;
	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(p[i] - '0');
	}
	*ret = v;
	return v >= 1 && v <= 65535;
}

// [userinfo@]host[:port]
static bool parse_authority(const char *p, size_t n, struct url *u)
{
	const char *at = memrchr(p, '@', n);
	if (at) {
		u->userinfo = percent_decode(p, (size_t)(at - p));
		n -= (size_t)(at + 1 - p);
		p = at + 1;
	}
	const char *bracket = memchr(p, ']', n);
	const char *from = bracket ? bracket : p;
	const char *colon = memchr(from, ':', n - (size_t)(from - p));
	size_t host_n = colon ? (size_t)(colon - p) : n;
	u->port = u->https ? 443 : 80;
	if (colon && host_n + 1 < n && !parse_port(colon + 1, n - host_n - 1, &u->port))
		return false;
	if (!host_is_valid(p, host_n))
		return false;
	u->host = xstrndup(p, host_n);
	for (char *c = u->host; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return true;
}

// For messages: never a password.
static const char *without_userinfo(const char *text)
{
	const char *at = strrchr(text, '@');
	return at ? at + 1 : text;
}

int url_parse(const char *text, struct url *ret, struct err *e)
{
	auto_url struct url u = {0};
	const char *rest;
	if (strlen(text) > URL_MAX || !text_is_safe(text))
		return err_set(e, ERR_USAGE, "not a valid URL: '%.200s'", without_userinfo(text));
	if (strncasecmp(text, "https://", 8) == 0) {
		u.https = true;
		rest = text + 8;
	} else if (strncasecmp(text, "http://", 7) == 0) {
		rest = text + 7;
	} else {
		return err_set(
		        e, ERR_USAGE, "not an http or https URL: '%.200s'", without_userinfo(text));
	}
	size_t authority = strcspn(rest, "/?#");
	if (!parse_authority(rest, authority, &u))
		return err_set(
		        e, ERR_USAGE, "not a valid host in URL '%.200s'", without_userinfo(text));
	rest += authority;
	int target_n = (int)strcspn(rest, "#");
	u.target = xasprintf("%s%.*s", *rest == '/' ? "" : "/", target_n, rest);
	*ret = u;
	u = (struct url){0};
	return 0;
}

char *url_host_port(const struct url *u)
{
	if (u->port == (u->https ? 443u : 80u))
		return xstrdup(u->host);
	return xasprintf("%s:%u", u->host, u->port);
}

char *url_text(const struct url *u)
{
	auto_free char *where = url_host_port(u);
	return xasprintf("%s://%s%s", u->https ? "https" : "http", where, u->target);
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

// The relative forms that real servers send: "/path", "?query", "name". Dots are left to the
// server.
static char *resolve_target(const struct url *base, const char *location)
{
	int n = (int)strcspn(location, "#");
	size_t path_n = strcspn(base->target, "?");
	if (n == 0)
		return xstrdup(base->target);
	if (location[0] == '/')
		return xasprintf("%.*s", n, location);
	if (location[0] == '?')
		return xasprintf("%.*s%.*s", (int)path_n, base->target, n, location);
	while (path_n > 0 && base->target[path_n - 1] != '/')
		path_n--;
	return xasprintf("%.*s%.*s", (int)path_n, base->target, n, location);
}

int url_resolve(const struct url *base, const char *location, struct url *ret, struct err *e)
{
	size_t scheme = strcspn(location, ":/?#");
	if (strlen(location) > URL_MAX || !text_is_safe(location))
		return err_set(
		        e, ERR_NET, "the server's Location is not a valid URL: '%.200s'", location);
	if (location[scheme] == ':')
		return url_parse(location, ret, e);
	if (str_has_prefix(location, "//")) {
		auto_free char *text = xasprintf("%s:%s", base->https ? "https" : "http", location);
		return url_parse(text, ret, e);
	}
	*ret = (struct url){
	        .https = base->https,
	        .host = xstrdup(base->host),
	        .port = base->port,
	        .target = resolve_target(base, location),
	};
	return 0;
}

bool url_keep_https(const struct url *at, struct url *next)
{
	if (!at->https || next->https)
		return true;
	if (strcmp(at->host, next->host) != 0)
		return false;
	next->https = true;
	next->port = at->port;
	return true;
}

bool url_host_is_loopback(const char *host_port)
{
	if (str_has_prefix(host_port, "[::1]") || strcmp(host_port, "::1") == 0)
		return true;
	size_t n = strcspn(host_port, ":");
	auto_free char *host = xstrndup(host_port, n);
	unsigned a, b, c, d;
	char rest;
	if (sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4)
		return a == 127 && b < 256 && c < 256 && d < 256;
	return str_ieq(host, "localhost") || (n > 10 && str_ieq(host + n - 10, ".localhost"));
}

void url_escape(struct buf *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c < 0x80 && (isalnum(c) || strchr("-._~", c)))
			buf_putc(out, *s);
		else
			buf_printf(out, "%%%02X", c);
	}
}
