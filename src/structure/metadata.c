// SPDX-License-Identifier: Apache-2.0
// The test of an image's configuration.
#include "structure/structure.h"

#include "base/err.h"
#include "image/config.h"
#include "structure/pattern.h"
#include <string.h>

bool metadata_is_empty(const struct metadata_test *t)
{
	return !t->env.n && !t->unbound_env.n && !t->labels.n && !t->ports.n && !t->no_ports.n &&
	       !t->volumes.n && !t->no_volumes.n && !t->entrypoint.given && !t->cmd.given &&
	       !t->workdir && !t->user;
}

// what: "env var", "label".
static void judge_value(
        const struct test_pair *v, const char *what, const char *value, struct test_result *r)
{
	struct err e = ERR_INIT;
	if (!value) {
		test_result_fail(r, "%s %s not found in image metadata", what, v->key);
		return;
	}
	int same = v->pattern ? pattern_find(v->pattern, value, strlen(value), &e)
	                      : !strcmp(v->value, value);
	if (same < 0)
		test_result_fail(r, "%s %s: %s", what, v->key, e.msg);
	if (!same)
		test_result_fail(r, "%s %s value %s does not match expected value: %s", what,
		        v->key, value, v->value);
}

static void judge_values(const struct test_pairs *want, const char *what, const struct strv *have,
        struct test_result *r)
{
	for (size_t i = 0; i < want->n; i++)
		judge_value(&want->v[i], what, strv_env_get(have, want->v[i].key), r);
}

// ["a", "b c"]
static char *words(const char *const *v, size_t n)
{
	struct buf text = {0};
	buf_putc(&text, '[');
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s\"%s\"", i ? ", " : "", v[i]);
	buf_putc(&text, ']');
	return buf_steal(&text);
}

static void judge_words(
        const struct texts *want, const char *what, const struct strv *have, struct test_result *r)
{
	bool same = want->n == have->n;
	for (size_t i = 0; same && i < want->n; i++)
		same = !strcmp(want->v[i], have->v[i]);
	if (!want->given || same)
		return;
	auto_free char *wanted = words((const char *const *)want->v, want->n);
	auto_free char *there = words((const char *const *)have->v, have->n);
	test_result_fail(
	        r, "Image %s %s does not match expected %s: %s", what, there, what, wanted);
}

static void judge_text(const char *want, const char *what, const char *have, struct test_result *r)
{
	if (want && strcmp(want, have) != 0)
		test_result_fail(
		        r, "Image %s %s does not match config %s: %s", what, have, what, want);
}

// "80" is any protocol's; of one that is named, tcp may be left out in the image.
static bool has_port(const struct strv *have, const char *port)
{
	size_t n = strlen(port);
	auto_free char *tcp = xasprintf("%s/tcp", port);
	for (size_t i = 0; i < have->n; i++) {
		const char *p = have->v[i];
		auto_free char *full = xasprintf("%s/tcp", p);
		if (!strcmp(p, port) || !strcmp(full, port) || !strcmp(p, tcp) ||
		        (!strchr(port, '/') && !strncmp(p, port, n) && p[n] == '/'))
			return true;
	}
	return false;
}

static void judge_ports(
        const struct metadata_test *t, const struct image_config *c, struct test_result *r)
{
	for (size_t i = 0; i < t->ports.n; i++)
		if (!has_port(&c->exposed_ports, t->ports.v[i]))
			test_result_fail(r, "Port %s not found in config", t->ports.v[i]);
	for (size_t i = 0; i < t->no_ports.n; i++)
		if (has_port(&c->exposed_ports, t->no_ports.v[i]))
			test_result_fail(r, "Port %s should not be exposed", t->no_ports.v[i]);
}

static void judge_volumes(
        const struct metadata_test *t, const struct image_config *c, struct test_result *r)
{
	for (size_t i = 0; i < t->volumes.n; i++)
		if (!strv_has(&c->volumes, t->volumes.v[i]))
			test_result_fail(r, "Volume %s not found in config", t->volumes.v[i]);
	for (size_t i = 0; i < t->no_volumes.n; i++)
		if (strv_has(&c->volumes, t->no_volumes.v[i]))
			test_result_fail(r, "Volume %s should not be mounted", t->no_volumes.v[i]);
}

void metadata_judge(
        const struct metadata_test *t, const struct image_config *c, struct test_result *r)
{
	r->name = xstrdup("Metadata Test");
	judge_values(&t->env, "env var", &c->env, r);
	for (size_t i = 0; i < t->unbound_env.n; i++)
		if (strv_env_get(&c->env, t->unbound_env.v[i].key))
			test_result_fail(r,
			        "env variable %s should not be present in image metadata",
			        t->unbound_env.v[i].key);
	judge_values(&t->labels, "label", &c->labels, r);
	judge_words(&t->cmd, "Cmd", &c->cmd, r);
	judge_words(&t->entrypoint, "Entrypoint", &c->entrypoint, r);
	judge_text(
	        t->workdir, "workdir", c->working_dir && *c->working_dir ? c->working_dir : "/", r);
	judge_text(t->user, "user", c->user ? c->user : "", r);
	judge_ports(t, c, r);
	judge_volumes(t, c, r);
}
