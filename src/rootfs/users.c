// SPDX-License-Identifier: Apache-2.0
// Users and groups by the image's own /etc/passwd and /etc/group, never the host's. A name that is
// not there is an error: taking root instead, as others do, gives away files.
#include "rootfs/users.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "layer/view.h"

#define PASSWD_MAX (4u << 20)

struct account {
	char name[256];
	char home[256];
	uint32_t uid, gid;
};

static bool parse_id(const char *s, uint32_t *ret)
{
	uint64_t v;
	if (!str_to_u64(s, &v) || v > UINT32_MAX - 1)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static void split_line(char *line, char *fields[7])
{
	for (int i = 0; i < 7; i++) {
		fields[i] = line;
		line += strcspn(line, ":");
		if (*line)
			*line++ = '\0';
	}
}

// First line for which name matches or (by_id) the third field does. file: copied, cut up.
static bool find_account(
        const char *text, const char *name, bool by_id, uint32_t id, struct account *ret)
{
	auto_free char *copy = xstrdup(text);
	char *rest = copy, *line;
	while ((line = strsep(&rest, "\n"))) {
		char *f[7];
		uint32_t uid, gid;
		split_line(line, f);
		if (!parse_id(f[2], &uid))
			continue;
		if (by_id ? uid != id : strcmp(f[0], name) != 0)
			continue;
		*ret = (struct account){.uid = uid, .gid = parse_id(f[3], &gid) ? gid : 0};
		snprintf(ret->name, sizeof(ret->name), "%s", f[0]);
		snprintf(ret->home, sizeof(ret->home), "%s", f[5]);
		return true;
	}
	return false;
}

static void supplementary(const char *text, const char *user, struct user_ids *ret)
{
	auto_free char *copy = xstrdup(text);
	char *rest = copy, *line;
	while ((line = strsep(&rest, "\n"))) {
		char *f[7], *member;
		uint32_t gid;
		split_line(line, f);
		if (!parse_id(f[2], &gid))
			continue;
		for (char *members = f[3]; (member = strsep(&members, ","));)
			if (!strcmp(member, user) && ret->n_groups < ARRAY_LEN(ret->groups) &&
			        gid != ret->gid)
				ret->groups[ret->n_groups++] = gid;
	}
}

struct databases {
	struct buf passwd, group;
};

static void databases_release(struct databases *d)
{
	buf_release(&d->passwd);
	buf_release(&d->group);
}

static int databases_read(struct view *root, struct databases *d, struct err *e)
{
	if (view_read_file(root, "etc/passwd", PASSWD_MAX, &d->passwd, e) < 0 ||
	        view_read_file(root, "etc/group", PASSWD_MAX, &d->group, e) < 0)
		return -1;
	return 0;
}

static int group_lookup(struct databases *d, const char *group, uint32_t *ret, struct err *e)
{
	struct account found;
	if (parse_id(group, ret))
		return 0;
	if (!find_account(buf_cstr(&d->group), group, false, 0, &found))
		return err_set(e, ERR_STEP,
		        "unable to find group %s: no matching entries in /etc/group of the image",
		        group);
	*ret = found.uid; // third field
	return 0;
}

static int resolve(struct databases *d, const char *user, const char *group, struct user_ids *ret,
        struct err *e)
{
	struct account found;
	bool numeric = parse_id(user, &ret->uid);
	bool known = find_account(buf_cstr(&d->passwd), user, numeric, ret->uid, &found);
	if (!numeric && !known)
		return err_set(e, ERR_STEP,
		        "unable to find user %s: no matching entries in /etc/passwd of the image",
		        user);
	snprintf(ret->home, sizeof(ret->home), "%s", known && *found.home ? found.home : "/");
	if (known) {
		ret->uid = found.uid;
		ret->gid = found.gid;
	}
	if (group && group_lookup(d, group, &ret->gid, e))
		return -1;
	// The group itself is one of them, or leaving it could gain what it is denied.
	ret->groups[ret->n_groups++] = ret->gid;
	if (known && !group)
		supplementary(buf_cstr(&d->group), found.name, ret);
	return 0;
}

int user_lookup(struct view *root, const char *spec, struct user_ids *ret, struct err *e)
{
	*ret = (struct user_ids){0};
	if (!*spec)
		spec = "0";
	struct databases d = {0};
	const char *colon = strchr(spec, ':');
	auto_free char *user = colon ? xstrndup(spec, (size_t)(colon - spec)) : xstrdup(spec);
	int r = databases_read(root, &d, e);
	if (!r)
		r = resolve(&d, *user ? user : "0", colon && colon[1] ? colon + 1 : NULL, ret, e);
	databases_release(&d);
	return r;
}

// A user or group as --chown and WORKDIR take it: "root" is 0 even where there is no /etc/passwd.
static bool owner_number(const char *s, uint32_t *ret)
{
	if (strcmp(s, "root") != 0)
		return parse_id(s, ret);
	*ret = 0;
	return true;
}

static int owner_by_name(struct databases *d, const char *user, const char *group, bool lenient,
        struct user_ids *ret, struct err *e)
{
	struct account found = {0};
	bool numeric = !*user || owner_number(user, &found.uid);
	if (numeric)
		found.gid = found.uid;
	else if (!find_account(buf_cstr(&d->passwd), user, false, 0, &found) && !lenient)
		return err_set(e, ERR_STEP,
		        "unable to find user %s: no matching entries in /etc/passwd of the image",
		        user);
	ret->uid = found.uid;
	ret->gid = found.gid;
	if (!group || owner_number(group, &ret->gid))
		return 0;
	struct err unknown = ERR_INIT;
	return group_lookup(d, group, &ret->gid, lenient ? &unknown : e) && !lenient ? -1 : 0;
}

static int owner_lookup(struct view *root, const char *spec, bool lenient, uint32_t *ret_uid,
        uint32_t *ret_gid, struct err *e)
{
	struct user_ids ids = {0};
	struct databases d = {0};
	uint32_t number;
	const char *colon = strchr(spec, ':');
	auto_free char *user = colon ? xstrndup(spec, (size_t)(colon - spec)) : xstrdup(spec);
	const char *group = colon && colon[1] ? colon + 1 : NULL;
	// The files are read only for names: a number alone is its group as well.
	bool numbers =
	        (!*user || owner_number(user, &number)) && (!group || owner_number(group, &number));
	int r = numbers ? 0 : databases_read(root, &d, e);
	if (!r)
		r = owner_by_name(&d, user, group, lenient, &ids, e);
	databases_release(&d);
	if (r)
		return r;
	*ret_uid = ids.uid;
	*ret_gid = ids.gid;
	return 0;
}

int chown_lookup(
        struct view *root, const char *spec, uint32_t *ret_uid, uint32_t *ret_gid, struct err *e)
{
	return owner_lookup(root, spec, false, ret_uid, ret_gid, e);
}

int workdir_lookup(
        struct view *root, const char *spec, uint32_t *ret_uid, uint32_t *ret_gid, struct err *e)
{
	return owner_lookup(root, spec, true, ret_uid, ret_gid, e);
}
