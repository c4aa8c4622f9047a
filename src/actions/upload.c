// SPDX-License-Identifier: Apache-2.0
// Bytes into an entry. A large one goes in blocks side by side, so many at once from all that is
// being sent; each is read from its file as it goes, so memory does not grow with them. A block
// that was cut is sent again as a whole: until the list of blocks is there, none of them counts.
#include "actions/actions-int.h"
#include "base/base64.h"
#include "base/mem.h"
#include "base/pool.h"
#include "registry/url.h"
#include <string.h>

#define BLOCK_MIN (UINT64_C(8) << 20)
#define BLOCK_MAX (UINT64_C(32) << 20)
#define BLOCKS_AT_ONCE 8
#define SETTLE_MS 2000 // until an entry that has just been finished may be seen
#define BESIDE_MAX 5   // names beside one that nobody can use
#define STORAGE_VERSION "x-ms-version: 2024-11-04"

struct blocks {
	struct actions *a;
	const struct reservation *r;
	const struct body *body;
	uint64_t size; // of each but the last
	struct patience patience;
};

// ---- one block

// Ids of one length, in order.
static void block_id(size_t i, struct buf *ret)
{
	char text[32];
	snprintf(text, sizeof(text), "hew-block-%06zu", i);
	base64_encode(ret, text, 16);
}

static uint64_t block_size(const struct blocks *b, size_t i)
{
	uint64_t from = i * b->size;
	return b->body->size - from < b->size ? b->body->size - from : b->size;
}

static void address_v2(
        const struct blocks *b, size_t i, bool alone, struct buf *url, struct strv *headers)
{
	auto_buf struct buf id = {0};
	buf_puts(url, b->r->url);
	strv_add(headers, STORAGE_VERSION);
	strv_add(headers, "Content-Type: application/octet-stream");
	if (alone) {
		strv_add(headers, "x-ms-blob-type: BlockBlob");
		return;
	}
	block_id(i, &id);
	buf_printf(url, "%ccomp=block&blockid=", strchr(b->r->url, '?') ? '&' : '?');
	url_escape(url, id.p);
}

static void address_v1(const struct blocks *b, size_t i, struct buf *url, struct strv *headers)
{
	uint64_t from = i * b->size;
	buf_puts(url, b->r->url);
	strv_add(headers, "Accept: application/json;api-version=6.0-preview.1");
	strv_add(headers, "Content-Type: application/octet-stream");
	strv_addf(headers, "Content-Range: bytes %ju-%ju/*", (uintmax_t)from,
	        (uintmax_t)(from + block_size(b, i) - 1));
}

static int put_block(struct blocks *b, size_t i, bool alone, struct err *e)
{
	struct actions *a = b->a;
	struct patience p = b->patience;
	auto_response struct http_response rs = {0};
	auto_strv struct strv headers = {0};
	auto_buf struct buf url = {0};
	if (a->v2)
		address_v2(b, i, alone, &url, &headers);
	else
		address_v1(b, i, &url, &headers);
	const struct http_request rq = {.method = a->v2 ? "PUT" : "PATCH",
	        .url = url.p,
	        .headers = &headers,
	        .authorization = a->v2 ? NULL : a->authorization,
	        .stays = true,
	        .has_body = true,
	        .body = b->body->data,
	        .body_fd = b->body->fd,
	        .body_from = i * b->size,
	        .body_size = block_size(b, i)};
	if (service_request(a, &rq, &p, &rs, e))
		return -1;
	if (rs.status / 100 != 2)
		return err_set(e, ERR_FAIL, "the cache's storage answers with status %d to %s",
		        rs.status, alone ? "a blob" : "a block of a blob");
	if (b->body->sent)
		b->body->sent(b->body->arg, rq.body_size);
	return 0;
}

static int send_block(void *arg, size_t i, struct err *e)
{
	struct blocks *b = arg;
	if (patience_ended(&b->patience))
		return err_set(e, ERR_NET, "no time is left (timeout=)");
	if (slots_enter(&b->a->blocks, BLOCKS_AT_ONCE, e))
		return -1;
	int rc = put_block(b, i, b->a->v2 && b->body->size <= b->size, e);
	slots_leave(&b->a->blocks);
	return rc;
}

