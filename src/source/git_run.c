// SPDX-License-Identifier: Apache-2.0
// git, run so that only we say what it does: no configuration but ours (a memory file, so that no
// credential is on a disk or a command line), no hooks, no questions, no transports but four.
#include "source/git-int.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/process.h"
#include "store/store.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OUTPUT_MAX (1u << 20)
#define CONFIG_MAX_BYTES (1u << 20)

// ---- configuration

// A value as git's configuration files quote it.
static void put_value(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "\t%s = \"", key);
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *p);
	}
	buf_puts(out, "\"\n");
}

static void put_section(struct buf *out, const char *name, const char *sub)
{
	buf_printf(out, "[%s \"", name);
	for (const char *p = sub; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *p);
	}
	buf_puts(out, "\"]\n");
}

// Where a credential may go: to this repository; at GitHub, where a token is an account's, to its
// submodules there, too.
static const char *scope_of(const struct git_ref *ref)
{
	static const char *const github[] = {"https://github.com/", "https://www.github.com/"};
	for (size_t i = 0; i < ARRAY_LEN(github); i++)
		if (str_has_prefix(ref->shown, github[i]))
			return github[i];
	return ref->shown;
}

static int write_config(struct repository *r, struct err *e)
{
	auto_buf struct buf text = {0};
	buf_puts(&text, "[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n"
	                "\tlogAllRefUpdates = false\n"
	                "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
	                "[init]\n\tdefaultBranch = master\n[advice]\n\tdetachedHead = false\n"
	                "[submodule]\n\trecurse = false\n[transfer]\n\tbundleURI = false\n"
	                "[http]\n\tlowSpeedLimit = 1\n\tlowSpeedTime = 60\n");
	if (r->q->authorization) {
		auto_free char *header = xasprintf("Authorization: %s", r->q->authorization);
		put_section(&text, "http", scope_of(r->q->ref));
		put_value(&text, "extraheader", header);
	}
	r->config = memfd_create("hew-git", MFD_CLOEXEC);
	if (r->config < 0)
		return err_sys(e, "make a memory file");
	return fs_write_all(r->config, text.p, text.n, e);
}

// ---- environment

static void pass(struct strv *env, const char *name, const char *as)
{
	const char *value = getenv(name);
	if (value && *value)
		strv_addf(env, "%s=%s", as, value);
}

static void make_env(struct repository *r)
{
	static const char *const passed[] = {"PATH", "HOME", "USER", "http_proxy", "https_proxy",
	        "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
	        "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"};
	struct strv *env = &r->env;
	for (size_t i = 0; i < ARRAY_LEN(passed); i++)
		pass(env, passed[i], passed[i]);
	if (!getenv("GIT_SSL_CAINFO"))
		pass(env, "SSL_CERT_FILE", "GIT_SSL_CAINFO");
	if (r->q->agent)
		strv_addf(env, "SSH_AUTH_SOCK=%s", r->q->agent);
	else
		pass(env, "SSH_AUTH_SOCK", "SSH_AUTH_SOCK");
	strv_addf(env, "GIT_DIR=%s/.git", r->path);
	strv_addf(env, "GIT_WORK_TREE=%s", r->path);
	strv_addf(env, "GIT_CONFIG_GLOBAL=/proc/%d/fd/%d", getpid(), r->config);
	strv_add(env, "GIT_CONFIG_NOSYSTEM=1");
	strv_add(env, "GIT_TEMPLATE_DIR="); // no template: no hooks
	strv_add(env, "GIT_TERMINAL_PROMPT=0");
	strv_add(env, "GIT_ALLOW_PROTOCOL=http:https:ssh:git");
	// The user's own ssh: configuration, known hosts. A host never seen is taken, a changed key
	// is not.
	const char *ssh = getenv("GIT_SSH_COMMAND");
	strv_addf(env, "GIT_SSH_COMMAND=%s",
	        ssh && *ssh ? ssh
	                    : "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new "
	                      "-o ControlMaster=no -o ConnectTimeout=30");
	strv_add(env, "LC_ALL=C");
}

// ---- running

// The last thing it said that is not about something else, on one line.
static void last_words(struct buf *said, struct buf *out)
{
	auto_strv struct strv lines = {0};
	strv_split(&lines, buf_cstr(said), '\n');
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.v[i];
		while (isspace((unsigned char)*line))
			line++;
		if (!*line || str_has_prefix(line, "hint:") || str_has_prefix(line, "warning:") ||
		        str_has_prefix(line, "From ") || str_has_prefix(line, "Cloning into"))
			continue;
		buf_printf(out, "%s%.200s", out->n ? "; " : "", line);
		if (out->n > 500)
			break;
	}
}

