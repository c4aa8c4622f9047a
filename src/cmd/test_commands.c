// SPDX-License-Identifier: Apache-2.0
// Command tests: each has a root filesystem of its own, and as many run at once as were asked for.
#include "cmd/test_commands.h"

#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/pool.h"
#include "image/config.h"
#include "run/trial.h"
#include <fcntl.h>
#include <string.h>

#define ENV_FILE_MAX (1u << 20)
#define SHOWN_MAX 300

// ---- containerRunOptions

// "NAME=VALUE"; of "NAME" alone the value is this process's, and without one it is left out.
static void take_variable(const char *line, struct strv *env)
{
	const char *eq = strchr(line, '=');
	auto_free char *key = eq ? xstrndup(line, (size_t)(eq - line)) : xstrdup(line);
	const char *value = eq ? eq + 1 : getenv(key);
	if (value && *key)
		strv_env_set(env, key, value);
}

// As docker's --env-file.
static int take_env_file(const char *path, struct strv *env, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_strv struct strv lines = {0};
	if (fs_read_file(AT_FDCWD, path, ENV_FILE_MAX, &text, e))
		return err_wrap(e, "envFile");
	strv_split(&lines, buf_cstr(&text), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *line = lines.v[i] + strspn(lines.v[i], " \t");
		line[strcspn(line, "\r")] = '\0';
		if (*line && *line != '#')
			take_variable(line, env);
	}
	return 0;
}

// Those that docker gives, and hew too, may be asked for.
static int check_capability(const struct run_options *o, const char *name, struct err *e)
{
	static const char *const given[] = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL",
	        "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD",
	        "AUDIT_WRITE", "SETFCAP"};
	const char *bare = !strncasecmp(name, "CAP_", 4) ? name + 4 : name;
	for (size_t i = 0; i < ARRAY_LEN(given); i++)
		if (str_ieq(bare, given[i]))
			return 0;
	if (o->privileged)
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
	        "containerRunOptions: the capability %.40s is not given by itself: "
	        "'privileged: true' gives all of them",
	        name);
}

int test_options_environment(
        const struct run_options *o, const struct image_config *c, struct strv *ret, struct err *e)
{
	strv_copy(ret, &c->env);
	for (size_t i = 0; i < o->capabilities.n; i++)
		if (check_capability(o, o->capabilities.v[i], e))
			return -1;
	if (o->tty)
		return err_set(e, ERR_UNSUPPORTED,
		        "containerRunOptions: allocateTty is not done: what a command writes is "
		        "kept apart as output and error, which a terminal does not do");
	if (o->env_file && take_env_file(o->env_file, ret, e))
		return -1;
	for (size_t i = 0; i < o->env.n; i++)
		take_variable(o->env.v[i], ret);
	return 0;
}

static int network_of_options(const struct test_commands *t, enum step_network *ret, struct err *e)
{
	const char *word = t->tests->options.network;
	*ret = t->ask->network;
	if (!word || !*word || !strcmp(word, "default"))
		return 0;
	*ret = !strcmp(word, "none") ? STEP_NET_NONE : STEP_NET_HOST;
	if (!strcmp(word, "none") || !strcmp(word, "host"))
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
	        "containerRunOptions: there is no network '%.40s': host, none or default", word);
}

static struct trial_ground *open_ground(const struct test_commands *t, struct err *e)
{
	const struct run_options *o = &t->tests->options;
	auto_strv struct strv volumes = {0};
	struct trial_options how = {
	        .user = o->user, .volumes = &volumes, .privileged = o->privileged};
	for (size_t i = 0; i < o->bind_mounts.n; i++)
		strv_add(&volumes, o->bind_mounts.v[i]);
	if (network_of_options(t, &how.network, e))
		return NULL;
	return trial_ground_open(t->engine, t->config, t->root, &how, e);
}

// ---- one test

struct running {
	const struct test_commands *t;
	struct trial_ground *ground;
};

struct one {
	const struct test_commands *t;
	struct trial *trial;
	struct strv env;
	int64_t until;
	struct test_result *r;
};

static void expand(const struct one *o, const char *word, struct strv *ret)
{
	struct buf text = {0};
	structure_expand(word, &o->env, &text);
	strv_take(ret, buf_steal(&text));
}

static void expand_all(const struct one *o, const struct texts *words, struct strv *ret)
{
	for (size_t i = 0; i < words->n; i++)
		expand(o, words->v[i], ret);
}

