// SPDX-License-Identifier: Apache-2.0
// Two configurations side by side, field by field; of lists of pairs and of names, member by
// member.
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/diff.h"
#include <stdio.h>
#include <string.h>

void config_diffs_release(struct config_diffs *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].key);
		free(d->v[i].before);
		free(d->v[i].after);
	}
	free(d->v);
	*d = (struct config_diffs){0};
}

static void add(struct config_diffs *d, const char *field, const char *key, const char *before,
        const char *after)
{
	if ((!before && !after) || (before && after && !strcmp(before, after)))
		return;
	d->v = xreallocarray(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n++] = (struct config_diff){
	        field, xstrdup_null(key), xstrdup_null(before), xstrdup_null(after)};
}

// ["a","b"], as in JSON; NULL: it is not set. Caller frees.
static char *list_text(const struct strv *v, bool has)
{
	struct buf out = {0};
	struct jw w;
	if (!has)
		return NULL;
	jw_begin(&w, &out, 0);
	jw_array(&w);
	for (size_t i = 0; i < v->n; i++)
		jw_str(&w, v->v[i]);
	jw_array_end(&w);
	return buf_steal(&out);
}

static void add_list(struct config_diffs *d, const char *field, const struct strv *a, bool has_a,
        const struct strv *b, bool has_b)
{
	auto_free char *before = list_text(a, has_a), *after = list_text(b, has_b);
	add(d, field, NULL, before, after);
}

// Members of "key=value".
static void add_pairs(
        struct config_diffs *d, const char *field, const struct strv *a, const struct strv *b)
{
	const struct strv *both[] = {a, b};
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < both[k]->n; i++) {
			const char *eq = strchr(both[k]->v[i], '=');
			auto_free char *key =
			        eq ? xstrndup(both[k]->v[i], (size_t)(eq - both[k]->v[i]))
			           : xstrdup(both[k]->v[i]);
			const char *before = strv_env_get(a, key), *after = strv_env_get(b, key);
			if (k == 0 || !before)
				add(d, field, key, before, after);
		}
}

// Members that are there or not.
static void add_names(
        struct config_diffs *d, const char *field, const struct strv *a, const struct strv *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strv_has(b, a->v[i]))
			add(d, field, NULL, a->v[i], NULL);
	for (size_t i = 0; i < b->n; i++)
		if (!strv_has(a, b->v[i]))
			add(d, field, NULL, NULL, b->v[i]);
}

static char *health_text(const struct image_config *c)
{
	const struct healthcheck *h = &c->health;
	if (!c->has_health)
		return NULL;
	auto_free char *test = list_text(&h->test, h->test.n > 0);
	return xasprintf(
	        "%s interval=%gs timeout=%gs start-period=%gs start-interval=%gs retries=%d",
	        test ? test : "[]", (double)h->interval_ns / 1e9, (double)h->timeout_ns / 1e9,
	        (double)h->start_period_ns / 1e9, (double)h->start_interval_ns / 1e9, h->retries);
}

void config_diffs_make(
        const struct image_config *a, const struct image_config *b, struct config_diffs *ret)
{
	char before[80], after[80];
	auto_free char *health_a = health_text(a), *health_b = health_text(b);
	*ret = (struct config_diffs){0};
	platform_text(&a->platform, before);
	platform_text(&b->platform, after);
	add(ret, "platform", NULL, before, after);
	add(ret, "user", NULL, a->user, b->user);
	add(ret, "workdir", NULL, a->working_dir, b->working_dir);
	add_list(ret, "entrypoint", &a->entrypoint, a->entrypoint.n, &b->entrypoint,
	        b->entrypoint.n);
	add_list(ret, "cmd", &a->cmd, a->cmd.n, &b->cmd, b->cmd.n);
	add_list(ret, "shell", &a->shell, a->shell.n, &b->shell, b->shell.n);
	add_pairs(ret, "env", &a->env, &b->env);
	add_pairs(ret, "label", &a->labels, &b->labels);
	add_names(ret, "port", &a->exposed_ports, &b->exposed_ports);
	add_names(ret, "volume", &a->volumes, &b->volumes);
	add_list(ret, "onbuild", &a->on_build, a->on_build.n, &b->on_build, b->on_build.n);
	add(ret, "healthcheck", NULL, health_a, health_b);
	add(ret, "stop-signal", NULL, a->stop_signal, b->stop_signal);
	add(ret, "author", NULL, a->author, b->author);
}
