// SPDX-License-Identifier: Apache-2.0
// Reading image configurations: OCI image-spec config.md and docker's older form of it. The
// document is hostile: every count is checked before anything is allocated for it, and a member of
// the wrong type is an error that names it. Null stands for absent everywhere, as Go reads it.
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "image/config.h"
#include "image/descriptor-int.h"
#include <string.h>

#define YEAR_0 (-62167219200)
#define YEAR_10000 253402300800

static int read_text(const struct jn *o, const char *key, char **ret, struct err *e)
{
	const struct jn *v = jn_get(o, key);
	if (jn_is_null(v))
		return 0;
	const char *s = jn_str(v);
	if (!s)
		return err_set(e, ERR_CORRUPT, "'%s' is not a string", key);
	*ret = xstrdup(s);
	return 0;
}

static int read_bool(const struct jn *o, const char *key, bool *ret, struct err *e)
{
	const struct jn *v = jn_get(o, key);
	bool b = jn_bool(v, false);
	if (!jn_is_null(v) && b != jn_bool(v, true))
		return err_set(e, ERR_CORRUPT, "'%s' is not true or false", key);
	*ret = b;
	return 0;
}

static int read_int(const struct jn *o, const char *key, int64_t max, int64_t *ret, struct err *e)
{
	const struct jn *v = jn_get(o, key);
	if (jn_is_null(v)) {
		*ret = 0;
		return 0;
	}
	int64_t i = jn_int(v, -1);
	if (i < 0 || i > max)
		return err_set(e, ERR_CORRUPT, "'%s' is not a whole number from 0 to %lld", key,
		        (long long)max);
	*ret = i;
	return 0;
}

static int read_time(
        const struct jn *o, const char *key, bool *ret_has, struct timestamp *ret, struct err *e)
{
	const struct jn *v = jn_get(o, key);
	if (jn_is_null(v))
		return 0;
	const char *s = jn_str(v);
	struct timestamp t;
	// Another zone's last day of the year 9999 could not be written as UTC again.
	if (!s || !time_parse(s, &t) || t.sec < YEAR_0 || t.sec >= YEAR_10000)
		return err_set(e, ERR_CORRUPT, "'%s' is not a time in RFC 3339 form", key);
	*ret = t;
	*ret_has = true;
	return 0;
}

static int check_count(const struct jn *v, const char *key, size_t max, struct err *e)
{
	if (jn_len(v) > max)
		return err_set(e, ERR_CORRUPT, "'%s' has %zu entries, at most %zu are allowed", key,
		        jn_len(v), max);
	return 0;
}

// A list of strings. A null entry counts as an empty string, as Go reads it.
static int read_list(
        const struct jn *o, const char *key, bool *ret_has, struct strv *ret, struct err *e)
{
	const struct jn *v = jn_get(o, key);
	if (jn_is_null(v))
		return 0;
	if (!jn_is_array(v))
		return err_set(e, ERR_CORRUPT, "'%s' is not an array", key);
	if (check_count(v, key, CONFIG_LIST_MAX, e) < 0)
		return -1;
	for (size_t i = 0; i < jn_len(v); i++) {
		const struct jn *entry = jn_at(v, i);
		const char *s = jn_is_null(entry) ? "" : jn_str(entry);
		if (!s)
			return err_set(
			        e, ERR_CORRUPT, "entry %zu of '%s' is not a string", i + 1, key);
		strv_add(ret, s);
	}
	if (ret_has)
		*ret_has = true;
	return 0;
}

static int get_map(const struct jn *o, const char *key, const struct jn **ret, struct err *e)
{
	const struct jn *v = jn_get(o, key);
	if (!jn_is_null(v) && !jn_is_object(v))
		return err_set(e, ERR_CORRUPT, "'%s' is not an object", key);
	*ret = v;
	return check_count(v, key, CONFIG_LIST_MAX, e);
}

// The names of an object whose values say nothing ({"80/tcp": {}}).
static int read_names(const struct jn *o, const char *key, struct strv *ret, struct err *e)
{
	const struct jn *map, *value;
	const char *name;
	if (get_map(o, key, &map, e) < 0)
		return -1;
	for (size_t i = 0; jn_member(map, i, &name, &value); i++)
		strv_add(ret, name);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), name_cmp);
	return 0;
}

static int read_labels(const struct jn *o, struct strv *ret, struct err *e)
{
	const struct jn *map, *value;
	const char *name;
	if (get_map(o, "Labels", &map, e) < 0)
		return -1;
	for (size_t i = 0; jn_member(map, i, &name, &value); i++) {
		const char *s = jn_is_null(value) ? "" : jn_str(value);
		if (!s)
			return err_set(e, ERR_CORRUPT, "label '%.80s' is not a string", name);
		if (strchr(name, '='))
			return err_set(
			        e, ERR_UNSUPPORTED, "the name of label '%.80s' contains '='", name);
		strv_addf(ret, "%s=%s", name, s);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), key_value_cmp);
	return 0;
}

