// SPDX-License-Identifier: Apache-2.0
// hew db update and hew db push: the advisory database as an OCI artifact, an image manifest with
// one layer of its own media type, so that every registry takes it and every mirror has it. These
// two are the only ones around it that use the network.
#include "advisory/advisory.h"
#include "advisory/artifact.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/db.h"
#include "image/manifest.h"
#include "image/reference.h"
#include "registry/registry.h"
#include "session/session.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PACKED_MAX ((uint64_t)1 << 30)

struct transfer {
	const struct db_options *o;
	struct session session;
	char *path;
	struct advisory_origin before;
	char *mark; // of what was fetched
};

static void transfer_release(struct transfer *t)
{
	session_close(&t->session);
	free(t->path);
	free(t->mark);
	advisory_origin_release(&t->before);
}
#define auto_transfer __attribute__((cleanup(transfer_release)))

static int open_transfer(struct transfer *t, const struct db_options *o, struct err *e)
{
	*t = (struct transfer){
	        .o = o, .path = advisories_default_path(), .session.insecure = o->insecure};
	advisory_origin_read(t->path, &t->before);
	return session_open(&t->session, true, e);
}

static void tell(const struct transfer *t, const char *text)
{
	if (!t->o->quiet)
		printf("%s: %s\n", t->path, text);
}

// Is what is here just that?
static bool is_here(const struct transfer *t, const char *from, const char *mark)
{
	return *mark && t->before.from && !strcmp(t->before.from, from) &&
	       !strcmp(t->before.mark, mark) && !access(t->path, R_OK);
}

static int take(struct transfer *t, int fd, const char *from, const char *mark, struct err *e)
{
	int rc = advisories_install(fd, t->path, t->o->force, e);
	if (rc < 0)
		return err_wrap(e, "%s", from);
	tell(t, rc ? "updated" : "what is there is newer (--force takes the other all the same)");
	const struct advisory_origin origin = {xstrdup(from), xstrdup(mark)};
	rc = rc ? advisory_origin_write(t->path, &origin, e) : 0;
	free(origin.from);
	free(origin.mark);
	return rc;
}

// --- out of a registry -------------------------------------------------------------------------

static const struct descriptor *find_layer(const struct manifest *m, struct err *e)
{
	if (m->layers.n == 1 && !strcmp(m->layers.v[0].media_type, MT_ADVISORIES) &&
	        m->layers.v[0].size <= PACKED_MAX)
		return &m->layers.v[0];
	err_set(e, ERR_UNSUPPORTED, "it is no advisory database (%s), or one for another hew",
	        m->layers.n ? m->layers.v[0].media_type : "no layer");
	return NULL;
}

static int fetch_layer(struct transfer *t, struct registry *r, const struct reference *ref,
        const struct descriptor *d, const char *from, struct err *e)
{
	struct store *s = t->session.store;
	auto_free char *repository = reference_name(ref);
	char mark[DIGEST_TEXT];
	digest_text(&d->digest, mark);
	if (is_here(t, from, mark)) {
		tell(t, "up to date");
		return 0;
	}
	if (store_blob_add_source(s, &d->digest, repository, e) || registry_fetch_blob(r, d, -1, e))
		return -1;
	auto_fd int fd = store_blob_open(s, &d->digest, NULL, e);
	struct err ignored = ERR_INIT;
	int rc = fd < 0 ? -1 : take(t, fd, from, mark, e);
	store_blob_delete(s, &d->digest, &ignored); // unpacked, it is in its place
	return rc;
}

static int update_from_registry(struct transfer *t, const char *text, struct err *e)
{
	auto_reference struct reference ref = {0};
	auto_manifest struct manifest m = {0};
	auto_buf struct buf bytes = {0};
	if (reference_parse(text, &ref, e))
		return -1;
	auto_free char *from = reference_text(&ref);
	struct registry *r = session_registry(&t->session, e);
	if (!r || registry_fetch_manifest(r, &ref, &bytes, e))
		return -1;
	if (manifest_parse(bytes.p, bytes.n, NULL, &m, e))
		return err_wrap(e, "%s", from);
	const struct descriptor *d = find_layer(&m, e);
	return d ? fetch_layer(t, r, &ref, d, from, e) : err_wrap(e, "%s", from);
}

// --- from elsewhere ----------------------------------------------------------------------------

