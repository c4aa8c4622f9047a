// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_values.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "exec/build.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

// NAME=VALUE; of two with a name the later one counts.
static void take_pair(struct strv *to, const char *kv)
{
	const char *eq = strchr(kv, '=');
	auto_free char *key = xstrndup(kv, eq ? (size_t)(eq - kv) : strlen(kv));
	if (eq)
		strv_env_set(to, key, eq + 1);
	else
		strv_add(to, kv); // refused where it is looked at
}

void build_take_args(const struct strv *specs, struct build_request *r)
{
	for (size_t i = 0; i < specs->n; i++) {
		const char *kv = specs->v[i];
		if (strchr(kv, '='))
			take_pair(&r->build_args, kv);
		else if (getenv(kv))
			strv_env_set(&r->build_args, kv, getenv(kv));
	}
}

void build_take_contexts(const struct strv *specs, struct build_request *r)
{
	for (size_t i = 0; i < specs->n; i++)
		take_pair(&r->build_contexts, specs->v[i]);
}

static int read_secret(
        const char *id, const char *src, const char *env, struct build_secret *ret, struct err *e)
{
	auto_buf struct buf data = {0};
	if (env) {
		const char *value = getenv(env);
		if (!value) // no error for buildx: pipelines build without, where they have none
			fprintf(stderr, "hew: --secret: %s is empty, as %s is not set\n", id, env);
		buf_puts(&data, value ? value : "");
	} else if (fs_read_file(AT_FDCWD, src, 500 << 10, &data, e)) {
		return err_wrap(e, "secret %s", id);
	}
	ret->id = xstrdup(id);
	ret->len = data.n;
	ret->data = buf_steal(&data);
	return 0;
}

static int take_secret(const char *spec, struct build_request *r, struct err *e)
{
	auto_strv struct strv parts = {0};
	const char *id = NULL, *src = NULL, *env = NULL, *type = NULL;
	if (!strv_split_csv(&parts, spec))
		return err_set(e, ERR_USAGE, "invalid secret \"%s\": misplaced quote", spec);
	for (size_t i = 0; i < parts.n; i++) {
		char *eq = strchr(parts.v[i], '=');
		if (!eq)
			return err_set(e, ERR_USAGE,
			        "invalid secret \"%s\": id=ID[,src=FILE|env=VAR] is expected",
			        spec);
		*eq = '\0';
		const char *key = parts.v[i], *value = eq + 1;
		if (!strcmp(key, "id"))
			id = value;
		else if (!strcmp(key, "src") || !strcmp(key, "source"))
			src = value;
		else if (!strcmp(key, "env"))
			env = value;
		else if (!strcmp(key, "type"))
			type = value;
		else
			return err_set(
			        e, ERR_USAGE, "invalid secret \"%s\": unknown key %s", spec, key);
	}
	if (!id || !*id)
		return err_set(e, ERR_USAGE, "invalid secret \"%s\": id is missing", spec);
	if (type && strcmp(type, "file") != 0 && strcmp(type, "env") != 0)
		return err_set(e, ERR_USAGE, "invalid secret \"%s\": type is file or env", spec);
	if (!env && ((type && !strcmp(type, "env")) || (!src && getenv(id))))
		env = src ? src : id;
	r->secrets = xreallocarray(r->secrets, r->n_secrets + 1, sizeof(*r->secrets));
	if (read_secret(id, src ? src : id, env, &r->secrets[r->n_secrets], e))
		return -1;
	r->n_secrets++;
	return 0;
}

int build_take_secrets(const struct strv *specs, struct build_request *r, struct err *e)
{
	for (size_t i = 0; i < specs->n; i++)
		if (take_secret(specs->v[i], r, e))
			return -1;
	return 0;
}
