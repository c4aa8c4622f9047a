// SPDX-License-Identifier: Apache-2.0
// From a name to a commit, from a commit to a layer. Fetched is as little as the server lets us:
// one commit by its name, one commit by its id, and only then all of the history.
#include "source/git.h"

#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "source/git-int.h"
#include "store/store.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void git_commit_release(struct git_commit *c)
{
	free(c->name);
	*c = (struct git_commit){0};
}

// ---- a name becomes a commit

struct advertised {
	char id[65], tag[65]; // tag: the object that an annotated tag is
	char *name;
};

// The id that a line of ls-remote gives for this name, if it does. 1, 0.
static int line_is(const char *line, const char *name, char id[static 65])
{
	size_t n = strcspn(line, "\t");
	auto_free char *hex = xstrndup(line, n);
	if (!line[n] || strcmp(line + n + 1, name) != 0 || !git_is_commit(hex))
		return 0;
	memcpy(id, hex, n + 1);
	return 1;
}

static bool find_line(const struct strv *lines, const char *name, char id[static 65])
{
	for (size_t i = 0; i < lines->n; i++)
		if (line_is(lines->v[i], name, id))
			return true;
	return false;
}

// As git checkout does, a branch comes before a tag.
static bool find_name(const struct strv *lines, const char *ref, struct advertised *ret)
{
	static const char *const prefixes[] = {"refs/", "refs/heads/", "refs/tags/"};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		const char *rest =
		        str_has_prefix(ref, prefixes[i]) ? ref + strlen(prefixes[i]) : ref;
		auto_free char *name = xasprintf("%s%s", prefixes[i], rest);
		auto_free char *peeled = xasprintf("%s^{}", name);
		if (!find_line(lines, name, ret->id))
			continue;
		memcpy(ret->tag, ret->id, sizeof(ret->tag));
		find_line(lines, peeled, ret->id);
		ret->name = steal_ptr(&name);
		return true;
	}
	return false;
}

static bool find_head(const struct strv *lines, struct advertised *ret)
{
	if (!find_line(lines, "HEAD", ret->id))
		return false;
	memcpy(ret->tag, ret->id, sizeof(ret->tag));
	for (size_t i = 0; i < lines->n; i++) {
		const char *line = lines->v[i];
		size_t n = strcspn(line, "\t");
		if (str_has_prefix(line, "ref: ") && line[n] && !strcmp(line + n + 1, "HEAD"))
			ret->name = xstrndup(line + 5, n - 5);
	}
	// A name that could be an option is only a name to those who do not say so.
	if (ret->name && !str_has_prefix(ret->name, "refs/"))
		free(steal_ptr(&ret->name));
	return true;
}

static int ls_remote(struct repository *r, const char *ref, struct strv *ret, struct err *e)
{
	auto_free char *head = xasprintf("refs/heads/%s", ref ? ref : "");
	auto_free char *tag = xasprintf("refs/tags/%s", ref ? ref : "");
	auto_free char *peeled = xasprintf("%s^{}", tag);
	auto_free char *any = xasprintf("refs/%s", ref ? ref : "");
	auto_free char *full = xasprintf("%s^{}", ref ? ref : "");
	bool is_full = ref && str_has_prefix(ref, "refs/");
	const char *const for_head[] = {"ls-remote", "--symref", "origin", "HEAD", NULL};
	const char *const for_name[] = {"ls-remote", "origin", any, head, tag, peeled, NULL};
	const char *const for_full[] = {"ls-remote", "origin", ref, full, NULL};
	auto_buf struct buf out = {0};
	if (git_run(r, !ref ? for_head : is_full ? for_full : for_name, &out, e))
		return -1;
	strv_split(ret, buf_cstr(&out), '\n');
	return 0;
}

static int no_such_ref(const struct git_ref *ref, struct err *e)
{
	if (!ref->ref)
		return err_set(e, ERR_NOT_FOUND, "'%s' has no default branch: name one with '#'",
		        ref->shown);
	bool hex = strspn(ref->ref, "0123456789abcdef") == strlen(ref->ref);
	return err_set(e, ERR_NOT_FOUND, "repository does not contain ref %s: '%s'%s", ref->ref,
	        ref->shown, hex ? " (a commit is named by all digits of its id)" : "");
}

