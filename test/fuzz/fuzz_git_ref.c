// SPDX-License-Identifier: Apache-2.0
// Git repositories as Dockerfiles name them. What comes of it goes onto git's command line and into
// its configuration: no options, no lines, and what is shown holds no password.
#include "base/err.h"
#include "base/mem.h"
#include "dockerfile/git_ref.h"
#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *s)
{
	assert(*s && *s != '-');
	for (; *s; s++)
		assert((unsigned char)*s >= ' ' && *s != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *s = xstrndup((const char *)data, size);
	auto_git_ref struct git_ref r = {0};
	struct err e = ERR_INIT;
	if (git_ref_parse(s, &r, &e) < 0) {
		assert(e.kind == ERR_DOCKERFILE && e.msg[0]);
		return 0;
	}
	assert(git_ref_is(s, true));
	check(r.remote);
	check(r.shown);
	check(r.host);
	if (r.ref) {
		check(r.ref);
		assert(*r.ref != '+' && !strpbrk(r.ref, " :*?["));
	}
	if (r.subdir)
		assert(*r.subdir != '/' && strcmp(r.subdir, "..") != 0 &&
		        strncmp(r.subdir, "../", 3) != 0);
	return 0;
}
