// SPDX-License-Identifier: Apache-2.0
// What ADD takes besides files of a context: archives, URLs and git repositories. Of the last two a
// key needs only what they are (a digest, a commit); their bytes come when the step has to run.
#include "base/base64.h"
#include "base/fs.h"
#include "dockerfile/git_ref.h"
#include "exec/exec-int.h"
#include "registry/download_name.h"
#include "registry/http.h"
#include "registry/registry.h"
#include "registry/url.h"
#include "source/archive.h"
#include "source/download.h"
#include "source/git.h"
#include "store/stored_view.h"
#include <ctype.h>
#include <errno.h>
#include <unistd.h>

struct remote {
	struct hash id; // what it is, for keys
	bool keep_git_dir;
	struct git_ref git; // of a repository
	struct git_commit commit;
	char *url, *name; // of a file
	bool has_file;
	struct digest digest;
	struct download file;
};

void remote_free(struct remote *r)
{
	if (!r)
		return;
	git_ref_release(&r->git);
	git_commit_release(&r->commit);
	free(r->url);
	free(r->name);
	free(r);
}

const struct hash *remote_id(const struct remote *r)
{
	return &r->id;
}

bool remote_is_file(const struct remote *r)
{
	return !r->git.remote;
}

// ---- archives

int archive_is(struct view *from, const struct entry *en, struct err *e)
{
	auto_content struct content c = CONTENT_NONE;
	if (from->ops->open(from, en, &c, e))
		return -1;
	return archive_sniff(&c, e);
}

static int check_bytes(int fd, const struct entry *en, struct err *e)
{
	struct hash got;
	uint64_t size;
	if (hash_fd(fd, &got, &size))
		return err_sys(e, "read '%s' in the build context", en->path);
	if (hash_eq(&got, &en->content))
		return 0;
	int r = err_set(
	        e, ERR_CONTEXT, "'%s' changed while it was unpacked; build again", en->path);
	e->sys = ESTALE;
	return r;
}

struct view *archive_view(struct exec *x, struct view *from, const struct entry *en, struct err *e)
{
	auto_content struct content c = CONTENT_NONE;
	if (from->ops->open(from, en, &c, e))
		return NULL;
	auto_fd int fd = content_as_file(x->store, &c, e);
	if (fd < 0)
		return NULL;
	struct view *v = archive_open(x->store, fd, e);
	struct err stale = ERR_INIT;
	if (check_bytes(fd, en, &stale)) { // whatever else is wrong with it then
		*e = stale;
		view_free(v);
		return NULL;
	}
	return v;
}

// ---- credentials