static int read_health(const struct jn *o, struct image_config *c, struct err *e)
{
	const struct jn *h;
	int64_t retries;
	if (get_map(o, "Healthcheck", &h, e) < 0)
		return -1;
	if (jn_is_null(h))
		return 0;
	if (read_list(h, "Test", NULL, &c->health.test, e) < 0 ||
	        read_int(h, "Interval", INT64_MAX, &c->health.interval_ns, e) < 0 ||
	        read_int(h, "Timeout", INT64_MAX, &c->health.timeout_ns, e) < 0 ||
	        read_int(h, "StartPeriod", INT64_MAX, &c->health.start_period_ns, e) < 0 ||
	        read_int(h, "StartInterval", INT64_MAX, &c->health.start_interval_ns, e) < 0 ||
	        read_int(h, "Retries", INT32_MAX, &retries, e) < 0)
		return err_wrap(e, "'Healthcheck'");
	c->health.retries = (int)retries;
	c->has_health = true;
	return 0;
}

static int read_runtime(const struct jn *root, struct image_config *c, struct err *e)
{
	const struct jn *o;
	if (get_map(root, "config", &o, e) < 0)
		return -1;
	if (read_text(o, "User", &c->user, e) < 0 ||
	        read_text(o, "WorkingDir", &c->working_dir, e) < 0 ||
	        read_text(o, "StopSignal", &c->stop_signal, e) < 0 ||
	        read_list(o, "Env", NULL, &c->env, e) < 0 ||
	        read_list(o, "Cmd", &c->has_cmd, &c->cmd, e) < 0 ||
	        read_list(o, "Entrypoint", &c->has_entrypoint, &c->entrypoint, e) < 0 ||
	        read_list(o, "Shell", &c->has_shell, &c->shell, e) < 0 ||
	        read_list(o, "OnBuild", NULL, &c->on_build, e) < 0 ||
	        read_names(o, "ExposedPorts", &c->exposed_ports, e) < 0 ||
	        read_names(o, "Volumes", &c->volumes, e) < 0 || read_labels(o, &c->labels, e) < 0 ||
	        read_bool(o, "ArgsEscaped", &c->args_escaped, e) < 0 || read_health(o, c, e) < 0)
		return -1;
	return 0;
}

static int read_rootfs(const struct jn *root, struct image_config *c, struct err *e)
{
	const struct jn *rootfs;
	if (get_map(root, "rootfs", &rootfs, e) < 0)
		return -1;
	const char *type = jn_get_str(rootfs, "type");
	if (type && strcmp(type, "layers") != 0)
		return err_set(e, ERR_UNSUPPORTED,
		        "rootfs is of type '%.40s', only 'layers' is known", type);
	const struct jn *ids = jn_get(rootfs, "diff_ids");
	if (!jn_is_null(ids) && !jn_is_array(ids))
		return err_set(e, ERR_CORRUPT, "'diff_ids' is not an array");
	if (check_count(ids, "diff_ids", MANIFEST_LAYERS_MAX, e) < 0)
		return -1;
	for (size_t i = 0; i < jn_len(ids); i++) {
		struct digest d;
		if (digest_parse(jn_str(jn_at(ids, i)), &d, e) < 0)
			return err_wrap(e, "diff id of layer %zu", i + 1);
		image_config_add_diff_id(c, &d);
	}
	return 0;
}

static int read_history(const struct jn *root, struct image_config *c, struct err *e)
{
	const struct jn *list = jn_get(root, "history");
	if (!jn_is_null(list) && !jn_is_array(list))
		return err_set(e, ERR_CORRUPT, "'history' is not an array");
	if (check_count(list, "history", CONFIG_LIST_MAX, e) < 0)
		return -1;
	for (size_t i = 0; i < jn_len(list); i++) {
		const struct jn *o = jn_at(list, i);
		struct history *h = image_config_add_history(c);
		if (!jn_is_null(o) && !jn_is_object(o))
			return err_set(e, ERR_CORRUPT, "history entry %zu is not an object", i + 1);
		if (read_time(o, "created", &h->has_created, &h->created, e) < 0 ||
		        read_text(o, "created_by", &h->created_by, e) < 0 ||
		        read_text(o, "author", &h->author, e) < 0 ||
		        read_text(o, "comment", &h->comment, e) < 0 ||
		        read_bool(o, "empty_layer", &h->empty_layer, e) < 0)
			return err_wrap(e, "history entry %zu", i + 1);
	}
	return 0;
}

static int read_config(const struct jn *root, struct image_config *c, struct err *e)
{
	if (!jn_is_object(root))
		return err_set(e, ERR_CORRUPT, "the document is not a JSON object");
	if (platform_read(root, &c->platform, e) < 0 ||
	        read_text(root, "author", &c->author, e) < 0 ||
	        read_time(root, "created", &c->has_created, &c->created, e) < 0 ||
	        read_runtime(root, c, e) < 0 || read_rootfs(root, c, e) < 0 ||
	        read_history(root, c, e) < 0)
		return -1;
	c->inline_cache = xstrdup_null(jn_get_str(root, "moby.buildkit.cache.v0"));
	return 0;
}

int image_config_parse(const char *p, size_t n, struct image_config *ret, struct err *e)
{
	if (n > CONFIG_MAX)
		return err_set(
		        e, ERR_CORRUPT, "the image config is larger than %u bytes", CONFIG_MAX);
	auto_jdoc struct jdoc *doc = jdoc_parse(p, n, e);
	if (!doc)
		return err_wrap(e, "read image config");
	auto_config struct image_config c = {0};
	if (read_config(jdoc_root(doc), &c, e) < 0)
		return err_wrap(e, "read image config");
	*ret = c;
	c = (struct image_config){0};
	return 0;
}
