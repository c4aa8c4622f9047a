// SPDX-License-Identifier: Apache-2.0
// What users without rights need of a machine for RUN: newuidmap, and where AppArmor keeps user
// namespaces to programs that it knows (Ubuntu since 24.04), a profile that names hew.
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/process.h"
#include "cmd/install.h"
#include "sandbox/idmap.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROFILE "/etc/apparmor.d/hew"
#define PROFILE_HEAD "# Written by hew install.\n"
#define RESTRICTED "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
#define OUTPUT_MAX (64u << 10)

static bool is_restricted(void)
{
	auto_buf struct buf text = {0};
	struct err absent = ERR_INIT;
	return fs_read_file(AT_FDCWD, RESTRICTED, 64, &text, &absent) == 0 && text.n &&
	       text.p[0] == '1';
}

// A path that means itself in a profile.
static bool is_plain(const char *path)
{
	return path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                         "0123456789/._+-")] == '\0';
}

static int load(const char *option, struct err *e)
{
	const char *argv[] = {"apparmor_parser", option, PROFILE, NULL};
	const char *path = getenv("PATH");
	auto_free char *search =
	        xasprintf("PATH=%s%s/usr/sbin:/sbin", path ? path : "", path ? ":" : "");
	const char *env[] = {search, NULL};
	const struct process_spec spec = {
	        .argv = argv, .env = env, .dir = -1, .output_max = OUTPUT_MAX};
	auto_process_output struct process_output out = {0};
	if (access("/usr/sbin/apparmor_parser", X_OK) == 0)
		argv[0] = "/usr/sbin/apparmor_parser";
	if (process_run(&spec, &out, e))
		return err_wrap(e, "load " PROFILE);
	if (out.status == 0)
		return 0;
	return err_set(e, ERR_FAIL, "apparmor_parser does not take " PROFILE ": %.600s",
	        buf_cstr(&out.err));
}

static int is_ours(bool *ret_exists)
{
	auto_buf struct buf text = {0};
	struct err absent = ERR_INIT;
	*ret_exists = access(PROFILE, F_OK) == 0;
	return fs_read_file(AT_FDCWD, PROFILE, OUTPUT_MAX, &text, &absent) == 0 &&
	       str_has_prefix(buf_cstr(&text), PROFILE_HEAD);
}

static int write_profile(const char *program, struct err *e)
{
	auto_buf struct buf text = {0};
	bool exists;
	if (!is_ours(&exists) && exists) {
		printf(PROFILE " is there and not written by hew: it stays\n");
		return 0;
	}
	if (!is_plain(program))
		return err_set(e, ERR_FAIL,
		        "'%s': a profile for AppArmor cannot name such a path: put hew into "
		        "/usr/local/bin",
		        program);
	buf_printf(&text,
	        PROFILE_HEAD
	        "# Steps of a build run in user namespaces, and AppArmor has to let hew "
	        "make them.\n"
	        "abi <abi/4.0>,\n"
	        "include <tunables/global>\n"
	        "\n"
	        "profile hew %s flags=(unconfined) {\n"
	        "  userns,\n"
	        "  include if exists <local/hew>\n"
	        "}\n",
	        program);
	if (fs_replace_file(AT_FDCWD, PROFILE, text.p, text.n, 0644, e) || load("--replace", e))
		return -1;
	printf(PROFILE " lets hew make user namespaces\n");
	return 0;
}

int install_prepare_machine(const char *program, struct err *e)
{
	if (!idmap_helpers())
		fprintf(stderr,
		        "hew: newuidmap is missing, with which RUN has more than one user for "
		        "who is not root: install the package uidmap\n");
	if (!is_restricted())
		return 0;
	if (geteuid() == 0)
		return write_profile(program, e);
	fprintf(stderr,
	        "hew: AppArmor lets only programs that it knows make user namespaces here, "
	        "which RUN needs: 'sudo %s install' adds a profile for this one\n",
	        program);
	return 0;
}

int install_forget_machine(struct err *e)
{
	bool exists;
	struct err unloaded = ERR_INIT;
	if (!is_ours(&exists) || geteuid() != 0)
		return 0;
	if (is_restricted())
		(void)load("--remove", &unloaded); // a boot without the file does as well
	if (unlink(PROFILE))
		return err_sys(e, "remove " PROFILE);
	printf(PROFILE " was removed\n");
	return 0;
}