static int put_list(struct blocks *b, size_t n, struct patience *p, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_strv struct strv headers = {0};
	auto_buf struct buf list = {0};
	auto_free char *url =
	        xasprintf("%s%ccomp=blocklist", b->r->url, strchr(b->r->url, '?') ? '&' : '?');
	strv_add(&headers, STORAGE_VERSION);
	strv_add(&headers, "Content-Type: application/xml");
	buf_puts(&list, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
	for (size_t i = 0; i < n; i++) {
		buf_puts(&list, "<Latest>");
		block_id(i, &list);
		buf_puts(&list, "</Latest>");
	}
	buf_puts(&list, "</BlockList>");
	const struct http_request rq = {.method = "PUT",
	        .url = url,
	        .headers = &headers,
	        .stays = true,
	        .has_body = true,
	        .body = list.p,
	        .body_size = list.n};
	if (service_request(b->a, &rq, p, &rs, e))
		return -1;
	return rs.status / 100 == 2 ? 0
	                            : err_set(e, ERR_FAIL,
	                                      "the cache's storage answers with status %d to a "
	                                      "list of blocks",
	                                      rs.status);
}

// An eighth each, between the bounds.
static uint64_t choose_size(uint64_t size)
{
	uint64_t part = size / BLOCKS_AT_ONCE + 1;
	return part < BLOCK_MIN ? BLOCK_MIN : part > BLOCK_MAX ? BLOCK_MAX : part;
}

int upload_bytes(struct actions *a, const struct reservation *r, const struct body *body,
        struct patience *p, struct err *e)
{
	struct blocks b = {.a = a,
	        .r = r,
	        .body = body,
	        .size = body->data ? BLOCK_MAX : choose_size(body->size),
	        .patience = *p};
	size_t n = body->size ? (size_t)((body->size + b.size - 1) / b.size) : 1;
	const struct pool_each work = {
	        .n = n, .threads = BLOCKS_AT_ONCE, .arg = &b, .fn = send_block};
	if (pool_run_each(&work, e))
		return -1;
	return n > 1 && a->v2 ? put_list(&b, n, p, e) : 0;
}

// ---- whole entries

int actions_write(struct actions *a, const char *key, const void *data, size_t n,
        struct patience *p, struct err *e)
{
	struct reservation *r = NULL;
	const struct body body = {.data = data, .fd = -1, .size = n};
	int rc = entry_reserve(a, key, n, p, &r, e);
	if (rc > 0 && (upload_bytes(a, r, &body, p, e) || entry_finish(a, r, n, p, e)))
		rc = -1;
	reservation_free(r);
	return rc;
}

static int is_there(struct actions *a, const char *key, struct patience *p, struct err *e)
{
	auto_free char *url = NULL;
	return actions_find(a, key, p, NULL, &url, e);
}

int actions_has(struct actions *a, const struct digest *d, struct patience *p, struct err *e)
{
	char key[ACTIONS_KEY];
	actions_blob_key(d, key);
	pthread_mutex_lock(&a->lock);
	bool known = map_has(&a->there, key);
	pthread_mutex_unlock(&a->lock);
	return known ? 1 : is_there(a, key, p, e);
}

// Somebody has reserved the key. Either the entry is there, perhaps only just; or who reserved it
// is at it, or died of it: nobody can tell, and nobody can read it. A search for the key finds what
// has a longer one, too, so a name beside it will do. 1: reserved, 0: it is there after all, -1.
static int reserve_beside(struct actions *a, const char *key, uint64_t size, struct patience *p,
        struct reservation **ret, struct err *e)
{
	for (int i = 0; i < 2; i++) {
		int there = (i && service_wait(SETTLE_MS, e)) ? -1 : is_there(a, key, p, e);
		if (there)
			return there < 0 ? -1 : 0;
	}
	for (int i = 2; i < 2 + BESIDE_MAX; i++) {
		auto_free char *beside = xasprintf("%s-r%d", key, i);
		int rc = entry_reserve(a, beside, size, p, ret, e);
		if (rc)
			return rc;
	}
	return err_set(e, ERR_NET, "'%s' has the blob reserved for somebody who does not send it",
	        a->host);
}

// 1: *ret is to be filled; 0: it is there; -1.
static int reserve(struct actions *a, const char *key, uint64_t size, struct patience *p,
        struct reservation **ret, struct err *e)
{
	pthread_mutex_lock(&a->lock);
	bool known = map_has(&a->there, key);
	struct err refused = a->refused;
	*ret = map_get(&a->begun, key);
	map_del(&a->begun, key);
	pthread_mutex_unlock(&a->lock);
	if (known || *ret)
		return *ret != NULL;
	int there = is_there(a, key, p, e);
	if (there)
		return there < 0 ? -1 : 0;
	if (refused.kind) {
		*e = refused;
		return -1;
	}
	int rc = entry_reserve(a, key, size, p, ret, e);
	return rc ? rc : reserve_beside(a, key, size, p, ret, e);
}

int actions_send(struct actions *a, const struct actions_blob *b, struct patience *p, struct err *e)
{
	char key[ACTIONS_KEY];
	struct reservation *r = NULL;
	const struct body body = {.fd = b->fd, .size = b->size, .sent = b->sent, .arg = b->arg};
	actions_blob_key(b->digest, key);
	int rc = patience_ended(p) ? err_set(e, ERR_NET, "no time is left (timeout=)")
	                           : reserve(a, key, b->size, p, &r, e);
	if (rc > 0)
		rc = upload_bytes(a, r, &body, p, e) || entry_finish(a, r, b->size, p, e) ? -1 : 0;
	pthread_mutex_lock(&a->lock);
	if (rc == 0)
		map_set(&a->there, key, a);
	else if (r && e->kind != ERR_FAIL) // goes on with it later: it cannot be reserved twice
		map_set(&a->begun, key, steal_ptr(&r));
	pthread_mutex_unlock(&a->lock);
	reservation_free(r);
	return rc;
}
