// SPDX-License-Identifier: Apache-2.0
// Growing byte buffer, always NUL-terminated, and read-only string views.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct map;

// A view never owns. Not NUL-terminated.
struct str {
	const char *p;
	size_t n;
};
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
struct str str_of(const char *s);
bool str_eq(struct str a, const char *b);
bool str_has_prefix(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);
bool str_ieq(const char *a, const char *b); // ASCII case-insensitive
// Bytes of the valid UTF-8 sequence at text, of which n bytes are there; 0 if there is none.
size_t str_utf8_len(const char *text, size_t n);
// Bytes of the character at text, of which n > 0 are there; a byte that is of none counts as one. A
// terminal obeys control characters: those of C0, and of C1 (U+0080 to U+009F) also as a byte.
size_t str_character(const char *text, size_t n, bool *ret_control);
// Strict decimal: whole string, no sign, no blanks, fits. Returns false otherwise.
bool str_to_u64(const char *s, uint64_t *ret);
bool str_to_i64(const char *s, int64_t *ret); // optional leading '-'
bool str_to_octal(const char *s, uint32_t *ret);
// The candidate nearest to `word` by edit distance (Damerau-Levenshtein, case-insensitive), or NULL
// if none is near enough to be a likely misspelling.
const char *str_nearest(const char *word, const char *const *candidates, size_t n);

// Zero is empty. Grows without a limit of its own: whoever fills it from outside has one.
struct buf {
	char *p; // NULL until the first byte; otherwise p[n] == '\0'
	size_t n, cap;
};
#define auto_buf __attribute__((cleanup(buf_release)))
void buf_release(struct buf *b);
void buf_reset(struct buf *b); // n = 0, keeps the memory
void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_escape(struct buf *b, const char *s, size_t n); // control characters as \xNN
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
char *buf_steal(struct buf *b);      // never NULL; the caller owns it
const char *buf_cstr(struct buf *b); // never NULL; valid until the next change

// A list of owned strings.
struct strv {
	char **v; // NULL-terminated once non-empty
	size_t n, cap;
	struct map *keys; // strv_env_set's, of a long list: where the first n_keys stand
	size_t n_keys;
};
#define auto_strv __attribute__((cleanup(strv_release)))
void strv_release(struct strv *s);
void strv_add(struct strv *s, const char *v); // copies
void strv_take(struct strv *s, char *v);      // takes ownership
void strv_addf(struct strv *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool strv_has(const struct strv *s, const char *v);
void strv_copy(struct strv *dst, const struct strv *src);   // dst is released first
void strv_split(struct strv *dst, const char *s, char sep); // appends the parts, empty ones too
// One record of CSV (RFC 4180), appended field by field. False: a quote where none may be.
bool strv_split_csv(struct strv *dst, const char *s);
// "K=V" lists (environments): replaces in place or appends.
void strv_env_set(struct strv *env, const char *key, const char *value);
const char *strv_env_get(const struct strv *env, const char *key); // NULL if absent