static int update_from_url(struct transfer *t, const char *url, struct err *e)
{
	bool known = t->before.from && !strcmp(t->before.from, url) && *t->before.mark &&
	             !access(t->path, R_OK);
	struct http_get get = {.url = url, .etag = known ? t->before.mark : NULL, .step = -1};
	struct http_file f = {.fd = -1};
	struct registry *r = session_registry(&t->session, e);
	if (!r || registry_get_url(r, &get, &f, e))
		return -1;
	int rc = 0;
	if (f.fd < 0)
		tell(t, "up to date");
	else
		rc = take(t, f.fd, url, f.etag ? f.etag : "", e);
	http_file_release(&f);
	return rc;
}

static bool is_url(const char *from)
{
	return str_has_prefix(from, "http://") || str_has_prefix(from, "https://");
}

// A path has to look like one, as those of images do not; but what is there is meant.
static bool is_file(const char *from)
{
	return *from == '/' || *from == '.' || !access(from, F_OK);
}

int db_update(const struct db_options *o, const char *from, struct err *e)
{
	auto_transfer struct transfer t = {0};
	auto_free char *path = advisories_default_path();
	if (from && is_file(from) && !is_url(from)) { // needs no store
		t = (struct transfer){.o = o, .path = steal_ptr(&path)};
		auto_fd int fd = open(from, O_RDONLY | O_CLOEXEC);
		return fd < 0 ? err_sys(e, "open '%s'", from) : take(&t, fd, from, "", e);
	}
	if (open_transfer(&t, o, e))
		return -1;
	if (!from && !(from = t.before.from))
		return err_set(e, ERR_USAGE,
		        "hew db update: from where? Name a registry's image, a URL or a file; from "
		        "then on it is remembered");
	return is_url(from) ? update_from_url(&t, from, e) : update_from_registry(&t, from, e);
}

// --- into a registry ---------------------------------------------------------------------------

static int put_layer(struct transfer *t, struct descriptor *ret, struct err *e)
{
	struct store *s = t->session.store;
	struct hash h;
	auto_fd int fd = store_temp_file(s, e);
	if (fd < 0 || advisories_pack(t->path, fd, e))
		return -1;
	if (hash_fd(fd, &h, &ret->size))
		return err_sys(e, "read the packed database");
	ret->digest = (struct digest){h};
	ret->media_type = xstrdup(MT_ADVISORIES);
	return store_blob_commit(s, fd, &ret->digest, ret->size, e);
}

// What one would like to know before fetching.
static int put_config(struct transfer *t, const char *time, struct descriptor *ret, struct err *e)
{
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 0);
	jw_object(&w);
	jw_kv_int(&w, "format", ADVISORIES_FORMAT);
	jw_kv(&w, "newest", time);
	jw_object_end(&w);
	ret->media_type = xstrdup(MT_ADVISORIES_CONFIG);
	ret->size = out.n;
	return store_blob_put(t->session.store, out.p, out.n, &ret->digest, e);
}

static int put_manifest(struct transfer *t, struct digest *ret, struct err *e)
{
	auto_advisories struct advisories *db = NULL;
	auto_manifest struct manifest m = {.media_type = xstrdup(MT_OCI_MANIFEST)};
	auto_buf struct buf out = {0};
	char time[TIME_TEXT];
	if (advisories_open(t->path, &db, e))
		return -1;
	time_format((struct timestamp){advisories_time(db), 0}, time);
	if (put_config(t, time, &m.config, e) || put_layer(t, descriptor_list_add(&m.layers), e))
		return -1;
	strv_addf(&m.annotations, "org.opencontainers.image.created=%s", time);
	manifest_write(&m, &out);
	return store_blob_put(t->session.store, out.p, out.n, ret, e);
}

int db_push(const struct db_options *o, const char *to, struct err *e)
{
	auto_transfer struct transfer t = {0};
	auto_reference struct reference ref = {0};
	struct digest manifest;
	char text[DIGEST_TEXT];
	if (reference_parse(to, &ref, e) || open_transfer(&t, o, e) ||
	        put_manifest(&t, &manifest, e))
		return -1;
	struct registry *r = session_registry(&t.session, e);
	if (!r || registry_push(r, &ref, &manifest, -1, e))
		return -1;
	digest_text(&manifest, text);
	puts(text);
	return 0;
}