// 1: it ran to an end, 0: not, and the result says why, -1: nothing runs here.
static int try_command(
        struct one *o, const struct strv *argv, struct trial_output *out, struct err *e)
{
	const struct trial_command c = {
	        .argv = (const char *const *)argv->v, .env = &o->env, .until = o->until};
	const char *name = argv->n ? argv->v[0] : "";
	if (trial_run(o->trial, &c, out, e)) {
		if (e->kind != ERR_STEP)
			return -1;
		test_result_fail(o->r, "%s cannot be run: %s", name, e->msg);
		*e = ERR_INIT;
		return 0;
	}
	if (out->timed_out)
		test_result_fail(o->r, "%s was killed after %.10gs (--timeout)", name,
		        (double)o->t->ask->timeout_ns / 1e9);
	if (out->cut)
		test_result_fail(o->r, "%s wrote more than %u bytes: only these were looked at",
		        name, TRIAL_OUTPUT_MAX);
	return !out->timed_out;
}

// The commands of setup or teardown. container-structure-test goes on whatever becomes of them;
// then a test says nothing of what it is about.
static int run_others(struct one *o, const struct commands *all, const char *what, struct err *e)
{
	for (size_t i = 0; i < all->n; i++) {
		auto_strv struct strv argv = {0};
		struct trial_output out = {0};
		expand_all(o, &all->v[i], &argv);
		int ran = try_command(o, &argv, &out, e);
		const struct buf *said = out.err.n ? &out.err : &out.out;
		if (ran > 0 && out.status)
			test_result_fail(o->r, "%s command %zu (%s) exited with %d: %.*s", what,
			        i + 1, all->v[i].v[0], out.status,
			        said->n < SHOWN_MAX ? (int)said->n : SHOWN_MAX,
			        said->n ? said->p : "");
		bool failed = ran > 0 && out.status;
		trial_output_release(&out);
		if (ran <= 0 || failed)
			return ran < 0 ? -1 : 0;
	}
	return 1;
}

static int run_command(struct one *o, const struct command_test *test, struct err *e)
{
	auto_strv struct strv argv = {0};
	struct trial_output out = {0};
	expand(o, test->command, &argv);
	expand_all(o, &test->args, &argv);
	int ran = try_command(o, &argv, &out, e);
	o->r->out = out.out;
	o->r->err = out.err;
	if (ran > 0)
		command_judge(test, out.status, o->r);
	return ran;
}

static int run_one(
        struct running *all, struct one *o, const struct command_test *test, struct err *e)
{
	int64_t began = clock_ns();
	if (o->t->ask->timeout_ns)
		o->until = began + o->t->ask->timeout_ns;
	if (command_environment(all->t->tests, test, all->t->env, &o->env, e) ||
	        !(o->trial = trial_open(all->ground, e)))
		return -1;
	int ran = run_others(o, &test->setup, "setup", e);
	if (ran > 0)
		ran = run_command(o, test, e);
	if (ran > 0)
		ran = run_others(o, &test->teardown, "teardown", e);
	o->r->ns = clock_ns() - began;
	return ran < 0 ? -1 : 0;
}

static int run_test(void *arg, size_t i, struct err *e)
{
	struct running *all = arg;
	const struct command_test *test = &all->t->tests->commands[i];
	struct one o = {.t = all->t, .r = &all->t->results[i]};
	o.r->name = xasprintf("Command Test: %s", test->name);
	int rc = run_one(all, &o, test, e);
	trial_close(o.trial);
	strv_release(&o.env);
	return rc;
}

static int test_done(void *arg, size_t i, struct err *e)
{
	const struct running *all = arg;
	all->t->done(all->t->arg, &all->t->results[i]);
	return 0;
}

int test_commands_run(const struct test_commands *t, struct err *e)
{
	if (!t->tests->n_commands)
		return 0;
	struct running all = {.t = t, .ground = open_ground(t, e)};
	if (!all.ground)
		return -1;
	struct pool *p = pool_new((size_t)t->ask->jobs);
	const struct pool_ordered work = {.n = t->tests->n_commands,
	        .window = pool_size(p) * 4,
	        .arg = &all,
	        .fn = run_test,
	        .done = test_done};
	int rc = pool_run_ordered(p, &work, e);
	pool_free(p);
	trial_ground_free(all.ground);
	return rc;
}
