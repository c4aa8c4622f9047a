// SPDX-License-Identifier: Apache-2.0
// RUN --mount and --device: comma-separated fields with CSV quoting. A mount is read twice: when
// the file is parsed, where a value that holds a variable and is not text is left alone, and once
// more with the variables known. What is wrong without doubt is an error the first time already.
#include "base/err.h"
#include "dockerfile/expand.h"
#include "dockerfile/parse-int.h"

static const char *const mount_types[] = {"bind", "cache", "tmpfs", "secret", "ssh"};
static const char *const sharing_modes[] = {"shared", "private", "locked"};
static const char *const mount_keys[] = {"type", "from", "source", "target", "readonly", "id",
        "sharing", "required", "mode", "uid", "gid", "src", "dst", "destination", "ro", "rw",
        "readwrite", "size", "env"};

// The next field of a CSV record. 1: one, 0: no more, -1: malformed.
static int csv_field(const char **at, struct buf *ret, struct err *e)
{
	const char *p = *at;
	if (!p)
		return 0;
	buf_reset(ret);
	if (*p == '"') {
		for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
			p += *p == '"';
			buf_putc(ret, *p);
		}
		if (*p++ != '"' || (*p && *p != ','))
			return err_set(
			        e, ERR_DOCKERFILE, "extraneous or missing \" in quoted-field");
	} else {
		for (; *p && *p != ','; p++) {
			if (*p == '"')
				return err_set(e, ERR_DOCKERFILE, "bare \" in non-quoted-field");
			buf_putc(ret, *p);
		}
	}
	*at = *p == ',' ? p + 1 : NULL;
	return 1;
}

struct reading {
	struct arena *a;
	const struct expand_env *env; // NULL: first time
	struct mount_spec m;
	bool deferred; // something waits for its variables
	bool sharing_set, env_set;
	struct err *e;
};

static int unexpected(struct reading *r, const char *key)
{
	return err_set(r->e, ERR_DOCKERFILE, "unexpected key '%s' for mount type '%s'", key,
	        mount_types[r->m.type]);
}

static int invalid(struct reading *r, const char *key, const char *value)
{
	return err_set(r->e, ERR_DOCKERFILE, "invalid value for %s: %s", key, value);
}

static int invalid_number(struct reading *r, const char *key, const char *value)
{
	return err_set(r->e, ERR_DOCKERFILE, "invalid value %s for %s", value, key);
}

static bool has_required(const struct reading *r)
{
	return r->m.type == MOUNT_SECRET || r->m.type == MOUNT_SSH;
}

// One of a list of names, in any case; suggests a near one.
static int choose(
        struct reading *r, const char *what, const char *value, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq(value, names[i]))
			return (int)i;
	auto_buf struct buf b = {0}, hint = {0};
	quote_go(&b, str_of(value));
	return err_set(r->e, ERR_DOCKERFILE, "unsupported %s %s%s", what, buf_cstr(&b),
	        suggest(value, names, n, &hint));
}

static int set_choice(struct reading *r, const char *key, const char *value)
{
	if (strcmp(key, "type") == 0) {
		int t = choose(r, "mount type", value, mount_types, ARRAY_LEN(mount_types));
		if (t < 0)
			return -1;
		r->m.type = t;
		return 0;
	}
	int s = choose(r, "sharing value", value, sharing_modes, ARRAY_LEN(sharing_modes));
	if (s < 0)
		return -1;
	r->m.sharing = s;
	r->sharing_set = true;
	return 0;
}

static int set_switch(struct reading *r, const char *key, const char *value)
{
	bool on = true;
	if (value && !value_bool(value, &on))
		return invalid(r, key, value);
	if (strcmp(key, "required") == 0) {
		if (!has_required(r))
			return unexpected(r, key);
		r->m.required = on;
		return 0;
	}
	bool writable = strcmp(key, "rw") == 0 || strcmp(key, "readwrite") == 0;
	r->m.read_only = on != writable;
	r->m.read_only_set = true;
	return 0;
}