// The value of an Authorization header out of a secret. token: what goes in front of it, NULL if
// the secret is the whole value. Caller frees; NULL with *e set.
static char *header_of(const struct build_secret *s, const char *token, struct err *e)
{
	size_t n = s->len;
	while (n && isspace((unsigned char)s->data[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s->data[i] < ' ' || s->data[i] == 0x7f) {
			err_set(e, ERR_USAGE,
			        "secret %s: it cannot be sent: it holds control characters", s->id);
			return NULL;
		}
	if (!token || !str_has_suffix(token, ":"))
		return xasprintf("%s%.*s", token ? token : "", (int)n, s->data);
	auto_buf struct buf plain = {0}, out = {0};
	buf_printf(&plain, "%s%.*s", token, (int)n, s->data);
	buf_puts(&out, "basic ");
	base64_encode(&out, plain.p, plain.n);
	explicit_bzero(plain.p, plain.n);
	return buf_steal(&out);
}

struct auth_secret {
	const char *prefix, *host; // host NULL: for any
	const char *separator, *token;
};

// The first of them that was given. 1, 0, -1. ret_name: its id, borrowed.
static int find_auth(const struct exec *x, const struct auth_secret *list, size_t n,
        const char **ret_name, char **ret, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		auto_free char *id = xasprintf("%s%s%s", list[i].prefix, list[i].separator,
		        list[i].host ? list[i].host : "");
		const struct build_secret *s = build_secret_find(x->req, id);
		if (!s)
			continue;
		*ret_name = s->id;
		*ret = header_of(s, list[i].token, e);
		return *ret ? 1 : -1;
	}
	return 0;
}

// As BuildKit names them; a token wins over a header.
static int url_auth(
        const struct exec *x, const struct url *u, const char **ret_name, char **ret, struct err *e)
{
	const struct auth_secret list[] = {
	        {"HTTP_AUTH_TOKEN_", u->host, "", "Bearer "},
	        {"HTTP_AUTH_HEADER_", u->host, "", NULL},
	};
	return find_auth(x, list, ARRAY_LEN(list), ret_name, ret, e);
}

static int git_auth(const struct exec *x, const struct git_ref *ref, char **ret, struct err *e)
{
	const struct auth_secret list[] = {
	        {"GIT_AUTH_HEADER", ref->host, ".", NULL},
	        {"GIT_AUTH_TOKEN", ref->host, ".", "x-access-token:"},
	        {"GIT_AUTH_HEADER", NULL, "", NULL},
	        {"GIT_AUTH_TOKEN", NULL, "", "x-access-token:"},
	};
	const char *name;
	int found = ref->is_http ? find_auth(x, list, ARRAY_LEN(list), &name, ret, e) : 0;
	if (found || !ref->userinfo)
		return found;
	*ret = userinfo_authorization(ref->userinfo);
	return 1;
}

// ---- git

static int git_prepare(struct exec *x, const struct git_ref *ref, bool keep_git_dir,
        struct git_request *ret, char **ret_header, struct err *e)
{
	*ret_header = NULL;
	*ret = (struct git_request){
	        .store = x->store, .sink = x->req->sink, .ref = ref, .keep_git_dir = keep_git_dir};
	if (git_auth(x, ref, ret_header, e) < 0)
		return -1;
	ret->authorization = *ret_header;
	return ref->is_ssh ? ssh_agent_for_git(x, &ret->agent, e) : 0;
}

static void note_commit(struct exec *x, const struct git_ref *ref, const struct git_commit *c)
{
	auto_free char *uri =
	        c->name ? xasprintf("%s#%s", ref->shown, c->name) : xstrdup(ref->shown);
	source_note(x, uri, strlen(c->id) == 40 ? "sha1" : "sha256", c->id);
}

// pinned: by hew.lock; a repository that is the context is its caller's to name.
static int git_remote(struct exec *x, struct remote *r, bool pinned, struct err *e)
{
	struct git_request q;
	auto_free char *header = NULL;
	if (git_prepare(x, &r->git, r->keep_git_dir, &q, &header, e) ||
	        (!pinned && git_resolve(&q, &r->commit, e)))
		return -1;
	note_commit(x, &r->git, &r->commit);
	r->id = git_key(&q, &r->commit);
	return 0;
}

static struct view *git_view(struct exec *x, struct remote *r, struct err *e)
{
	struct git_request q;
	struct digest layer;
	auto_free char *header = NULL;
	if (git_prepare(x, &r->git, r->keep_git_dir, &q, &header, e) ||
	        git_fetch(&q, &r->commit, &layer, e))
		return NULL;
	return stored_view(x->store, &layer, 1, e);
}

static struct view *open_git(struct exec *x, struct remote *r, const char *text, struct err *e)
{
	bool commit_times = r->git.mtime_of_commit;
	if (git_ref_parse(text, &r->git, e))
		return NULL;
	r->git.mtime_of_commit |= commit_times;
	r->keep_git_dir |= r->git.keep_git_dir;
	return git_remote(x, r, false, e) ? NULL : git_view(x, r, e);
}

static void close_git(struct remote *r)
{
	git_ref_release(&r->git);
	git_commit_release(&r->commit);
}

struct view *remote_git_context(struct exec *x, const char *text, bool keep_git_dir, struct err *e)
{
	struct remote r = {.keep_git_dir = keep_git_dir};
	struct view *v = open_git(x, &r, text, e);
	close_git(&r);
	return v;
}

// ---- files

static struct registry *open_registry(void *arg, struct err *e)
{
	return engine_registry(arg, e);
}

static void note_file(struct exec *x, const struct url *u, const struct digest *d)
{
	char hex[HASH_HEX];
	auto_free char *uri = url_text(u);
	digest_hex(d, hex);
	source_note(x, uri, "sha256", hex);
}

int remote_download(struct exec *x, const char *url, const struct digest *pinned, int step,
        struct download *ret, struct err *e)
{
	auto_url struct url u = {0};
	auto_free char *header = NULL;
	struct download_request q = {.store = x->store,
	        .url = url,
	        .pinned = pinned,
	        .step = step,
	        .registry = open_registry,
	        .arg = &x->engine};
	if (url_parse(url, &u, e) || url_auth(x, &u, &q.auth_name, &header, e) < 0)
		return -1;
	q.authorization = header;
	if (download_run(&q, ret, e))
		return -1;
	note_file(x, &u, &ret->digest);
	return 0;
}

// One file as a view.
struct file_view {
	struct view view;
	struct entry en;
	char *name;
	int fd;
};

static int fv_lookup(struct view *v, const char *path, struct entry *ret, struct err *e)
{
	struct file_view *f = (struct file_view *)v;
	(void)e;
	*ret = *path ? f->en : (struct entry){.path = "", .type = ENTRY_DIR, .mode = 0755};
	return !*path || !strcmp(path, f->name);
}

static int fv_list(struct view *v, const char *dir, struct strv *ret, struct err *e)
{
	(void)e;
	if (!*dir)
		strv_add(ret, ((struct file_view *)v)->name);
	return 0;
}

static int fv_walk(struct view *v, const char *dir,
        int (*fn)(void *, const struct entry *, struct err *), void *arg, struct err *e)
{
	struct file_view *f = (struct file_view *)v;
	return (!*dir || !strcmp(dir, f->name)) && fn(arg, &f->en, e) < 0 ? -1 : 0;
}

static int fv_open(struct view *v, const struct entry *en, struct content *ret, struct err *e)
{
	struct file_view *f = (struct file_view *)v;
	(void)en, (void)e;
	*ret = (struct content){.fd = f->fd, .size = f->en.size};
	return 0;
}

static int fv_digest(struct view *v, struct entry *en, struct err *e)
{
	(void)v, (void)en, (void)e;
	return 0;
}

static void fv_free(struct view *v)
{
	struct file_view *f = (struct file_view *)v;
	close_fd(&f->fd);
	free(f->name);
	free(f);
}

static const struct view_ops file_ops = {
        .lookup = fv_lookup,
        .list = fv_list,
        .walk = fv_walk,
        .open = fv_open,
        .digest = fv_digest,
        .free = fv_free,
};

struct view *remote_file_view(
        struct exec *x, const struct download *d, const char *name, struct err *e)
{
	int fd = store_blob_open(x->store, &d->digest, NULL, e);
	if (fd < 0)
		return NULL;
	struct file_view *f = xcalloc(1, sizeof(*f));
	f->view.ops = &file_ops;
	f->fd = fd;
	f->name = xstrdup(name);
	f->en = (struct entry){.path = f->name,
	        .type = ENTRY_FILE,
	        .mode = 0600,
	        .size = d->size,
	        .mtime_sec = d->modified,
	        .has_content = true,
	        .content = d->digest.h,
	        .offset = ENTRY_NO_OFFSET};
	return &f->view;
}

int remote_archive(struct exec *x, const struct download *d, struct view **ret, struct err *e)
{
	struct content c = CONTENT_NONE;
	auto_fd int fd = store_blob_open(x->store, &d->digest, &c.size, e);
	c.fd = fd;
	int archive = fd < 0 ? -1 : archive_sniff(&c, e);
	if (archive <= 0)
		return archive;
	*ret = archive_open(x->store, fd, e);
	return *ret ? 1 : -1;
}

// ---- times

struct newest {
	bool found;
	int64_t at;
};

static int look_at(void *arg, const struct entry *en, struct err *e)
{
	struct newest *n = arg;
	if (en->type == ENTRY_FILE && (!n->found || en->mtime_sec > n->at))
		*n = (struct newest){true, en->mtime_sec};
	return 0;
}

// A repository is asked for with its commit's time on every file; a server that says nothing of a
// file may have an archive, which has times of its own.
int remote_time(struct exec *x, const char *url, bool is_context, int64_t *ret, struct err *e)
{
	auto_view struct view *v = NULL;
	struct newest newest = {0};
	if (git_ref_is(url, is_context)) {
		struct remote r = {.git = {.mtime_of_commit = true}};
		v = open_git(x, &r, url, e);
		close_git(&r);
		if (!v)
			return -1;
	} else {
		struct download d;
		if (remote_download(x, url, NULL, -1, &d, e) ||
		        (!d.modified && remote_archive(x, &d, &v, e) < 0))
			return -1;
		newest = (struct newest){d.modified != 0, d.modified};
	}
	if (v && v->ops->walk(v, "", look_at, &newest, e))
		return -1;
	*ret = newest.at;
	return newest.found;
}

static char *url_name(const char *url)
{
	auto_url struct url u = {0};
	struct err later = ERR_INIT; // a URL that is none is refused when it is fetched
	char *name = url_parse(url, &u, &later) ? NULL : url_file_name(&u);
	return name ? name : xstrdup("__unnamed__");
}

static int first_download(struct exec *x, const struct step *s, struct remote *r, struct err *e)
{
	if (remote_download(x, r->url, NULL, s->id, &r->file, e))
		return -1;
	r->has_file = true;
	r->digest = r->file.digest;
	return pin_found_url(x, r->url, &r->digest, e);
}

static int file_remote(struct exec *x, const struct step *s, struct remote *r, struct err *e)
{
	if (s->copy.checksum) {
		if (digest_parse(s->copy.checksum, &r->digest, e)) {
			e->kind = ERR_DOCKERFILE;
			return err_wrap(e, "--checksum");
		}
		auto_url struct url u = {0};
		struct err later = ERR_INIT; // refused when it is fetched
		if (url_parse(r->url, &u, &later) == 0)
			note_file(x, &u, &r->digest);
	} else {
		int pinned = pin_url(x, r->url, &r->digest, e);
		if (pinned < 0 || (!pinned && first_download(x, s, r, e)))
			return -1;
	}
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, "file");
	hasher_str(h, r->name);
	hasher_hash(h, &r->digest.h);
	hasher_u64(h, s->copy.unpack_set && s->copy.unpack);
	r->id = hasher_end(h);
	return 0;
}

