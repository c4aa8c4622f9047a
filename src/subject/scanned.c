// SPDX-License-Identifier: Apache-2.0
#include "subject/scanned.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "context/local.h"
#include "packages/sbom.h"
#include "rootfs/stored_image.h"
#include "session/images.h"
#include "session/session.h"
#include "ui/ui.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SBOM_MAX (32u << 20)

void scanned_release(struct scanned *t)
{
	free(t->name);
	free(t->reference);
	manifest_release(&t->manifest);
	image_config_release(&t->config);
	buf_release(&t->config_text);
	image_packages_release(&t->found);
	strv_release(&t->tags);
	strv_release(&t->repo_digests);
	strv_release(&t->dockerfiles);
	free(t->layers);
	free(t->alone);
	package_list_release(&t->list);
	package_set_release(&t->set);
	*t = (struct scanned){0};
}

// ---- folders and documents

static int of_folder(const char *path, struct scanned *t, struct err *e)
{
	struct stat st;
	if (stat(path, &st))
		return errno == ENOENT ? err_set(e, ERR_NOT_FOUND, "there is no folder '%s'", path)
		                       : err_sys(e, "open '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_USAGE, "'%s' is no folder", path);
	auto_view struct view *v = context_open(path, NULL, -1, NULL, e);
	if (!v || packages_scan(v, PACKAGES_LOCK_FILES, &t->set, e))
		return -1;
	t->kind = REPORT_FOLDER;
	packages_list(&t->set, &t->list);
	t->packages = &t->list;
	return 0;
}

static int of_sbom(const char *path, struct scanned *t, struct err *e)
{
	auto_buf struct buf text = {0};
	if (fs_read_file(AT_FDCWD, path, SBOM_MAX, &text, e))
		return -1;
	if (packages_of_sbom(buf_cstr(&text), text.n, &t->set, e))
		return err_wrap(e, "'%s'", path);
	t->kind = REPORT_SBOM;
	packages_list(&t->set, &t->list);
	t->packages = &t->list;
	return 0;
}

// ---- images

// Its names and where it came from. Without them a report says less.
static void find_names(struct session *s, struct scanned *t)
{
	struct image_list all = {0};
	auto_strv struct strv sources = {0};
	struct err ignored = ERR_INIT;
	char digest[DIGEST_TEXT];
	if (!store_image_list(s->store, &all, &ignored))
		for (size_t i = 0; i < all.n; i++)
			if (all.v[i].name && digest_eq(&all.v[i].manifest, &t->digest))
				strv_take(&t->tags, short_name(all.v[i].name));
	image_list_release(&all);
	digest_text(&t->digest, digest);
	if (store_blob_sources(s->store, &t->digest, &sources, &ignored))
		return;
	for (size_t i = 0; i < sources.n; i++) {
		auto_free char *full = xasprintf("%s@%s", sources.v[i], digest);
		strv_take(&t->repo_digests, short_name(full));
	}
}

static int read_documents(struct session *s, struct scanned *t, struct err *e)
{
	auto_buf struct buf text = {0};
	if (store_blob_read(s->store, &t->digest, MANIFEST_MAX, &text, e) ||
	        manifest_parse(text.p, text.n, NULL, &t->manifest, e) ||
	        store_blob_read(
	                s->store, &t->manifest.config.digest, CONFIG_MAX, &t->config_text, e))
		return -1;
	return 0;
}

// t->digest is known, and the documents are in the store.
static int of_manifest(
        struct session *s, struct engine *g, const char *title, struct scanned *t, struct err *e)
{
	if (read_documents(s, t, e) || stored_image_load(g, &t->digest, &t->config, e) ||
	        image_packages_find(s, &t->config, title, &t->found, e))
		return -1;
	t->kind = REPORT_IMAGE;
	t->packages = &t->found.list;
	find_names(s, t);
	scanned_find_layers(s, t);
	return 0;
}

static int of_image(
        struct session *s, const struct subject_ask *ask, struct scanned *t, struct err *e)
{
	struct engine g;
	if (!s->store && session_open(s, true, e))
		return -1;
	auto_free char *title = xasprintf("fetch and unpack %s", t->name);
	s->ui = ui_new(ask->silent ? UI_QUIET : UI_AUTO, "Looking into");
	session_engine(s, &g);
	int rc = image_target_find(s, &g, ask, &t->digest, &t->reference, e);
	if (!rc)
		rc = of_manifest(s, &g, title, t, e);
	engine_release(&g);
	session_end_progress(s, rc != 0);
	return rc;
}

int scanned_of_image(struct session *s, const char *name, const struct digest *manifest,
        struct scanned *ret, struct err *e)
{
	struct engine g;
	*ret = (struct scanned){.name = xstrdup(name),
	        .reference = str_has_prefix(name, "sha256:") ? NULL : xstrdup(name),
	        .digest = *manifest};
	session_engine(s, &g);
	int rc = of_manifest(s, &g, NULL, ret, e);
	engine_release(&g);
	return rc;
}

// ---- which of them

static bool is_path(const char *text, mode_t type)
{
	struct stat st;
	return (*text == '.' || *text == '/') && !stat(text, &st) && (st.st_mode & S_IFMT) == type;
}

static bool is_json(const char *path)
{
	char head[64];
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head) - 1, 0);
	head[n > 0 ? n : 0] = '\0';
	return head[strspn(head, " \t\r\n")] == '{';
}