static int set_number(struct reading *r, const char *key, const char *value)
{
	if (strcmp(key, "size") == 0) {
		if (r->m.type != MOUNT_TMPFS)
			return unexpected(r, key);
		return value_size(value, &r->m.size) ? 0 : invalid(r, key, value);
	}
	bool mode = strcmp(key, "mode") == 0;
	int64_t *to = mode ? &r->m.mode : strcmp(key, "uid") == 0 ? &r->m.uid : &r->m.gid;
	return value_uint32(value, mode ? 8 : 10, to) ? 0 : invalid_number(r, key, value);
}

enum key_type { KEY_TEXT, KEY_CHOICE, KEY_SWITCH, KEY_NUMBER, KEY_FROM };

static const struct mount_key {
	const char *name;
	enum key_type type;
	size_t offset; // of the text
} keys[] = {
        {"type", KEY_CHOICE, 0},
        {"sharing", KEY_CHOICE, 0},
        {"from", KEY_FROM, offsetof(struct mount_spec, from)},
        {"source", KEY_TEXT, offsetof(struct mount_spec, source)},
        {"src", KEY_TEXT, offsetof(struct mount_spec, source)},
        {"target", KEY_TEXT, offsetof(struct mount_spec, target)},
        {"dst", KEY_TEXT, offsetof(struct mount_spec, target)},
        {"destination", KEY_TEXT, offsetof(struct mount_spec, target)},
        {"id", KEY_TEXT, offsetof(struct mount_spec, id)},
        {"env", KEY_TEXT, offsetof(struct mount_spec, env)},
        {"readonly", KEY_SWITCH, 0},
        {"ro", KEY_SWITCH, 0},
        {"readwrite", KEY_SWITCH, 0},
        {"rw", KEY_SWITCH, 0},
        {"required", KEY_SWITCH, 0},
        {"size", KEY_NUMBER, 0},
        {"mode", KEY_NUMBER, 0},
        {"uid", KEY_NUMBER, 0},
        {"gid", KEY_NUMBER, 0},
};

static int unknown_key(struct reading *r, const char *key, const char *field)
{
	auto_buf struct buf hint = {0};
	return err_set(r->e, ERR_DOCKERFILE, "unexpected key '%s' in '%s'%s", key, field,
	        suggest(key, mount_keys, ARRAY_LEN(mount_keys), &hint));
}

static bool may_change(const char *value)
{
	return strpbrk(value, "$\\`'\"") != NULL;
}

static int check_from(struct reading *r, const char *value)
{
	const char *dollar = strchr(value, '$');
	if (!r->env && dollar && dollar[1])
		return err_set(r->e, ERR_DOCKERFILE,
		        "'from' doesn't support variable expansion, define alias stage instead");
	return 0;
}

static int set_value(
        struct reading *r, const struct mount_key *k, const char *key, const char *value)
{
	if (k->type == KEY_TEXT || k->type == KEY_FROM) {
		if (k->type == KEY_FROM && check_from(r, value) < 0)
			return -1;
		if (strcmp(key, "env") == 0)
			r->env_set = true;
		*(const char **)((char *)&r->m + k->offset) =
		        *value ? arena_strdup(r->a, value) : NULL;
		return 0;
	}
	if (!r->env && value && may_change(value)) {
		r->deferred = true;
		return 0;
	}
	// Without its type the mount cannot tell which keys fit.
	if (r->deferred)
		return 0;
	if (k->type == KEY_SWITCH)
		return set_switch(r, key, value);
	return k->type == KEY_CHOICE ? set_choice(r, key, value) : set_number(r, key, value);
}

