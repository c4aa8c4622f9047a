// SPDX-License-Identifier: Apache-2.0
// Users come from wherever the machine's C library has them from: LDAP, systemd. Its modules cannot
// be loaded into a static program, which therefore knows only those of /etc/passwd.

#include "base/account.h"

#include <pwd.h>
#include <stdio.h>

#ifdef HEW_STATIC

static struct passwd *look_up(uid_t uid, struct passwd *pw, char *text, size_t size)
{
	struct passwd *found = NULL;
	FILE *f = fopen("/etc/passwd", "re");
	if (!f)
		return NULL;
	while (fgetpwent_r(f, pw, text, size, &found) == 0 && found && found->pw_uid != uid)
		found = NULL;
	fclose(f);
	return found;
}

#else

static struct passwd *look_up(uid_t uid, struct passwd *pw, char *text, size_t size)
{
	struct passwd *found = NULL;
	return getpwuid_r(uid, pw, text, size, &found) == 0 ? found : NULL;
}

#endif

bool account_of(uint32_t uid, struct account *ret)
{
	struct passwd pw;
	if (!look_up(uid, &pw, ret->text, sizeof(ret->text)))
		return false;
	ret->name = pw.pw_name;
	ret->home = pw.pw_dir;
	return true;
}
