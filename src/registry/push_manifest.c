// SPDX-License-Identifier: Apache-2.0
// One document into a repository. What the registry says of it (its digest) must be what was sent.

#include "base/fault.h"
#include "base/mem.h"
#include "registry/push-int.h"

static int check_digest(const struct push_target *t, const struct manifest_bytes *m,
        const char *what, const struct http_response *rs, struct err *e)
{
	struct digest said;
	struct err ignored = ERR_INIT;
	if (rs->docker_content_digest &&
	        digest_parse(rs->docker_content_digest, &said, &ignored) == 0 &&
	        !digest_eq(&said, &m->digest))
		return err_set(e, ERR_CORRUPT, "'%s' stored %s under the digest %s",
		        t->ep->host->cred_name, what, rs->docker_content_digest);
	return 0;
}

int put_manifest(struct push_target *t, const struct manifest_bytes *m, const char *under,
        bool *ret_linked, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_strv struct strv headers = {0};
	auto_free char *tail = xasprintf("manifests/%s", under);
	auto_free char *what = xasprintf("manifest '%s' of '%s'", under, t->ep->repository);
	strv_addf(&headers, "Content-Type: %s", m->media_type);
	struct api_call call = {.ep = t->ep,
	        .tail = tail,
	        .rq = {.method = "PUT",
	                .headers = &headers,
	                .has_body = true,
	                .body = m->bytes.p,
	                .body_size = m->bytes.n}};
	scope_add_repository(&call.scopes, t->ep->repository, "pull,push");
	int rc = fault_point("registry.manifest") < 0 ? err_sys(e, "upload %s", what)
	                                              : api_perform(t->r, &call, &rs, e);
	api_call_release(&call);
	if (rc < 0)
		return -1;
	if (rs.status < 200 || rs.status > 299)
		return api_refused(t->ep, &rs, what, e);
	*ret_linked = rs.oci_subject != NULL;
	return check_digest(t, m, what, &rs, e);
}
