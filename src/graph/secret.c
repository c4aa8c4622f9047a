// SPDX-License-Identifier: Apache-2.0
// Names whose values nobody should see.
#include "base/mem.h"
#include "graph/graph.h"
#include <strings.h>

// One of the tokens, in any case, between underscores or ends.
static bool has_token(const char *name, const char *const *tokens, size_t n)
{
	for (const char *p = name; p; p = strchr(p, '_')) {
		p += *p == '_';
		for (size_t i = 0; i < n; i++) {
			size_t len = strlen(tokens[i]);
			if (strncasecmp(p, tokens[i], len) == 0 && (p[len] == '_' || !p[len]))
				return true;
		}
	}
	return false;
}

bool name_is_secret(const char *name)
{
	static const char *const secret[] = {"apikey", "auth", "credential", "credentials", "key",
	        "password", "pword", "passwd", "secret", "token"};
	static const char *const open[] = {"public", "file", "version"};
	return has_token(name, secret, ARRAY_LEN(secret)) &&
	       !has_token(name, open, ARRAY_LEN(open));
}
