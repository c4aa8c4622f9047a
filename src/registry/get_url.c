// SPDX-License-Identifier: Apache-2.0
// Any http(s) URL into a temporary file. Digest and length are computed while it arrives; a
// download that is cut begins anew, since nothing says that the rest would be of the same file.

#include "base/event.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "registry/client.h"
#include "registry/url.h"
#include <unistd.h>

#define FILE_MAX (UINT64_C(1) << 40)

void http_file_release(struct http_file *f)
{
	close_fd(&f->fd);
	free(f->etag);
	*f = (struct http_file){.fd = -1};
}

struct file_sink {
	struct http_sink sink;
	int fd;
	uint64_t size;
	struct hasher *hasher;
	struct progress progress;
};

static int file_start(struct http_sink *sink, const struct http_response *rs, struct err *e)
{
	struct file_sink *f = (struct file_sink *)sink;
	if (rs->content_length != UINT64_MAX && rs->content_length > FILE_MAX)
		return err_set(e, ERR_SPACE, "the file is larger than 1 TiB");
	f->size = 0;
	hasher_reset(f->hasher);
	f->progress.total = rs->content_length == UINT64_MAX ? 0 : rs->content_length;
	if (ftruncate(f->fd, 0) < 0 || lseek(f->fd, 0, SEEK_SET) < 0)
		return err_sys(e, "start download again");
	return 0;
}

static int file_write(struct http_sink *sink, const void *p, size_t n, struct err *e)
{
	struct file_sink *f = (struct file_sink *)sink;
	if (fault_point("registry.download") < 0)
		return err_sys(e, "write download");
	if (n > FILE_MAX - f->size)
		return err_set(e, ERR_SPACE, "the file is larger than 1 TiB");
	if (fs_write_all(f->fd, p, n, e) < 0)
		return -1;
	hasher_add(f->hasher, p, n);
	f->size += n;
	progress_tick(&f->progress, f->size);
	return 0;
}

static const char *advice(int status)
{
	switch (status) {
	case 401:
	case 403:
		return " (if it wants credentials: --secret id=HTTP_AUTH_TOKEN_<host> or "
		       "HTTP_AUTH_HEADER_<host>)";
	case 404:
	case 410:
		return " (check the address)";
	default:
		return "";
	}
}

static int refused(const struct http_response *rs, const char *shown, struct err *e)
{
	enum err_kind kind = rs->status == 404 || rs->status == 410   ? ERR_NOT_FOUND
	                     : rs->status == 401 || rs->status == 403 ? ERR_AUTH
	                                                              : ERR_NET;
	return err_set(e, kind, "get '%s': the server answers with status %d%s", shown, rs->status,
	        advice(rs->status));
}

static int fetch(struct registry *r, const struct http_get *get, const char *shown,
        struct file_sink *f, struct http_response *rs, struct err *e)
{
	struct retry retry = {0};
	for (;;) {
		struct http_request rq = {.method = "GET",
		        .url = get->url,
		        .authorization = get->authorization,
		        .sink = &f->sink,
		        .plain_redirects = true};
		int rc = http_perform(r->http, &rq, rs, e);
		if (rc == 0 && rs->status >= 200 && rs->status <= 299)
			return 0;
		bool passing =
		        rc < 0 ? rs->failure == HTTP_FAIL_CUT || rs->failure == HTTP_FAIL_TIMEOUT
		               : status_is_transient(rs->status);
		rc = rc < 0 ? err_wrap(e, "get '%s'", shown) : refused(rs, shown, e);
		if (!passing || api_try_again(r, &retry, rs, e->msg, e) <= 0)
			return rc;
		http_response_release(rs);
	}
}

// A weak validator will do: nothing here is put together from parts.
static bool same_etag(const char *a, const char *b)
{
	const char *x = str_has_prefix(a, "W/") ? a + 2 : a;
	const char *y = str_has_prefix(b, "W/") ? b + 2 : b;
	return !strcmp(x, y);
}

// Whatever goes wrong here, the GET that follows says it better.
static bool is_unchanged(struct registry *r, const struct http_get *get)
{
	auto_response struct http_response rs = {0};
	auto_strv struct strv headers = {0};
	struct err ignored = ERR_INIT;
	strv_addf(&headers, "If-None-Match: %s", get->etag);
	struct http_request rq = {.method = "HEAD",
	        .url = get->url,
	        .headers = &headers,
	        .authorization = get->authorization,
	        .plain_redirects = true};
	if (http_perform(r->http, &rq, &rs, &ignored))
		return false;
	if (rs.status == 304)
		return !rs.etag || same_etag(rs.etag, get->etag);
	return rs.status == 200 && rs.etag && same_etag(rs.etag, get->etag);
}

// An ETag becomes a header of a later request.
static char *keep_etag(const char *etag)
{
	if (!etag || !*etag || strlen(etag) > 1024)
		return NULL;
	for (const char *p = etag; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return NULL;
	return xstrdup(etag);
}

static void fill(struct file_sink *f, const struct http_response *rs, struct http_file *ret)
{
	int64_t modified = 0;
	if (rs->last_modified && !http_date_parse(rs->last_modified, &modified))
		modified = 0;
	*ret = (struct http_file){
	        .fd = steal_fd(&f->fd),
	        .size = f->size,
	        .digest = {hasher_end(f->hasher)},
	        .last_modified = modified,
	        .etag = keep_etag(rs->etag),
	};
}

static int download(struct registry *r, const struct http_get *get, const struct url *u,
        struct http_file *ret, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_free char *shown = url_text(u); // without a password
	struct file_sink f = {.sink = {file_start, file_write}, .fd = store_temp_file(r->store, e)};
	if (f.fd < 0)
		return -1;
	f.progress = (struct progress){.sink = r->sink, .step = get->step};
	snprintf(f.progress.text, sizeof(f.progress.text), "%.60s downloading", shown);
	f.hasher = hasher_new();
	int rc = fetch(r, get, shown, &f, &rs, e);
	if (rc == 0 && u->https && str_has_prefix(rs.url, "http://"))
		event_warn(r->sink, 0,
		        "'%s' was redirected to plain http: anyone on the way could "
		        "have changed the file; pin it with --checksum",
		        shown);
	if (rc == 0)
		fill(&f, &rs, ret);
	hasher_free(f.hasher);
	close_fd(&f.fd);
	return rc;
}

int registry_get_url(
        struct registry *r, const struct http_get *get, struct http_file *ret, struct err *e)
{
	auto_url struct url u = {0};
	if (url_parse(get->url, &u, e) < 0)
		return -1;
	if (get->etag && is_unchanged(r, get)) {
		*ret = (struct http_file){.fd = -1};
		return 0;
	}
	return download(r, get, &u, ret, e);
}
