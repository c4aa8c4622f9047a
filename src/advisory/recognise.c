// SPDX-License-Identifier: Apache-2.0
// What a file is, by how it begins.
#include "advisory/feed-int.h"

#include "base/err.h"
#include "base/json_stream.h"
#include <string.h>

#define KEYS_MAX 64 // looked at, before it is given up

static bool begins(struct str s, const char *text)
{
	size_t n = strlen(text);
	return s.n >= n && !memcmp(s.p, text, n);
}

// Of lines of JSON: the first one ends a value, and another begins.
static bool is_lines(const char *name, struct str head)
{
	const char *end = memchr(head.p, '\n', head.n);
	size_t line = end ? (size_t)(end - head.p) : head.n;
	if (strstr(name, ".jsonl") || strstr(name, ".ndjson"))
		return true;
	if (!end || line + 1 >= head.n || end[1] != '{')
		return false;
	return line > 0 && (end[-1] == '}' || (line > 1 && end[-1] == '\r' && end[-2] == '}'));
}

static feed_reader *by_keys(const struct json_element *el, const char *name, struct str head)
{
	static const struct {
		const char *key;
		feed_reader *reader;
	} tops[] = {{"affected", feed_osv_document}, {"schema_version", feed_osv_document},
	        {"modified", feed_osv_document}, {"vulnerabilities", feed_exploited},
	        {"catalogVersion", feed_exploited}, {"distroversion", feed_secdb},
	        {"apkurl", feed_secdb}};
	const char *top = el->keys[0], *below = el->depth > 1 ? el->keys[1] : NULL;
	for (size_t i = 0; top && i < ARRAY_LEN(tops); i++)
		if (!strcmp(top, tops[i].key))
			return tops[i].reader == feed_osv_document && is_lines(name, head)
			               ? feed_osv_lines
			               : tops[i].reader;
	if (top && below && (str_has_prefix(below, "CVE-") || str_has_prefix(below, "TEMP-")))
		return feed_tracker;
	if (el->depth > 1 && !top && below)
		return !strcmp(below, "cycle") ? feed_end_of_life
		       : !strcmp(below, "affected") || !strcmp(below, "modified")
		               ? feed_osv_document
		               : NULL;
	return NULL;
}

static feed_reader *recognise_at(const char *name, struct str head, size_t depth)
{
	struct err e = ERR_INIT;
	struct json_element el;
	struct str rest = head;
	auto_json_stream struct json_stream *s =
	        json_stream_new(&(struct json_stream_source){input_read_str, &rest}, depth, 0);
	feed_reader *found = NULL;
	for (int i = 0; i < KEYS_MAX && !found && json_stream_next(s, &el, &e) > 0; i++)
		found = by_keys(&el, name, head);
	if (!found) { // within a large first value
		json_stream_where(s, &el);
		found = by_keys(&el, name, head);
	}
	return found;
}

static feed_reader *recognise_json(const char *name, struct str head)
{
	feed_reader *found = recognise_at(name, head, 1);
	return found ? found : recognise_at(name, head, 2);
}

feed_reader *feed_recognise(const char *name, struct str head)
{
	static const struct {
		const char *text;
		feed_reader *reader;
	} begins_with[] = {{"#model_version:", feed_epss}, {"cve,epss,percentile", feed_epss},
	        {"cve\tsource\tvector", feed_vectors}, {"cve\trhsa_rating\t", feed_severities},
	        {"release\tsource\tfixed\tcve\tdate\tadvisory", feed_debian_fixes},
	        {"version,codename,series,created,release,eol", feed_distro_info}};
	for (size_t i = 0; i < ARRAY_LEN(begins_with); i++)
		if (begins(head, begins_with[i].text))
			return begins_with[i].reader;
	while (head.n > 0 && strchr(" \t\r\n", *head.p)) {
		head.p++;
		head.n--;
	}
	// "[26 Nov 2025] DSA-6064-1 ..."
	if (head.n > 20 && head.p[0] == '[' && head.p[1] >= '0' && head.p[1] <= '9' &&
	        memmem(head.p, 20, "] D", 3))
		return feed_debian_list;
	return head.n > 0 && (*head.p == '{' || *head.p == '[') ? recognise_json(name, head) : NULL;
}
