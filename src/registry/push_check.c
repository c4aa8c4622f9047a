// SPDX-License-Identifier: Apache-2.0
// Whether a push would be let in, before there is anything to push: an upload is begun and given
// up. Asking for a token alone would not tell: Docker Hub gives one to everybody, with less in it.

#include "base/event.h"
#include "base/mem.h"
#include "registry/push-int.h"

// Nothing comes of it if this fails: registries take away uploads that nobody goes on with.
static void give_up(struct registry *r, struct endpoint *ep, const struct http_response *begun)
{
	auto_response struct http_response rs = {0};
	struct push_target t = {.r = r, .ep = ep};
	struct upload u = {.t = &t};
	struct err ignored = ERR_INIT;
	if (upload_located(&u, begun, &ignored) < 0)
		return;
	struct api_call c = {
	        .url = u.location, .once = true, .settled = true, .rq = {.method = "DELETE"}};
	upload_call(&u, &c, &rs, &ignored);
	free(u.location);
}

static bool is_final(const struct http_response *rs, int rc)
{
	if (rc == 0)
		return rs->status == 400 || rs->status == 401 || rs->status == 403 ||
		       rs->status == 404;
	return rs->failure != HTTP_FAIL_CUT && rs->failure != HTTP_FAIL_TIMEOUT;
}

static int check(struct registry *r, struct endpoint *ep, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_free char *what = xasprintf("a push to '%s'", ep->repository);
	struct api_call c = {.ep = ep,
	        .tail = "blobs/uploads/",
	        .once = true,
	        .rq = {.method = "POST", .has_body = true, .body = ""}};
	scope_add_repository(&c.scopes, ep->repository, "pull,push");
	int rc = api_perform(r, &c, &rs, e);
	api_call_release(&c);
	if (rc == 0 && rs.status >= 200 && rs.status <= 299) {
		give_up(r, ep, &rs);
		return 0;
	}
	if (rc == 0)
		api_refused(ep, &rs, what, e);
	if (is_final(&rs, rc) || e->kind == ERR_CANCELLED)
		return -1;
	return 1;
}

int registry_check_push(struct registry *r, const struct reference *ref, struct err *e)
{
	auto_endpoints struct endpoint_list eps = {0};
	auto_free char *shown = reference_familiar(ref);
	int rc = -1;
	if (endpoint_list_make(r, ref->domain, ref->repository, ENDPOINT_PUSH, &eps, e) == 0)
		rc = check(r, &eps.v[eps.n - 1], e);
	if (rc < 0)
		err_wrap(e, "push '%s'", shown);
	return rc;
}
