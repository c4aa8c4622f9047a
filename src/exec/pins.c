// SPDX-License-Identifier: Apache-2.0
// hew.lock in a build. With --locked a name stands for what the file says and must be in it; for
// `hew lock` servers are asked once what a name stands for, and from then on it is that. Names that
// say their digest or commit themselves are left alone.
#include "base/fs.h"
#include "dockerfile/git_ref.h"
#include "exec/exec-int.h"
#include "image/reference.h"
#include "registry/registry.h"
#include "source/git.h"
#include <errno.h>
#include <fcntl.h>

// ---- the file

static char *path_beside(const char *dockerfile)
{
	int folder = (int)(fs_base_name(dockerfile) - dockerfile);
	return xasprintf("%.*s" LOCK_FILE, folder, dockerfile);
}

// 1 read, 0 there is none, -1.
static int read_file(
        struct exec *x, const char *dockerfile, char **ret_path, struct buf *text, struct err *e)
{
	const struct build_request *r = x->req;
	bool no_folder = !r->context || source_is_url(r->context) || git_ref_is(r->context, true);
	if (dockerfile_is_in_view(x)) {
		*ret_path = path_beside(r->dockerfile ? r->dockerfile : "Dockerfile");
		auto_free char *clean = fs_clean_rel(*ret_path);
		return view_read_file(context_find(x, NULL)->view, clean, LOCK_MAX, text, e);
	}
	if (r->dockerfile ? source_is_url(r->dockerfile) : r->dockerfile_text && no_folder)
		return err_set(e, ERR_UNSUPPORTED,
		        "--locked: there is no folder in which " LOCK_FILE " could lie");
	*ret_path = r->dockerfile_text ? xasprintf("%s/" LOCK_FILE, r->context)
	                               : path_beside(dockerfile);
	if (fs_read_file(AT_FDCWD, *ret_path, LOCK_MAX, text, e) == 0)
		return 1;
	return e->sys == ENOENT ? 0 : -1;
}

int pins_open(struct exec *x, const char *dockerfile, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_free char *path = NULL;
	if (!x->req->locked)
		return 0;
	int found = read_file(x, dockerfile, &path, &text, e);
	if (!found)
		return err_set(
		        e, ERR_NOT_FOUND, "--locked: there is no '%s': run 'hew lock'", path);
	if (found < 0)
		return -1;
	return lock_parse(buf_cstr(&text), text.n, &x->pins, e) ? err_wrap(e, "'%s'", path) : 0;
}

// ---- names

// What is known of it already. 1; 0: ask a server, if it is to be known at all; -1.
static int look_up(
        struct exec *x, enum lock_kind kind, const char *name, const char **ret, struct err *e)
{
	*ret = x->req->found    ? lock_find(x->req->found, kind, name)
	       : x->req->locked ? lock_find(&x->pins, kind, name)
	                        : NULL;
	if (*ret || !x->req->locked)
		return *ret != NULL;
	auto_free char *shown = lock_name(name);
	return err_set(e, ERR_NOT_FOUND, LOCK_FILE " says nothing of the %s '%s': run 'hew lock'",
	        lock_kind_name(kind), shown);
}

static int digest_now(
        struct exec *x, const struct reference *ref, struct digest *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	struct registry *r = engine_registry(&x->engine, e);
	if (!r || registry_fetch_manifest(r, ref, &text, e))
		return -1;
	*ret = digest_of(text.p, text.n);
	return 0;
}

static int set_digest(struct exec *x, enum lock_kind kind, const char *name, const struct digest *d,
        struct err *e)
{
	char value[DIGEST_TEXT];
	digest_text(d, value);
	return lock_set(x->req->found, kind, name, value, e);
}

int pin_image(struct exec *x, struct reference *ref, struct err *e)
{
	const char *value;
	auto_free char *name = reference_text(ref);
	int known = look_up(x, LOCK_IMAGE, name, &value, e);
	if (known < 0 || (!known && !x->req->found))
		return known;
	if (known ? digest_parse(value, &ref->digest, e)
	          : digest_now(x, ref, &ref->digest, e) ||
	                        set_digest(x, LOCK_IMAGE, name, &ref->digest, e))
		return -1;
	ref->has_digest = true;
	return 1;
}

int pin_url(struct exec *x, const char *url, struct digest *ret, struct err *e)
{
	const char *value;
	int known = look_up(x, LOCK_URL, url, &value, e);
	return known > 0 && digest_parse(value, ret, e) ? -1 : known;
}

int pin_git(struct exec *x, const char *text, struct git_commit *ret, struct err *e)
{
	const char *value;
	int known = look_up(x, LOCK_GIT, text, &value, e);
	if (known > 0)
		snprintf(ret->id, sizeof(ret->id), "%s", value);
	return known;
}

int pin_found_url(struct exec *x, const char *url, const struct digest *d, struct err *e)
{
	return x->req->found ? set_digest(x, LOCK_URL, url, d, e) : 0;
}

int pin_found_git(struct exec *x, const char *text, const struct git_commit *c, struct err *e)
{
	return x->req->found ? lock_set(x->req->found, LOCK_GIT, text, c->id, e) : 0;
}

int pins_settle(struct exec *x, struct err *e)
{
	for (size_t i = 0; i < x->graph->n_steps; i++) {
		const struct step *s = x->graph->steps[i];
		struct copy_plan unused = {0};
		int rc = 0;
		if (s->kind != STEP_COPY || !s->copy.add)
			continue;
		for (size_t k = 0; k < s->copy.sources.n && rc >= 0; k++)
			rc = remote_source(x, s, s->copy.sources.v[k], &unused, e);
		copy_plan_release(&unused);
		if (rc < 0) {
			e->pos = s->pos;
			return -1;
		}
	}
	return 0;
}
