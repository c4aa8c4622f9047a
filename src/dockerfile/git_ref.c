// SPDX-License-Identifier: Apache-2.0
// What is read here ends up on git's command line and in its configuration: nothing that could be
// taken for an option, a second refspec or a line of a file gets through.
#include "dockerfile/git_ref.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <ctype.h>
#include <string.h>

#define TEXT_MAX 4096

void git_ref_release(struct git_ref *r)
{
	free(r->remote);
	free(r->shown);
	free(r->host);
	free(r->userinfo);
	free(r->ref);
	free(r->commit);
	free(r->subdir);
	*r = (struct git_ref){0};
}

bool git_is_commit(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");
	return !s[n] && (n == 40 || n == 64);
}

bool source_is_url(const char *text)
{
	return str_has_prefix(text, "http://") || str_has_prefix(text, "https://");
}

// ---- its form

// Length of "user@host:" in front of a path, 0 if that is not what it is.
static size_t scp_prefix(const char *s)
{
	size_t user = 0, host = 0;
	while (isalnum((unsigned char)s[user]) || s[user] == '-' || s[user] == '_')
		user++;
	if (!user || s[user] != '@')
		return 0;
	const char *h = s + user + 1;
	while (isalnum((unsigned char)h[host]) || h[host] == '-' || h[host] == '.')
		host++;
	return host && h[host] == ':' ? user + 1 + host + 1 : 0;
}

// Length of "scheme://", 0 if there is none.
static size_t scheme_prefix(const char *s)
{
	size_t n = 0;
	while (isalnum((unsigned char)s[n]))
		n++;
	return n && str_has_prefix(s + n, "://") ? n + 3 : 0;
}

static bool scheme_is(const char *s, size_t n, const char *scheme)
{
	return n == strlen(scheme) + 3 && !strncasecmp(s, scheme, n - 3);
}

static bool is_http(const char *s, size_t n)
{
	return scheme_is(s, n, "http") || scheme_is(s, n, "https");
}

bool git_ref_is(const char *text, bool is_context)
{
	size_t n = scheme_prefix(text);
	if (is_context && str_has_prefix(text, "github.com/"))
		return true;
	if (!n)
		return scp_prefix(text) > 0;
	if (scheme_is(text, n, "ssh") || scheme_is(text, n, "git"))
		return true;
	size_t end = strcspn(text, "?#");
	return is_http(text, n) && end > n + 4 && !memcmp(text + end - 4, ".git", 4);
}

// ---- pieces

static int hex_value(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

// Percent-decoded, in a query '+' is a blank. NULL if it holds what no name of ours may.
static char *decode(const char *p, size_t n, bool query)
{
	auto_buf struct buf out = {0};
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		if (c == '%' && i + 2 < n && isxdigit((unsigned char)p[i + 1]) &&
		        isxdigit((unsigned char)p[i + 2])) {
			c = (char)(hex_value(p[i + 1]) << 4 | hex_value(p[i + 2]));
			i += 2;
		} else if (query && c == '+') {
			c = ' ';
		}
		if ((unsigned char)c < ' ' || c == 0x7f)
			return NULL;
		buf_putc(&out, c);
	}
	return buf_steal(&out);
}

static int parse_bool(const char *key, const char *value, bool *ret, struct err *e)
{
	static const char *const yes[] = {"", "1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (!strcmp(value, yes[i])) {
			*ret = true;
			return 0;
		}
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (!strcmp(value, no[i])) {
			*ret = false;
			return 0;
		}
	return err_set(e, ERR_DOCKERFILE, "invalid %s value: \"%s\"", key, value);
}

// Sets what is not set yet; the same again is fine.
static int set_once(char **slot, const char *key, const char *value, struct err *e)
{
	if (*slot && strcmp(*slot, value) != 0)
		return err_set(
		        e, ERR_DOCKERFILE, "%s conflicts: \"%s\" vs \"%s\"", key, *slot, value);
	free(*slot);
	*slot = xstrdup(value);
	return 0;
}

static int set_ref(struct git_ref *r, const char *prefix, const char *value, struct err *e)
{
	auto_free char *full =
	        xasprintf("%s%s", str_has_prefix(value, prefix) ? "" : prefix, value);
	return set_once(&r->ref, "ref", full, e);
}

struct query {
	char *ref, *tag, *branch, *subdir, *commit;
	struct strv seen;
};

static void query_release(struct query *q)
{
	free(q->ref);
	free(q->tag);
	free(q->branch);
	free(q->subdir);
	free(q->commit);
	strv_release(&q->seen);
}

