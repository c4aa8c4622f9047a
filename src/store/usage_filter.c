// SPDX-License-Identifier: Apache-2.0
#include "store/usage_filter.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include <math.h>
#include <regex.h>
#include <string.h>

#define VALUE_MAX 4096

enum term_key {
	KEY_ID,
	KEY_TYPE,
	KEY_DESCRIPTION,
	KEY_INUSE,
	KEY_SHARED,
	KEY_PRIVATE,
	KEY_MUTABLE,
	KEY_IMMUTABLE,
	KEYS
};
static const char *const keys[KEYS] = {
        "id", "type", "description", "inuse", "shared", "private", "mutable", "immutable"};

struct usage_term {
	enum term_key key;
	bool negated, is_regex;
	char *value;
	regex_t regex;
};

void usage_filter_release(struct usage_filter *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->terms[i].value);
		if (f->terms[i].is_regex)
			regfree(&f->terms[i].regex);
	}
	free(f->terms);
	*f = (struct usage_filter){0};
}

// ---- durations and times

static double unit_seconds(const char **s)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"µs", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60},
	        {"h", 3600}};
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_has_prefix(*s, units[i].name)) {
			*s += strlen(units[i].name);
			return units[i].seconds;
		}
	return 0;
}

// As Go writes it: "24h", "1h30m", "1.5h".
static bool parse_duration(const char *s, double *ret)
{
	double sum = 0;
	while (*s) {
		double v = 0, scale = 1;
		const char *begin = s;
		for (; *s >= '0' && *s <= '9'; s++)
			v = v * 10 + (*s - '0');
		if (*s == '.')
			for (s++; *s >= '0' && *s <= '9'; s++)
				v += (*s - '0') * (scale /= 10);
		double unit = s == begin ? 0 : unit_seconds(&s);
		if (unit == 0)
			return false;
		sum += v * unit;
	}
	*ret = sum;
	return sum < 1e12;
}

static int set_until(
        struct usage_filter *f, const char *key, const char *value, int64_t now, struct err *e)
{
	double seconds = 0;
	struct timestamp t = {0};
	if (f->unused_since)
		return err_set(e, ERR_USAGE, "invalid filter \"%s\": it is given twice", key);
	if (*value && parse_duration(value, &seconds))
		f->unused_since = now - (int64_t)floor(seconds);
	else if (str_to_i64(value, &t.sec) || time_parse(value, &t))
		f->unused_since = t.sec;
	else
		return err_set(e, ERR_USAGE,
		        "invalid filter \"%s=%s\": a duration like 24h or 1h30m, or a time like "
		        "2024-01-02T03:04:05Z is expected",
		        key, value);
	return 0;
}

// ---- the other keys

static int unknown_key(const char *key, struct err *e)
{
	if (!strcmp(key, "parents") || !strcmp(key, "parent"))
		return err_set(e, ERR_USAGE,
		        "filter \"%s\": a layer of this store has no parent of its own, for the "
		        "same "
		        "one may lie above several: filter by id, description or type",
		        key);
	return err_set(e, ERR_USAGE,
	        "unknown filter \"%s\": known are until, unused-for, id, type, description, inuse, "
	        "shared, private, mutable and immutable",
	        key);
}

static int check_type(const struct usage_term *t, struct err *e)
{
	auto_buf struct buf known = {0};
	for (int i = 0; i < USAGE_TYPES; i++) {
		const char *name = usage_type_name((enum usage_type)i);
		if (t->key != KEY_TYPE || t->is_regex || !strcmp(t->value, name))
			return 0;
		buf_printf(&known, "%s%s", i ? ", " : "", name);
	}
	return err_set(e, ERR_USAGE, "invalid filter: there is no type \"%s\": known are %s",
	        t->value, buf_cstr(&known));
}

static int check_flag(const struct usage_term *t, struct err *e)
{
	if (t->key < KEY_INUSE ||
	        (!t->is_regex && (!strcmp(t->value, "true") || !strcmp(t->value, "false"))))
		return 0;
	return err_set(e, ERR_USAGE,
	        "invalid filter \"%s\": only true and false can be compared with", keys[t->key]);
}

static int add_term(struct usage_filter *f, struct usage_term t, struct err *e)
{
	if (t.is_regex && regcomp(&t.regex, t.value, REG_EXTENDED | REG_NOSUB)) {
		err_set(e, ERR_USAGE, "invalid filter: \"%s\" is no regular expression", t.value);
		free(t.value);
		return -1;
	}
	f->terms = xreallocarray(f->terms, f->n + 1, sizeof(*f->terms));
	f->terms[f->n++] = t;
	return check_type(&t, e) < 0 || check_flag(&t, e) < 0 ? -1 : 0;
}

int usage_filter_add(struct usage_filter *f, const char *text, int64_t now, struct err *e)
{
	size_t n = strcspn(text, "=!~");
	const char *op = text + n, *value = strchr(op, '=');
	auto_free char *key = xstrndup(text, n);
	if (strlen(text) > VALUE_MAX || (*op && (!value || value > op + 1)))
		return err_set(e, ERR_USAGE,
		        "invalid filter \"%.100s\": KEY=VALUE, KEY!=VALUE or KEY~=EXPRESSION is "
		        "expected",
		        text);
	value = value ? value + 1 : "true";
	if ((!strcmp(key, "until") || !strcmp(key, "unused-for")) && *op == '=')
		return set_until(f, key, value, now, e);
	for (int i = 0; i < KEYS; i++)
		if (!strcmp(key, keys[i]))
			return add_term(f,
			        (struct usage_term){.key = (enum term_key)i,
			                .negated = *op == '!',
			                .is_regex = *op == '~',
			                .value = xstrdup(value)},
			        e);
	return unknown_key(key, e);
}

// ---- matching

static const char *flag_text(bool v)
{
	return v ? "true" : "false";
}

static const char *text_of(const struct usage_record *r, enum term_key key)
{
	bool is_mutable = r->type == USAGE_CACHE_MOUNT;
	bool is_shared = r->is_image || r->n_images > 0;
	switch (key) {
	case KEY_ID:
		return r->id;
	case KEY_TYPE:
		return usage_type_name(r->type);
	case KEY_DESCRIPTION:
		return r->what;
	case KEY_INUSE:
		return flag_text(r->leased);
	case KEY_SHARED:
		return flag_text(is_shared);
	case KEY_PRIVATE:
		return flag_text(!is_shared);
	case KEY_MUTABLE:
		return flag_text(is_mutable);
	default:
		return flag_text(!is_mutable);
	}
}

// An id may be given without "sha256:", and shortened.
static bool same_id(const char *id, const char *given)
{
	const char *colon = strchr(id, ':');
	return *given && (str_has_prefix(id, given) || (colon && str_has_prefix(colon + 1, given)));
}

static bool term_matches(const struct usage_term *t, const struct usage_record *r)
{
	const char *text = text_of(r, t->key);
	if (t->is_regex)
		return regexec(&t->regex, text, 0, NULL, 0) == 0;
	bool same = t->key == KEY_ID ? same_id(text, t->value) : !strcmp(text, t->value);
	return same != t->negated;
}

bool usage_filter_matches(const struct usage_filter *f, const struct usage_record *r)
{
	if (f->unused_since && r->used >= f->unused_since)
		return false;
	for (size_t i = 0; i < f->n; i++)
		if (!term_matches(&f->terms[i], r))
			return false;
	return true;
}
