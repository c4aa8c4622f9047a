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

// Whether what is assigned at p is a variable or the output of a command and nothing besides: what
// is told is a name.
static bool is_variable(const char *p, const char *end)
{
	while (p < end && (*p == '"' || *p == '\''))
		p++;
	if (p == end || *p++ != '$')
		return false;
	if (p < end && *p == '(')
		return true;
	bool brace = p < end && *p == '{';
	p += brace;
	while (p < end && (isalnum((unsigned char)*p) || *p == '_'))
		p++;
	if (brace && (p == end || *p++ != '}')) // ${NAME:-a value}
		return false;
	while (p < end && strchr("\"';)", *p))
		p++;
	return p == end || isspace((unsigned char)*p);
}

// How long what is assigned at p is, which stands in a quote of that kind if it is not '\0': all of
// a shell's or a Dockerfile's word, up to a blank that is neither escaped nor quoted by itself.
// What ends a word in one of them only (&, ;) ends none here: too much is hidden rather than too
// little.
static size_t value_length(const char *p, const char *end, char around)
{
	const char *begin = p, *open = NULL;
	char quote = '\0';
	for (; p < end; p++) {
		bool last = end - p == 1;
		if (!last && (*p == '\\' || (*p == '`' && isspace((unsigned char)p[1])))) {
			p++;
		} else if (around && *p == around) {
			quote = around = '\0';
		} else if (quote) {
			quote = *p == quote ? '\0' : quote;
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
			open = p;
		} else if (isspace((unsigned char)*p)) {
			break;
		}
	}
	if (quote) { // never closed: the rest of the line
		const char *nl = memchr(open, '\n', (size_t)(end - open));
		p = nl ? nl : end;
	}
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

// A text on the way through it.
struct walk {
	const char *text, *p, *end;
	char quote; // in which p stands, by the rules of a shell: of one line and those it goes on
	            // in
	bool escaped;
};

static void step(struct walk *w)
{
	char c = *w->p++;
	if (w->escaped)
		w->escaped = c == '\r';
	else if (c == '\\' || (c == '`' && w->p < w->end && isspace((unsigned char)*w->p)))
		w->escaped = true;
	else if (c == '\n')
		w->quote = '\0';
	else if (w->quote ? c == w->quote : c == '"' || c == '\'')
		w->quote = w->quote ? '\0' : c;
}

// What must not be shown at p: its length. *ret_shown: how much of that may be.
static size_t hidden_length(const struct walk *w, size_t *ret_shown)
{
	const char *p = w->p, *end = w->end;
	*ret_shown = 0;
	if (end - p > 3 && !memcmp(p, "://", 3)) {
		size_t n = userinfo_length(p + 3, end);
		*ret_shown = 3;
		return n ? n + 3 : 0;
	}
	if (*p == '=') {
		const char *name = p;
		while (name > w->text && is_name(name[-1]))
			name--;
		bool secret = says_secret(name, (size_t)(p - name)) && !is_variable(p + 1, end);
		size_t n = secret ? value_length(p + 1, end, w->quote) : 0;
		*ret_shown = 1;
		return n ? n + 1 : 0;
	}
	if (p > w->text && is_name(p[-1]))
		return 0;
	size_t n = token_length(p, end, ret_shown);
	return n ? n : pem_length(p, end);
}

// Both by what is known and by its form, and each in the text as it was: what one of them hides
// would hide its ends from the other.
char *scrub_text(const struct scrub *s, const char *text, size_t n)
{
	auto_buf struct buf out = {0};
	struct walk w = {.text = text, .p = text, .end = text + n};
	const char *hidden = text; // up to here
	if (!text || n == 0)
		return xstrdup("");
	for (; w.p < w.end; step(&w)) {
		size_t known = redactor_match(&s->known, w.p, (size_t)(w.end - w.p)), shown = 0;
		bool inside = w.p < hidden;
		size_t found = inside ? 0 : hidden_length(&w, &shown);
		found = known > found ? known : found;
		if (w.p + found > hidden)
			hidden = w.p + found;
		if (inside)
			continue;
		buf_add(&out, w.p, !found ? 1 : known ? 0 : shown);
		if (found)
			buf_puts(&out, REDACT_MARK);
	}
	return buf_steal(&out);
}

char *scrub_value(const struct scrub *s, const char *name, const char *value)
{
	return *value && says_secret(name, strlen(name)) ? xstrdup(REDACT_MARK)
	                                                 : scrub_text(s, value, strlen(value));
}