static int check_commit(const struct git_ref *ref, const char *id, const char *tag, struct err *e)
{
	if (!ref->commit || str_has_prefix(id, ref->commit) || str_has_prefix(tag, ref->commit))
		return 0;
	return err_set(e, ERR_CORRUPT, "'%s': expected checksum to match %s, got %s", ref->shown,
	        ref->commit, id);
}

static int ask(const struct git_request *q, const char *ref, struct advertised *ret, struct err *e)
{
	auto_repository struct repository r = REPOSITORY_NONE;
	auto_strv struct strv lines = {0};
	if (repository_open(&r, q, e) || ls_remote(&r, ref, &lines, e))
		return -1;
	if (ref ? find_name(&lines, ref, ret) : find_head(&lines, ret))
		return 0;
	return no_such_ref(q->ref, e);
}

int git_resolve(const struct git_request *q, struct git_commit *ret, struct err *e)
{
	const struct git_ref *ref = q->ref;
	const char *name = ref->ref && strcmp(ref->ref, "HEAD") != 0 ? ref->ref : NULL;
	struct advertised found = {0};
	*ret = (struct git_commit){0};
	if (ref->fetch_by_commit)
		name = ref->commit;
	if (name && git_is_commit(name)) {
		memcpy(ret->id, name, strlen(name) + 1);
		return check_commit(ref, name, name, e);
	}
	int r = ask(q, name, &found, e);
	if (!r)
		r = check_commit(ref, found.id, found.tag, e);
	memcpy(ret->id, found.id, sizeof(ret->id));
	ret->name = found.name;
	if (r)
		git_commit_release(ret);
	return r;
}

// ---- a commit becomes files

static int fetch_name(struct repository *r, const struct git_commit *c, struct err *e)
{
	auto_free char *spec = xasprintf("+%s:%s", c->name, c->name);
	auto_free char *commit = xasprintf("%s^{commit}", c->name);
	const char *const shallow[] = {
	        "fetch", "-q", "-u", "--no-tags", "--depth=1", "origin", spec, NULL};
	const char *const deep[] = {"fetch", "-q", "-u", "--no-tags", "origin", spec, NULL};
	const char *const ask_id[] = {"rev-parse", "--verify", "-q", commit, NULL};
	auto_buf struct buf id = {0};
	struct err why = ERR_INIT;
	if (git_run(r, shallow, NULL, &why)) {
		if (why.kind == ERR_CANCELLED || why.kind == ERR_AUTH || why.kind == ERR_SPACE) {
			*e = why;
			return -1;
		}
		if (git_run(r, deep, NULL, e)) // a server that knows no shallow clones
			return -1;
	}
	if (git_run(r, ask_id, &id, e))
		return -1;
	return !strncmp(buf_cstr(&id), c->id, strlen(c->id));
}

static int fetch_id(struct repository *r, const struct git_commit *c, struct err *e)
{
	auto_free char *commit = xasprintf("%s^{commit}", c->id);
	const char *const one[] = {"fetch", "-q", "--no-tags", "--depth=1", "origin", c->id, NULL};
	const char *const all[] = {"fetch", "-q", "--no-tags", "origin",
	        "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*", NULL};
	const char *const look[] = {"cat-file", "-e", commit, NULL};
	struct err why = ERR_INIT;
	if (git_run(r, one, NULL, &why) == 0)
		return 0;
	if (why.kind == ERR_CANCELLED || why.kind == ERR_AUTH || why.kind == ERR_SPACE) {
		*e = why;
		return -1;
	}
	if (git_run(r, all, NULL, e))
		return -1;
	if (git_run(r, look, NULL, &why))
		return err_set(e, ERR_NOT_FOUND, "'%s' has no commit %s that can be fetched",
		        r->q->ref->shown, c->id);
	return 0;
}

