// SPDX-License-Identifier: Apache-2.0
// JSON documents up to 8 MiB (jansson behind; no other file includes it) and a writer whose bytes
// are fixed by the calls: digests depend on them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct strv;

#define JSON_MAX (8u << 20)

struct json; // a borrowed node of a document
struct json_doc; // owns all nodes

struct json_doc *json_parse(const char *p, size_t n, struct err *e); // NULL + ERR_CORRUPT
void json_free(struct json_doc *d);
void json_free_ptr(struct json_doc **d);
#define auto_json __attribute__((cleanup(json_free_ptr)))
const struct json *json_root(const struct json_doc *d);

// All accept NULL nodes and nodes of another type, and answer NULL / default then.
const struct json *json_get(const struct json *o, const char *key);
const struct json *json_at(const struct json *a, size_t i);
size_t json_len(const struct json *a); // array or object members
const char *json_str(const struct json *s); // NULL if not a string; strings with NUL bytes are refused at parse
const char *json_get_str(const struct json *o, const char *key);
int64_t json_int(const struct json *n, int64_t otherwise);
bool json_bool(const struct json *n, bool otherwise);
bool json_is_null(const struct json *n); // true for JSON null and for NULL
bool json_is_object(const struct json *n);
bool json_is_array(const struct json *n);
bool json_is_string(const struct json *n);
// Members in document order: for (size_t i = 0; json_member(o, i, &key, &value); i++)
bool json_member(const struct json *o, size_t i, const char **key, const struct json **value);
void json_str_list(const struct json *a, struct strv *ret); // appends every string member
void json_dump(const struct json *n, struct buf *out); // compact, keeps member order

// Writer. Commas, quoting and (if indent > 0) line breaks are its business.
struct json_writer {
	struct buf *out;
	int indent, depth;
	bool first, after_key;
};
void json_begin(struct json_writer *w, struct buf *out, int indent);
void json_object(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_put_str(struct json_writer *w, const char *s); // NULL writes null; invalid UTF-8 becomes U+FFFD
void json_put_int(struct json_writer *w, int64_t v);
void json_put_bool(struct json_writer *w, bool v);
void json_put_null(struct json_writer *w);
void json_put_raw(struct json_writer *w, const struct json *n); // a parsed node, compact
void json_kv(struct json_writer *w, const char *key, const char *s);
void json_kv_int(struct json_writer *w, const char *key, int64_t v);
void json_kv_bool(struct json_writer *w, const char *key, bool v);
// As Go's encoding/json: <, >, & and U+2028/9 are escaped when html is set. Default on, because
// image configs are compared with BuildKit's byte by byte.
void json_quote(struct buf *out, const char *s, bool html);
