// SPDX-License-Identifier: Apache-2.0
// Any bytes as an ignore file and as paths to ask it for, parted by the first NUL; then a path a
// line. What is remembered from one path must not change the answer for the next, and below a
// folder that is pruned everything must be excluded.
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/glob.h"
#include "base/mem.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct ignore *ig, const char *text, size_t n, const char *path)
{
	struct err e = ERR_INIT;
	struct ignore *fresh = ignore_parse(text, n, &e);
	int line = -1, line_fresh = -1;
	bool excluded = ignore_excludes(ig, path, &line);
	assert(fresh && ignore_excludes(fresh, path, &line_fresh) == excluded);
	assert(line == line_fresh && line >= 0);
	assert(!line || ignore_pattern_at(ig, line));
	ignore_free(fresh);
	for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
		auto_free char *dir = xstrndup(path, (size_t)(s - path));
		assert(!ignore_prunes(ig, dir) || excluded);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t n = nul ? (size_t)(nul - data) : size;
	struct err e = ERR_INIT;
	struct ignore *ig = ignore_parse(text, n, &e);
	if (!ig) {
		assert(e.kind == ERR_CONTEXT && e.msg[0]);
		return 0;
	}
	auto_strv struct strv paths = {0};
	auto_free char *asked =
	        nul ? xstrndup((const char *)nul + 1, size - n - 1) : xstrdup("a/b");
	strv_split(&paths, asked, '\n');
	for (size_t i = 0; i < paths.n && i < 50; i++) {
		auto_free char *path = fs_clean_rel(paths.v[i]);
		ask(ig, text, n, path);
		glob_match(paths.v[0], path);
	}
	ignore_free(ig);
	return 0;
}