static int fetch_submodules(struct repository *r, struct err *e)
{
	const char *const shallow[] = {
	        "submodule", "-q", "update", "--init", "--recursive", "--force", "--depth=1", NULL};
	const char *const deep[] = {
	        "submodule", "-q", "update", "--init", "--recursive", "--force", NULL};
	struct stat st;
	struct err why = ERR_INIT;
	if (r->q->ref->no_submodules || fstatat(r->dir, ".gitmodules", &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (git_run(r, shallow, NULL, &why) == 0)
		return 0;
	return git_run(r, deep, NULL, e) ? err_wrap(e, "submodules") : 0;
}

static int commit_time(
        struct repository *r, const struct git_commit *c, int64_t *ret, struct err *e)
{
	const char *const ask_time[] = {"show", "-s", "--format=%ct", c->id, NULL};
	auto_buf struct buf out = {0};
	if (git_run(r, ask_time, &out, e))
		return -1;
	while (out.n && out.p[out.n - 1] == '\n')
		out.p[--out.n] = '\0';
	return str_to_i64(buf_cstr(&out), ret)
	               ? 0
	               : err_set(e, ERR_CORRUPT, "'%s': commit %s has no time", r->q->ref->shown,
	                         c->id);
}

static int check_out(struct repository *r, const struct git_commit *c, struct err *e)
{
	const char *const detach[] = {"checkout", "-q", "--force", "--detach", c->id, NULL};
	int same = c->name ? fetch_name(r, c, e) : 0;
	if (same < 0 || (!same && fetch_id(r, c, e))) // it moved since it was asked for
		return -1;
	return git_run(r, detach, NULL, e) || fetch_submodules(r, e) ? -1 : 0;
}

static bool keeps_git_dir(const struct git_request *q)
{
	return q->keep_git_dir && !q->ref->subdir; // as with BuildKit, it goes with the whole
}

static int make_layer(
        const struct git_request *q, const struct git_commit *c, struct digest *ret, struct err *e)
{
	auto_repository struct repository r = REPOSITORY_NONE;
	struct checkout out = {.subdir = q->ref->subdir,
	        .keep_git_dir = keeps_git_dir(q),
	        .has_mtime = q->ref->mtime_of_commit};
	if (repository_open(&r, q, e) || check_out(&r, c, e))
		return -1;
	if (out.has_mtime && commit_time(&r, c, &out.mtime, e))
		return -1;
	unlinkat(r.dir, ".git/FETCH_HEAD", 0);
	return repository_set_remote(&r, q->ref->shown, e) || checkout_layer(&r, &out, ret, e) ? -1
	                                                                                       : 0;
}

// ---- the record

struct hash git_key(const struct git_request *q, const struct git_commit *c)
{
	auto_hasher struct hasher *h = hasher_new();
	const struct git_ref *ref = q->ref;
	bool kept = keeps_git_dir(q);
	hasher_str(h, "hew git 2");
	hasher_str(h, c->id);
	hasher_str(h, ref->subdir);
	hasher_u64(h, ref->no_submodules);
	hasher_u64(h, ref->mtime_of_commit);
	hasher_str(h, kept ? ref->shown : NULL); // it names its remote and its branch
	hasher_str(h, kept ? c->name : NULL);
	return hasher_end(h);
}

static int look_up(struct store *s, const struct hash *key, struct digest *ret, struct err *e)
{
	struct step_record record = {0};
	struct layer_info info;
	int found = store_step_get(s, key, &record, e);
	if (found == 1)
		found = record.has_layer && store_layer_get(s, &record.diff_id, &info) &&
		        info.has_tar && info.has_index;
	*ret = record.diff_id;
	step_record_release(&record);
	return found;
}

static int fetch_once(const struct git_request *q, const struct git_commit *c,
        const struct hash *key, struct digest *ret, struct err *e)
{
	int found = look_up(q->store, key, ret, e);
	if (found)
		return found < 0 ? -1 : 0;
	event_note(q->sink, "fetching %s at %.12s", q->ref->shown, c->id);
	if (make_layer(q, c, ret, e))
		return -1;
	auto_free char *name = xasprintf("git %s", q->ref->shown);
	auto_free char *json = xasprintf("{\"op\":\"git\",\"commit\":\"%s\"}", c->id);
	struct step_record record = {
	        .has_layer = true, .diff_id = *ret, .components = json, .name = name};
	return store_step_put(q->store, key, &record, e);
}

int git_fetch(
        const struct git_request *q, const struct git_commit *c, struct digest *ret, struct err *e)
{
	struct hash key = git_key(q, c);
	struct store_lock *lock = store_lock_hash(q->store, "source", &key, e);
	if (!lock)
		return -1;
	int r = fetch_once(q, c, &key, ret, e);
	store_unlock(lock);
	return r;
}