int scanned_open(
        struct session *s, const struct subject_ask *ask, struct scanned *ret, struct err *e)
{
	const char *text = ask->text;
	struct subject_ask file = *ask;
	*ret = (struct scanned){.name = xstrdup(text ? text : ask->input)};
	if (!text)
		return of_image(s, ask, ret, e);
	if (str_has_prefix(text, "dir:"))
		return of_folder(text + strlen("dir:"), ret, e);
	if (str_has_prefix(text, "sbom:"))
		return of_sbom(text + strlen("sbom:"), ret, e);
	if (is_path(text, S_IFDIR))
		return of_folder(text, ret, e);
	if (is_path(text, S_IFREG)) {
		file.input = text;
		return is_json(text) ? of_sbom(text, ret, e) : of_image(s, &file, ret, e);
	}
	if (*text == '.' || *text == '/')
		return err_set(e, ERR_NOT_FOUND, "there is no folder or file '%s'", text);
	return of_image(s, ask, ret, e);
}

// ---- what is said of it

static void warn_of(const struct package_set *s)
{
	for (size_t i = 0; i < s->warnings.n; i++) {
		auto_buf struct buf safe = {0};
		ui_escape(s->warnings.v[i], strlen(s->warnings.v[i]), &safe);
		fprintf(stderr, "warning: %s\n", buf_cstr(&safe));
	}
}

void scanned_warn(const struct scanned *t)
{
	warn_of(&t->set);
	for (size_t i = 0; i < t->found.n; i++)
		warn_of(&t->found.sets[i]);
}

struct timestamp scanned_time(const struct scanned *t)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	int64_t seconds;
	if (epoch && str_to_i64(epoch, &seconds) && seconds >= 0)
		return (struct timestamp){seconds, 0};
	if (t->kind == REPORT_IMAGE)
		return t->config.has_created ? t->config.created : (struct timestamp){0, 0};
	return (struct timestamp){time_now().sec, 0};
}

void scanned_report(const struct scanned *t, struct report *r)
{
	r->kind = t->kind;
	r->name = t->name;
	r->reference = t->reference;
	r->packages = t->packages;
	r->created = scanned_time(t);
	if (t->kind != REPORT_IMAGE)
		return;
	r->id = &t->manifest.config.digest;
	r->manifest = &t->digest;
	r->os = t->config.platform.os;
	r->arch = t->config.platform.arch;
	r->tags = &t->tags;
	r->repo_digests = &t->repo_digests;
	r->config = t->config_text.p;
	r->config_n = t->config_text.n;
	r->layers = t->layers;
	r->n_layers = t->config.n_diff_ids;
	r->base = t->found.base;
}

void scanned_report_alone(const struct scanned *t, struct report *r)
{
	scanned_report(t, r);
	r->tags = r->repo_digests = NULL;
	r->base = NULL;
	r->layers = t->alone;
}
