// SPDX-License-Identifier: Apache-2.0
// Any bytes as a word. The first byte chooses the escape character and the way; the values are
// hostile too: patterns, quotes, newlines, invalid UTF-8.
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "dockerfile/expand.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *get(void *arg, const char *name)
{
	static const char *const values[] = {"", "a", "aXbXc", "*", "\\*/", "a\nb\nc",
	        "\xff\xc3\xa4", "a b  c", "'\"", "/usr/lib/x.tar.gz", "??"};
	if (name[0] >= 'a' && name[0] < 'a' + (char)ARRAY_LEN(values))
		return values[name[0] - 'a'];
	return NULL;
}

static void undefined(void *arg, const char *name)
{
	*(size_t *)arg += strlen(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	size_t seen = 0;
	struct expand_env env = {.get = get, .arg = &seen, .escape = data[0] & 1 ? '`' : '\\'};
	if (data[0] & 2)
		env.undefined = undefined;
	env.undefined_arg = &seen;
	auto_free char *word = xstrndup((const char *)data + 1, size - 1);
	auto_free char *one = NULL, *kept = NULL;
	auto_strv struct strv words = {0};
	struct err e = ERR_INIT;
	int r = expand_word(&env, word, &one, &e);
	assert(r == 0 ? strlen(one) <= EXPAND_MAX : e.kind == ERR_DOCKERFILE && e.msg[0]);
	int many = expand_words(&env, word, &words, &e);
	assert(many == r);
	for (size_t i = 0; i < words.n; i++)
		assert(words.v[i][0]);
	if (expand_keep_quotes(&env, word, &kept, &e) == 0)
		assert(strlen(kept) <= EXPAND_MAX);
	return 0;
}
