// SPDX-License-Identifier: Apache-2.0
// registry_client copy SOURCE NAME              a manifest or an index with all below it
// registry_client attach NAME SUBJECT TYPE TEXT an artifact with one layer about a manifest of the
//                                               repository; prints its digest
// registry_client referrers NAME SUBJECT [TYPE] a line each: digest, type, annotation "n"
//
// For the tests: calls of registry.h with a store of its own in HEW_ROOT.
#include "base/err.h"
#include "base/mem.h"
#include "registry/registry.h"
#include <stdio.h>

static int copy(struct registry *r, char **args, struct err *e)
{
	auto_reference struct reference from = {0}, to = {0};
	auto_buf struct buf bytes = {0};
	if (reference_parse(args[0], &from, e) < 0 || reference_parse(args[1], &to, e) < 0 ||
	        registry_fetch_manifest(r, &from, &bytes, e) < 0)
		return -1;
	struct digest d = digest_of(bytes.p, bytes.n);
	return registry_push(r, &to, &d, -1, e);
}

static int put_text(struct store *s, const char *text, struct descriptor *ret, struct err *e)
{
	ret->size = strlen(text);
	return store_blob_put(s, text, strlen(text), &ret->digest, e);
}

// args: NAME SUBJECT TYPE TEXT
static int attach(struct registry *r, struct store *s, char **args, struct err *e)
{
	auto_reference struct reference ref = {0};
	auto_manifest struct manifest m = {0};
	auto_buf struct buf bytes = {0}, subject = {0};
	auto_free char *about = xasprintf("%s@%s", args[0], args[1]);
	if (reference_parse(about, &ref, e) < 0 ||
	        registry_fetch_manifest(r, &ref, &subject, e) < 0)
		return -1;
	m.media_type = xstrdup(MT_OCI_MANIFEST);
	m.artifact_type = xstrdup(args[2]);
	m.config.media_type = xstrdup(MT_EMPTY);
	m.subject = (struct descriptor){
	        .media_type = xstrdup(MT_OCI_MANIFEST), .digest = ref.digest, .size = subject.n};
	strv_addf(&m.annotations, "n=%s", args[3]);
	struct descriptor *layer = descriptor_list_add(&m.layers);
	layer->media_type = xstrdup("text/plain");
	if (put_text(s, "{}", &m.config, e) < 0 || put_text(s, args[3], layer, e) < 0)
		return -1;
	manifest_write(&m, &bytes);
	if (store_blob_put(s, bytes.p, bytes.n, &ref.digest, e) < 0 ||
	        registry_push(r, &ref, &ref.digest, -1, e) < 0)
		return -1;
	char digest[DIGEST_TEXT];
	digest_text(&ref.digest, digest);
	puts(digest);
	return 0;
}

static int referrers(struct registry *r, char **args, struct err *e)
{
	auto_reference struct reference ref = {0};
	struct descriptor_list found = {0};
	struct digest subject;
	if (reference_parse(args[0], &ref, e) < 0 || digest_parse(args[1], &subject, e) < 0 ||
	        registry_referrers(r, &ref, &subject, args[2], &found, e) < 0)
		return -1;
	for (size_t i = 0; i < found.n; i++) {
		char digest[DIGEST_TEXT];
		const char *n = strv_env_get(&found.v[i].annotations, "n");
		digest_text(&found.v[i].digest, digest);
		printf("%s %s %s\n", digest, found.v[i].artifact_type, n ? n : "-");
	}
	descriptor_list_release(&found);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	auto_free char *root = store_default_root();
	auto_store struct store *s = store_open(root, STORE_CREATE, &e);
	struct registry_options o = {0};
	struct registry *r = s ? registry_new(s, &o, &e) : NULL;
	int rc = -1;
	if (r && argc == 4 && !strcmp(argv[1], "copy"))
		rc = copy(r, argv + 2, &e);
	else if (r && argc == 6 && !strcmp(argv[1], "attach"))
		rc = attach(r, s, argv + 2, &e);
	else if (r && argc >= 4 && !strcmp(argv[1], "referrers"))
		rc = referrers(r, argv + 2, &e);
	registry_free(r);
	if (rc < 0)
		fprintf(stderr, "ERROR: %s\n", e.msg);
	return rc < 0 ? err_exit_status(&e) : 0;
}
