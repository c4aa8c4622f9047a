// SPDX-License-Identifier: Apache-2.0
// JSON documents (RFC 8259) up to 8 MiB (jansson behind; no other file includes it) and a writer
// whose bytes are fixed by the calls: digests depend on them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct strv;

#define JSON_MAX (8u << 20)

struct jn;   // a borrowed node of a document
struct jdoc; // owns all nodes

struct jdoc *jdoc_parse(const char *p, size_t n, struct err *e); // NULL + ERR_CORRUPT
void jdoc_free(struct jdoc *d);
void jdoc_free_ptr(struct jdoc **d);
#define auto_jdoc __attribute__((cleanup(jdoc_free_ptr)))
const struct jn *jdoc_root(const struct jdoc *d);

// All accept NULL nodes and nodes of another type, and answer NULL / default then.
const struct jn *jn_get(const struct jn *o, const char *key);
const struct jn *jn_at(const struct jn *a, size_t i);
size_t jn_len(const struct jn *a); // array or object members
// NULL if not a string; strings with NUL bytes are refused at parse.
const char *jn_str(const struct jn *s);
const char *jn_get_str(const struct jn *o, const char *key);
int64_t jn_int(const struct jn *n, int64_t otherwise);
bool jn_bool(const struct jn *n, bool otherwise);
bool jn_is_null(const struct jn *n); // true for JSON null and for NULL
bool jn_is_object(const struct jn *n);
bool jn_is_array(const struct jn *n);
bool jn_is_string(const struct jn *n);
// Members in document order: for (size_t i = 0; jn_member(o, i, &key, &value); i++)
bool jn_member(const struct jn *o, size_t i, const char **key, const struct jn **value);
void jn_str_list(const struct jn *a, struct strv *ret);     // appends every string member
void jn_dump(const struct jn *n, struct buf *out);          // compact, keeps member order
void jn_dump_indented(const struct jn *n, struct buf *out); // by two blanks

// Writer. Commas, quoting and (if indent > 0) line breaks are its business.
struct jw {
	struct buf *out;
	int indent, depth;
	bool first, after_key;
};
void jw_begin(struct jw *w, struct buf *out, int indent);
void jw_object(struct jw *w);
void jw_object_end(struct jw *w);
void jw_array(struct jw *w);
void jw_array_end(struct jw *w);
void jw_key(struct jw *w, const char *key);
void jw_str(struct jw *w, const char *s); // NULL writes null; invalid UTF-8 becomes U+FFFD
void jw_int(struct jw *w, int64_t v);
void jw_bool(struct jw *w, bool v);
void jw_null(struct jw *w);
void jw_raw(struct jw *w, const struct jn *n);          // a parsed node, compact
void jw_text(struct jw *w, const char *json, size_t n); // a value that is JSON already, as it is
void jw_kv(struct jw *w, const char *key, const char *s);
void jw_kv_int(struct jw *w, const char *key, int64_t v);
void jw_kv_bool(struct jw *w, const char *key, bool v);
// As Go's encoding/json: <, >, & and U+2028/9 are escaped when html is set. Default on, because
// image configs are compared with BuildKit's byte by byte.
void jw_quote(struct buf *out, const char *s, bool html);
