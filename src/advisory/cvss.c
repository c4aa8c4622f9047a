// SPDX-License-Identifier: Apache-2.0
// Which version a vector is of, its reading, and the words for severities.
#include "advisory/cvss-int.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include <string.h>
#include <strings.h>

const char *severity_name(enum severity s)
{
	static const char *const names[] = {
	        "UNKNOWN", "NEGLIGIBLE", "LOW", "MEDIUM", "HIGH", "CRITICAL"};
	return names[s];
}

enum severity severity_of_word(const char *word)
{
	static const struct {
		const char *word;
		enum severity severity;
	} words[] = {{"negligible", SEVERITY_NEGLIGIBLE}, {"unimportant", SEVERITY_NEGLIGIBLE},
	        {"none", SEVERITY_NEGLIGIBLE}, {"low", SEVERITY_LOW}, {"medium", SEVERITY_MEDIUM},
	        {"moderate", SEVERITY_MEDIUM}, {"high", SEVERITY_HIGH},
	        {"important", SEVERITY_HIGH}, {"critical", SEVERITY_CRITICAL}};
	size_t n = word ? strcspn(word, "*") : 0; // Debian marks what nobody reviewed
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (n == strlen(words[i].word) && !strncasecmp(word, words[i].word, n))
			return words[i].severity;
	return SEVERITY_UNKNOWN;
}

static const struct cvss_metric *find_metric(
        const struct cvss_metric *metrics, size_t n, const char *key, size_t key_n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(metrics[i].key) == key_n && !strncmp(metrics[i].key, key, key_n))
			return &metrics[i];
	return NULL;
}

// Of metrics that do not change the score, any word.
static bool is_value(const struct cvss_metric *m, const char *p, size_t n)
{
	if (m->values)
		return n == 1 && strchr(m->values, *p) != NULL;
	for (size_t i = 0; i < n; i++)
		if (!((p[i] | 32) >= 'a' && (p[i] | 32) <= 'z'))
			return false;
	return n <= 5;
}

int cvss_read(
        const struct cvss_metric *metrics, size_t n, const char *text, char *ret, struct err *e)
{
	memset(ret, 0, n);
	for (const char *p = text; *p;) {
		size_t part = strcspn(p, "/"), key = strcspn(p, ":/");
		const struct cvss_metric *m = find_metric(metrics, n, p, key);
		if (!m || key + 1 >= part || !is_value(m, p + key + 1, part - key - 1))
			return err_set(e, ERR_CORRUPT, "not a CVSS metric: '%.*s'",
			        part > 40 ? 40 : (int)part, p);
		if (ret[m - metrics])
			return err_set(e, ERR_CORRUPT, "the CVSS metric %s is there twice", m->key);
		ret[m - metrics] = p[key + 1];
		p += part;
		p += *p == '/';
	}
	for (size_t i = 0; i < n; i++) {
		if (!ret[i] && !metrics[i].optional)
			return err_set(
			        e, ERR_CORRUPT, "the CVSS metric %s is missing", metrics[i].key);
		if (!ret[i])
			ret[i] = 'X';
	}
	return 0;
}

// 2.0 has no critical.
static enum severity severity_of_score(const struct cvss *c)
{
	if (c->score == 0)
		return SEVERITY_NEGLIGIBLE;
	if (c->score < 40)
		return SEVERITY_LOW;
	if (c->score < 70)
		return SEVERITY_MEDIUM;
	return c->score < 90 || c->version == 20 ? SEVERITY_HIGH : SEVERITY_CRITICAL;
}

int cvss_score(const char *vector, struct cvss *ret, struct err *e)
{
	struct cvss c = {.version = 20};
	int rc;
	if (strlen(vector) > CVSS_VECTOR_MAX)
		return err_set(e, ERR_CORRUPT, "a CVSS vector of %zu bytes", strlen(vector));
	if (str_has_prefix(vector, "CVSS:4.0/")) {
		c.version = 40;
		rc = cvss4_score(vector + 9, &c.score, e);
	} else if (str_has_prefix(vector, "CVSS:3.1/") || str_has_prefix(vector, "CVSS:3.0/")) {
		c.version = vector[7] == '1' ? 31 : 30;
		rc = cvss3_score(vector + 9, c.version, &c.score, e);
	} else if (str_has_prefix(vector, "CVSS:")) {
		return err_set(
		        e, ERR_CORRUPT, "not a version of CVSS that hew knows: '%.20s'", vector);
	} else {
		rc = cvss2_score(vector, &c.score, e);
	}
	if (rc)
		return -1;
	c.severity = severity_of_score(&c);
	*ret = c;
	return 0;
}