struct failure {
	const char *said;
	enum err_kind kind;
	const char *advice;
};

static const struct failure failures[] = {
        {"could not read Username", ERR_AUTH,
                "give a token with --secret id=GIT_AUTH_TOKEN,env=VARIABLE"},
        {"Authentication failed", ERR_AUTH, "check the secret GIT_AUTH_TOKEN or GIT_AUTH_HEADER"},
        {"Host key verification failed", ERR_AUTH,
                "the host's key is not the one in ~/.ssh/known_hosts"},
        {"Permission denied", ERR_AUTH, "give an agent or a key with --ssh default[=FILE]"},
        {"cannot run ssh", ERR_UNSUPPORTED, "install the package openssh-client"},
        {"Could not resolve host", ERR_NET, "check the name and the network"},
        {"not found", ERR_NOT_FOUND, "check the address, and whether it wants credentials"},
        {"does not appear to be a git repository", ERR_NOT_FOUND, "check the address"},
};

static int explain(struct repository *r, const char *verb, struct process_output *o, struct err *e)
{
	auto_buf struct buf said = {0};
	const char *all = buf_cstr(&o->err);
	last_words(&o->err, &said);
	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (strstr(all, failures[i].said))
			return err_set(e, failures[i].kind, "git %s of '%s': %s (%s)", verb,
			        r->q->ref->shown, buf_cstr(&said), failures[i].advice);
	return err_set(e, ERR_NET, "git %s of '%s' ends with status %d: %s", verb, r->q->ref->shown,
	        o->status, buf_cstr(&said));
}

int git_run(struct repository *r, const char *const *args, struct buf *out, struct err *e)
{
	auto_process_output struct process_output o = {0};
	const char *argv[16] = {"git"};
	size_t n = 1;
	while (args[n - 1] && n + 1 < ARRAY_LEN(argv)) {
		argv[n] = args[n - 1];
		n++;
	}
	struct process_spec spec = {.argv = argv,
	        .env = (const char *const *)r->env.v,
	        .dir = r->dir,
	        .output_max = OUTPUT_MAX};
	if (process_run(&spec, &o, e)) {
		if (e->kind != ERR_NOT_FOUND)
			return -1;
		return err_set(e, ERR_UNSUPPORTED,
		        "'%s' is a git repository, and there is no git program here: install the "
		        "package git",
		        r->q->ref->shown);
	}
	if (o.status)
		return explain(r, args[0], &o, e);
	if (out)
		buf_add(out, o.out.p, o.out.n);
	return 0;
}

// ---- the repository

int repository_set_remote(struct repository *r, const char *url, struct err *e)
{
	static const char mark[] = "[remote \"origin\"]\n";
	auto_buf struct buf text = {0};
	if (fs_read_file(r->dir, ".git/config", CONFIG_MAX_BYTES, &text, e))
		return -1;
	char *before = strstr(buf_cstr(&text), mark);
	if (before)
		text.n = (size_t)(before - text.p);
	buf_puts(&text, mark);
	put_value(&text, "url", url);
	return fs_replace_file(r->dir, ".git/config", text.p, text.n, 0644, e);
}

// The store's name may be relative, git starts in the folder itself.
static int find_path(struct repository *r, struct err *e)
{
	char link[32], path[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", r->dir);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return err_sys(e, "find the path of a temporary folder");
	r->path = xstrndup(path, (size_t)n);
	return 0;
}

int repository_open(struct repository *r, const struct git_request *q, struct err *e)
{
	static const char *const init[] = {"init", "-q", NULL};
	r->q = q;
	r->dir = store_temp_dir(q->store, &r->rel, e);
	if (r->dir < 0)
		return -1;
	if (find_path(r, e) || write_config(r, e))
		return -1;
	make_env(r);
	return git_run(r, init, NULL, e) ? -1 : repository_set_remote(r, q->ref->remote, e);
}

void repository_close(struct repository *r)
{
	if (r->rel)
		store_trash(r->q->store, r->rel);
	close_fd(&r->dir);
	close_fd(&r->config);
	free(r->rel);
	free(r->path);
	strv_release(&r->env);
}
