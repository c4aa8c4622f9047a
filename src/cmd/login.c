// SPDX-License-Identifier: Apache-2.0
// hew login: checks credentials against the registry, then keeps them where docker keeps them.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/prompt.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "registry/credentials.h"
#include "registry/registry.h"
#include "session/session.h"
#include <stdio.h>
#include <string.h>

struct login_options {
	const char *username;
	char *password; // inside argv
	bool password_stdin, insecure;
};

#define AT(member) offsetof(struct login_options, member)
static const struct option options[] = {
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"password", 'p', OPT_STRING, AT(password), "PASSWORD",
                "Password or token (visible to others: prefer --password-stdin)"},
        {"password-stdin", 0, OPT_FLAG, AT(password_stdin), NULL,
                "Read the password from standard input"},
        {"username", 'u', OPT_STRING, AT(username), "USER", "User name"},
        OPTION_END,
};

static int ask_for(const char *question, bool hide, struct buf *ret, struct err *e)
{
	if (prompt_line(question, hide, ret, e))
		return -1;
	return ret->n ? 0 : err_set(e, ERR_USAGE, "nothing was given for \"%s\"", question);
}

static int ask(struct login_options *o, struct buf *user, struct buf *password, struct err *e)
{
	if (o->username)
		buf_puts(user, o->username);
	else if (o->password_stdin)
		return err_set(e, ERR_USAGE, "--password-stdin needs --username");
	else if (ask_for("Username: ", false, user, e))
		return -1;
	if (o->password) {
		buf_puts(password, o->password);
		explicit_bzero(o->password, strlen(o->password)); // off the process list
		return 0;
	}
	if (!o->password_stdin)
		return ask_for("Password: ", true, password, e);
	if (fs_read_fd(0, 65536, password, e))
		return err_wrap(e, "read the password");
	while (password->n && strchr("\r\n", password->p[password->n - 1]))
		password->p[--password->n] = '\0';
	return password->n ? 0 : err_set(e, ERR_USAGE, "the password on standard input is empty");
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct login_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	auto_buf struct buf user = {0}, password = {0};
	auto_free char *where = NULL;
	if (need_args(args, 0, 1, "login [OPTIONS] [REGISTRY]", e))
		return -1;
	const char *host = args->n ? args->v[0] : "docker.io";
	if (ask(o, &user, &password, e) || session_open(&s, true, e))
		return -1;
	struct registry *r = session_registry(&s, e);
	if (!r || registry_check_login(r, host, buf_cstr(&user), buf_cstr(&password), e) ||
	        credentials_store(NULL, host, buf_cstr(&user), buf_cstr(&password), &where, e))
		return -1;
	explicit_bzero(password.p, password.n);
	printf("Login Succeeded\n");
	fprintf(stderr, "Credentials are kept in %s\n", where ? where : "docker's config.json");
	return 0;
}

const struct command cmd_login = {
        .name = "login",
        .args = "[OPTIONS] [REGISTRY]",
        .summary = "Check and keep credentials for a registry",
        .options = options,
        .size = sizeof(struct login_options),
        .run = run,
};