static int read_field(struct reading *r, const char *field)
{
	const char *eq = strchr(field, '=');
	size_t n = eq ? (size_t)(eq - field) : strlen(field);
	char *key = arena_strndup(r->a, field, n);
	for (char *p = key; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	size_t i = 0;
	while (i < ARRAY_LEN(keys) && strcmp(keys[i].name, key) != 0)
		i++;
	const struct mount_key *k = i < ARRAY_LEN(keys) ? &keys[i] : NULL;
	if (!eq && (!k || k->type != KEY_SWITCH))
		return err_set(
		        r->e, ERR_DOCKERFILE, "invalid field '%s' must be a key=value pair", field);
	if (!k)
		return unknown_key(r, key, field);
	if (!eq || !r->env || k->type == KEY_FROM)
		return set_value(r, k, key, eq ? eq + 1 : NULL);
	auto_free char *value = NULL;
	if (expand_word(r->env, eq + 1, &value, r->e) < 0)
		return -1;
	return set_value(r, k, key, value);
}

static int check_secret(struct reading *r)
{
	const struct mount_spec *m = &r->m;
	const char *what = NULL;
	if (m->from)
		what = "secret mount should not have a from";
	else if (r->sharing_set)
		what = "secret mount should not define sharing";
	else if (!m->source && !m->target && !m->id)
		what = "invalid secret mount. one of source, target required";
	else if (m->source && m->id)
		what = "both source and id can't be set";
	return what ? err_set(r->e, ERR_DOCKERFILE, "%s", what) : 0;
}

static int check(struct reading *r)
{
	struct mount_spec *m = &r->m;
	const char *type = mount_types[m->type];
	if (m->type == MOUNT_BIND || m->type == MOUNT_TMPFS) {
		const char *bad = m->mode >= 0  ? "mode"
		                  : m->uid >= 0 ? "uid"
		                  : m->gid >= 0 ? "gid"
		                                : NULL;
		if (bad)
			return err_set(r->e, ERR_DOCKERFILE,
			        "%s not allowed for \"%s\" type mounts", bad, type);
	}
	if (!m->read_only_set)
		m->read_only = m->type != MOUNT_CACHE && m->type != MOUNT_TMPFS;
	if (r->env_set && m->type != MOUNT_SECRET)
		return unexpected(r, "env");
	if (m->type == MOUNT_SECRET)
		return check_secret(r);
	if (r->sharing_set && m->type != MOUNT_CACHE)
		return err_set(
		        r->e, ERR_DOCKERFILE, "invalid cache sharing set for %s mount", type);
	return 0;
}

int mount_parse(struct arena *a, const char *text, const struct expand_env *env,
        struct mount_spec *ret, struct err *e)
{
	struct reading r = {.a = a, .env = env, .e = e};
	r.m = (struct mount_spec){.text = text, .size = -1, .mode = -1, .uid = -1, .gid = -1};
	auto_buf struct buf field = {0};
	int got = 0;
	if (!*text)
		return err_set(e, ERR_DOCKERFILE, "failed to parse csv mounts: the value is empty");
	while ((got = csv_field(&text, &field, e)) > 0)
		if (read_field(&r, buf_cstr(&field)) < 0)
			return -1;
	if (got < 0)
		return err_wrap(e, "failed to parse csv mounts");
	if (!r.deferred && check(&r) < 0)
		return -1;
	*ret = r.m;
	return 0;
}

int dockerfile_expand_mount(struct arena *a, const struct mount_spec *m,
        const struct expand_env *env, struct mount_spec *ret, struct err *e)
{
	return mount_parse(a, m->text, env, ret, e);
}

// name[,required[=bool]] or name=NAME,...
int device_check(const char *text, struct err *e)
{
	auto_buf struct buf field = {0};
	bool named = false, on;
	int got;
	while ((got = csv_field(&text, &field, e)) > 0) {
		const char *f = buf_cstr(&field), *eq = strchr(f, '=');
		size_t n = eq ? (size_t)(eq - f) : strlen(f);
		if (n == 8 && strncasecmp(f, "required", 8) == 0) {
			if (eq && !value_bool(eq + 1, &on))
				return err_set(e, ERR_DOCKERFILE, "invalid value for required: %s",
				        eq + 1);
			continue;
		}
		bool is_name = eq && n == 4 && strncasecmp(f, "name", 4) == 0;
		if (named && !eq)
			return err_set(e, ERR_DOCKERFILE,
			        "invalid field '%s' must be a key=value pair", f);
		if (named)
			return err_set(e, ERR_DOCKERFILE,
			        is_name ? "device name already set, not also '%s'"
			                : "unexpected key in '%s'",
			        f);
		named = true;
	}
	return got < 0 ? err_wrap(e, "failed to parse csv devices") : 0;
}
