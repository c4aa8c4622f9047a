// SPDX-License-Identifier: Apache-2.0
#include "attest/scrub.h"

#include "base/mem.h"
#include "graph/graph.h"
#include <ctype.h>
#include <string.h>

#define NAME_MOST 128
#define TOKEN_LEAST 12 // bytes after a prefix that only tokens have

void scrub_hide(struct scrub *s, const char *value, size_t n)
{
	static const char *const plain[] = {"true", "false", "none", "null"};
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (n == strlen(plain[i]) && !strncmp(value, plain[i], n))
			return;
	redactor_add(&s->known, value, n);
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

// Names of options, headers and query parameters are written with dashes.
static bool says_secret(const char *name, size_t n)
{
	static const char *const signatures[] = {"signature", "sig", "pass", "pwd"};
	char plain[NAME_MOST];
	while (n && *name == '-')
		name++, n--;
	if (n == 0 || n >= sizeof(plain))
		return false;
	for (size_t i = 0; i < n; i++)
		plain[i] = name[i] == '-' || name[i] == '.' ? '_'
		                                            : (char)tolower((unsigned char)name[i]);
	plain[n] = '\0';
	const char *last = strrchr(plain, '_');
	for (size_t i = 0; i < ARRAY_LEN(signatures); i++)
		if (!strcmp(last ? last + 1 : plain, signatures[i]))
			return true;
	return name_is_secret(plain);
}

// How long what is assigned at p is; 0 if it is a variable, whose name may be told.
static size_t value_length(const char *p, const char *end)
{
	const char *begin = p;
	bool quoted = p < end && (*p == '"' || *p == '\'');
	if (p + quoted < end && p[quoted] == '$')
		return 0;
	const char *close = quoted ? memchr(p + 1, *p, (size_t)(end - p - 1)) : NULL;
	if (close)
		return (size_t)(close + 1 - p);
	p += quoted;
	while (p < end && !isspace((unsigned char)*p) && !strchr("\"'&;|<>()", *p))
		p++;
	return (size_t)(p - begin);
}

// What looks like a credential whoever calls it what: the forms in which services hand them out,
// and the words that go before them in a header.
static size_t token_length(const char *p, const char *end, size_t *ret_shown)
{
	static const struct {
		const char *prefix;
		bool shown; // a word that is no part of it
	} forms[] = {{"ghp_", false}, {"gho_", false}, {"ghs_", false}, {"ghu_", false},
	        {"github_pat_", false}, {"glpat-", false}, {"xoxb-", false}, {"xoxp-", false},
	        {"npm_", false}, {"pypi-", false}, {"dckr_pat_", false}, {"sk_live_", false},
	        {"AKIA", false}, {"ASIA", false}, {"AIza", false}, {"eyJ", false}, {"hvs.", false},
	        {"Bearer ", true}, {"Basic ", true}, {"bearer ", true}, {"basic ", true}};
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		size_t n = strlen(forms[i].prefix);
		if ((size_t)(end - p) < n + TOKEN_LEAST || memcmp(p, forms[i].prefix, n) != 0)
			continue;
		const char *q = p + n;
		while (q < end && (is_name(*q) || *q == '/' || *q == '+' || *q == '='))
			q++;
		*ret_shown = forms[i].shown ? n : 0;
		if ((size_t)(q - p) >= n + TOKEN_LEAST)
			return (size_t)(q - p);
	}
	return 0;
}

// A private key in PEM: all up to its end.
static size_t pem_length(const char *p, const char *end)
{
	static const char begin[] = "-----BEGIN ", key[] = "PRIVATE KEY-----", stop[] = "-----END ";
	size_t left = (size_t)(end - p);
	if (!p || left < sizeof(begin) || memcmp(p, begin, sizeof(begin) - 1) != 0)
		return 0;
	const char *line = memchr(p, '\n', left);
	const char *kind = memmem(p, line ? (size_t)(line - p) : left, key, sizeof(key) - 1);
	const char *last = kind ? memmem(p, left, stop, sizeof(stop) - 1) : NULL;
	return kind ? last ? (size_t)(last - p) : left : 0;
}

// What must not be shown at p: its length. *ret_shown: how much of that may be.
static size_t hidden_length(const char *text, const char *p, const char *end, size_t *ret_shown)
{
	*ret_shown = 0;
	if (end - p > 3 && !memcmp(p, "://", 3)) {
		size_t n = userinfo_length(p + 3, end);
		*ret_shown = 3;
		return n ? n + 3 : 0;
	}
	if (*p == '=') {
		const char *name = p;
		while (name > text && is_name(name[-1]))
			name--;
		size_t n = says_secret(name, (size_t)(p - name)) ? value_length(p + 1, end) : 0;
		*ret_shown = 1;
		return n ? n + 1 : 0;
	}
	if (p > text && is_name(p[-1]))
		return 0;
	size_t n = token_length(p, end, ret_shown);
	return n ? n : pem_length(p, end);
}

char *scrub_text(const struct scrub *s, const char *text, size_t n)
{
	auto_buf struct buf out = {0}, held = {0}, shown = {0};
	if (!text || n == 0)
		return xstrdup("");
	const char *end = text + n, *p = text;
	while (p < end) {
		size_t part, hidden = hidden_length(text, p, end, &part);
		buf_add(&out, p, hidden ? part : 1);
		if (hidden)
			buf_puts(&out, REDACT_MARK);
		p += hidden ? hidden : 1;
	}
	redact(&s->known, &held, out.p, out.n, &shown);
	redact(&s->known, &held, "", 0, &shown);
	return buf_steal(&shown);
}

char *scrub_value(const struct scrub *s, const char *name, const char *value)
{
	return *value && says_secret(name, strlen(name)) ? xstrdup(REDACT_MARK)
	                                                 : scrub_text(s, value, strlen(value));
}