static struct view *file_fetch(
        struct exec *x, const struct step *s, struct remote *r, struct err *e)
{
	if (!r->has_file && remote_download(x, r->url, &r->digest, s->id, &r->file, e))
		return NULL;
	r->has_file = true;
	return remote_file_view(x, &r->file, r->name, e);
}

// ---- sources

static int git_source(
        struct exec *x, const struct step *s, const char *text, struct remote *r, struct err *e)
{
	if (git_ref_parse(text, &r->git, e))
		return -1;
	const struct copy_op *op = &s->copy;
	if (op->keep_git_dir_set && r->git.has_keep_git_dir &&
	        op->keep_git_dir != r->git.keep_git_dir)
		return err_set(e, ERR_DOCKERFILE, "inconsistent keep-git-dir configuration");
	r->keep_git_dir = op->keep_git_dir || r->git.keep_git_dir;
	if (op->checksum && git_ref_set_commit(&r->git, op->checksum, e))
		return err_wrap(e, "--checksum");
	bool says = r->git.commit || (r->git.ref && git_is_commit(r->git.ref));
	int pinned = says ? 0 : pin_git(x, text, &r->commit, e);
	if (pinned < 0 || git_remote(x, r, pinned > 0, e))
		return -1;
	return says ? 0 : pin_found_git(x, text, &r->commit, e);
}