static int query_flag(struct git_ref *r, const char *key, const char *value, struct err *e)
{
	bool submodules = true;
	if (!strcmp(key, "keep-git-dir")) {
		r->has_keep_git_dir = true;
		return parse_bool(key, value, &r->keep_git_dir, e);
	}
	if (!strcmp(key, "fetch-by-commit"))
		return parse_bool(key, value, &r->fetch_by_commit, e);
	if (!strcmp(key, "submodules")) {
		int rc = parse_bool(key, value, &submodules, e);
		r->no_submodules = !submodules;
		return rc;
	}
	static const char *const keys[] = {"ref", "tag", "branch", "commit", "checksum", "subdir",
	        "keep-git-dir", "submodules", "mtime", "fetch-by-commit"};
	const char *near = str_nearest(key, keys, ARRAY_LEN(keys));
	return err_set(e, ERR_DOCKERFILE, "unexpected query \"%s\"%s%s%s", key,
	        near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
}

static int query_pair(
        struct git_ref *r, struct query *q, const char *key, const char *value, struct err *e)
{
	const struct {
		const char *name;
		char **slot;
	} texts[] = {{"ref", &q->ref}, {"tag", &q->tag}, {"branch", &q->branch},
	        {"subdir", &q->subdir}, {"commit", &q->commit}, {"checksum", &q->commit}};
	if (strv_has(&q->seen, key))
		return err_set(e, ERR_DOCKERFILE, "query \"%s\" has multiple values", key);
	strv_add(&q->seen, key);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(key, texts[i].name) != 0)
			continue;
		if (!*value)
			return err_set(e, ERR_DOCKERFILE, "query \"%s\" has no value", key);
		return set_once(texts[i].slot, key, value, e);
	}
	if (strcmp(key, "mtime") != 0)
		return query_flag(r, key, value, e);
	r->mtime_of_commit = !strcmp(value, "commit");
	return r->mtime_of_commit || !strcmp(value, "checkout")
	               ? 0
	               : err_set(e, ERR_DOCKERFILE,
	                         "invalid mtime value: \"%s\" (checkout or commit)", value);
}

static int query_settle(struct git_ref *r, const struct query *q, struct err *e)
{
	if (q->tag && q->branch)
		return err_set(e, ERR_DOCKERFILE, "branch conflicts with tag");
	if ((q->ref && set_once(&r->ref, "ref", q->ref, e)) ||
	        (q->tag && set_ref(r, "refs/tags/", q->tag, e)) ||
	        (q->branch && set_ref(r, "refs/heads/", q->branch, e)) ||
	        (q->subdir && set_once(&r->subdir, "subdir", q->subdir, e)) ||
	        (q->commit && set_once(&r->commit, "commit", q->commit, e)))
		return -1;
	return 0;
}

static int parse_query(struct git_ref *r, const char *text, size_t n, struct err *e)
{
	struct query q = {0};
	auto_strv struct strv pairs = {0};
	auto_free char *copy = xstrndup(text, n);
	int rc = 0;
	strv_split(&pairs, copy, '&');
	for (size_t i = 0; !rc && i < pairs.n; i++) {
		const char *pair = pairs.v[i], *eq = strchr(pair, '=');
		size_t k = eq ? (size_t)(eq - pair) : strlen(pair);
		if (!*pair)
			continue;
		auto_free char *key = decode(pair, k, true);
		auto_free char *value = eq ? decode(eq + 1, strlen(eq + 1), true) : xstrdup("");
		rc = key && value ? query_pair(r, &q, key, value, e)
		                  : err_set(e, ERR_DOCKERFILE, "control characters in a query");
	}
	if (!rc)
		rc = query_settle(r, &q, e);
	query_release(&q);
	return rc;
}

static int parse_fragment(struct git_ref *r, const char *text, bool escaped, struct err *e)
{
	auto_free char *plain = escaped ? decode(text, strlen(text), false) : xstrdup(text);
	if (!plain)
		return err_set(e, ERR_DOCKERFILE, "control characters behind '#'");
	size_t n = strcspn(plain, ":");
	if (n)
		r->ref = xstrndup(plain, n);
	if (plain[n] && plain[n + 1])
		r->subdir = xstrdup(plain + n + 1);
	return 0;
}

// ---- the whole

// "host[:port]" of what follows "scheme://"; *ret_user: up to and with '@', or 0.
static char *authority(const char *s, size_t *ret_user, size_t *ret_n)
{
	size_t n = strcspn(s, "/?#"), user = 0;
	for (size_t i = 0; i < n; i++)
		if (s[i] == '@')
			user = i + 1;
	*ret_user = user;
	*ret_n = n;
	return xstrndup(s + user, n - user);
}

// A password of http(s) is ours to send, so that it is on nobody's command line; ssh needs the
// user.
static int take_userinfo(
        struct git_ref *r, const char *text, size_t scheme, size_t user, size_t n, struct err *e)
{
	const char *info = text + scheme;
	size_t name = 0;
	while (name < user && info[name] != ':')
		name++;
	if (user && r->is_http) {
		r->remote = xasprintf(
		        "%.*s%.*s", (int)scheme, text, (int)(n - scheme - user), info + user);
		r->shown = xstrdup(r->remote);
		r->userinfo = decode(info, user - 1, false);
		return r->userinfo ? 0
		                   : err_set(e, ERR_DOCKERFILE, "control characters in the user");
	}
	r->remote = xstrndup(text, n);
	r->shown = user && name + 1 < user ? xasprintf("%.*s%.*s:xxxxx@%s", (int)scheme, text,
	                                             (int)name, info, r->remote + scheme + user)
	                                   : xstrdup(r->remote);
	return 0;
}