int remote_source(
        struct exec *x, const struct step *s, const char *text, struct copy_plan *p, struct err *e)
{
	bool git = git_ref_is(text, false);
	if (!s->copy.add || (!git && !source_is_url(text)))
		return 0;
	struct remote *r = xcalloc(1, sizeof(*r));
	r->url = xstrdup(text);
	r->name = git ? xstrdup("") : url_name(text);
	if (git ? git_source(x, s, text, r, e) : file_remote(x, s, r, e)) {
		remote_free(r);
		return -1;
	}
	auto_free char *shown = git ? xstrdup(r->git.shown) : xstrdup(r->name);
	struct copy_source *src = copy_plan_add(p, shown);
	src->kind = COPY_REMOTE;
	src->remote = r;
	return 1;
}

int remote_fetch(struct exec *x, const struct step *s, struct copy_source *src, struct err *e)
{
	struct remote *r = src->remote;
	struct entry en;
	bool git = r->git.remote != NULL;
	src->kind = git ? COPY_DIR : COPY_FILE;
	src->owned = git ? git_view(x, r, e) : file_fetch(x, s, r, e);
	if (!src->owned)
		return -1;
	if (git || !s->copy.unpack_set || !s->copy.unpack)
		return 0;
	src->owned->ops->lookup(src->owned, r->name, &en, e);
	int archive = archive_is(src->owned, &en, e);
	if (archive <= 0)
		return archive;
	struct view *files = archive_view(x, src->owned, &en, e);
	view_free(src->owned);
	src->owned = files;
	src->kind = COPY_ARCHIVE;
	return files ? 0 : err_wrap(e, "unpack \"%s\"", r->name);
}