static int take_url(struct git_ref *r, const char *text, size_t scheme, size_t n, struct err *e)
{
	size_t user, end;
	r->is_http = is_http(text, scheme);
	r->is_ssh = scheme_is(text, scheme, "ssh");
	r->host = authority(text + scheme, &user, &end);
	if (take_userinfo(r, text, scheme, user, n, e))
		return -1;
	if (!*r->host || *r->host == '-' || text[scheme] == '-')
		return err_set(e, ERR_DOCKERFILE, "it names no host");
	if (scheme + end + 1 >= n)
		return err_set(e, ERR_DOCKERFILE, "it names no repository");
	return 0;
}

static int take_scp(struct git_ref *r, const char *text, size_t prefix, size_t n, struct err *e)
{
	const char *at = strchr(text, '@');
	r->is_ssh = true;
	r->remote = xstrndup(text, n);
	r->shown = xstrdup(r->remote);
	r->host = xstrndup(at + 1, prefix - 1 - (size_t)(at + 1 - text));
	if (*r->host == '-' || *text == '-')
		return err_set(e, ERR_DOCKERFILE, "it names no host");
	if (n == prefix || text[prefix] == '-')
		return err_set(e, ERR_DOCKERFILE, "it names no repository");
	return 0;
}

static int check_ref(const char *ref, struct err *e)
{
	if (*ref == '-' || *ref == '+' || *ref == '/' || strstr(ref, "..") || strstr(ref, "@{") ||
	        strpbrk(ref, " ~^:?*[\\"))
		return err_set(e, ERR_DOCKERFILE,
		        "\"%s\" cannot be the name of a branch, tag or commit", ref);
	return 0;
}

// Lower case in the end.
static int check_commit(char *commit, struct err *e)
{
	size_t n = strspn(commit, "0123456789abcdefABCDEF");
	if (commit[n] || n < 4 || n > 64)
		return err_set(e, ERR_DOCKERFILE, "\"%s\" is not a commit: hex digits are expected",
		        commit);
	for (char *p = commit; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

int git_ref_set_commit(struct git_ref *r, const char *commit, struct err *e)
{
	auto_free char *lower = xstrdup(commit);
	return check_commit(lower, e) || set_once(&r->commit, "checksum", lower, e) ? -1 : 0;
}

static int settle(struct git_ref *r, struct err *e)
{
	if (r->commit && check_commit(r->commit, e))
		return -1;
	if (r->commit && !r->ref && git_is_commit(r->commit))
		r->ref = xstrdup(r->commit);
	if (r->fetch_by_commit && !(r->commit && git_is_commit(r->commit)))
		return err_set(e, ERR_DOCKERFILE, "fetch-by-commit needs a full commit");
	if (r->subdir) {
		char *clean = fs_clean_rel(r->subdir);
		free(r->subdir);
		r->subdir = clean;
		if (!*clean)
			free(steal_ptr(&r->subdir));
	}
	return r->ref ? check_ref(r->ref, e) : 0;
}

static int parse(const char *text, struct git_ref *r, struct err *e)
{
	size_t n = strcspn(text, "?#"), scheme = scheme_prefix(text);
	const char *hash = strchr(text, '#');
	const char *query = text[n] == '?' ? text + n + 1 : NULL;
	size_t query_n = !query ? 0 : hash ? (size_t)(hash - query) : strlen(query);
	int rc = scheme ? take_url(r, text, scheme, n, e)
	                : take_scp(r, text, scp_prefix(text), n, e);
	if (rc || (hash && parse_fragment(r, hash + 1, scheme > 0, e)) ||
	        (query && parse_query(r, query, query_n, e)))
		return -1;
	return settle(r, e);
}

static int check_text(const char *text, struct err *e)
{
	if (strlen(text) > TEXT_MAX)
		return err_set(e, ERR_DOCKERFILE, "it is too long");
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '\\')
			return err_set(e, ERR_DOCKERFILE, "it has blanks or control characters");
	return git_ref_is(text, true) ? 0 : err_set(e, ERR_DOCKERFILE, "it is none");
}

int git_ref_parse(const char *text, struct git_ref *ret, struct err *e)
{
	struct git_ref r = {0};
	bool short_form = str_has_prefix(text, "github.com/");
	auto_free char *whole = xasprintf("%s%s", short_form ? "https://" : "", text);
	if (check_text(text, e) || parse(whole, &r, e)) {
		auto_free char *shown = r.shown ? xstrdup(r.shown) : xstrdup("");
		git_ref_release(&r);
		return err_wrap(e, "invalid git repository \"%.200s\"", shown);
	}
	*ret = r;
	return 0;
}
