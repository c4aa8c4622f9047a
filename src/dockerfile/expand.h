// SPDX-License-Identifier: Apache-2.0
// Variable expansion and word processing as BuildKit's frontend/dockerfile/shell: $x, ${x:-w},
// ${x#p}, ${x/p/r}, quotes and the escape character.
#pragma once

#include "base/buf.h"

struct err;

struct expand_env {
	// Value of a variable, or NULL if unset.
	const char *(*get)(void *arg, const char *name);
	void *arg;
	char escape; // '\\' or '`'
	// Told of every variable that was used though unset and without a default; may be NULL.
	void (*undefined)(void *arg, const char *name);
	void *undefined_arg;
};

#define EXPAND_MAX (4u << 20) // bytes one word may grow to

// Expands one word; quotes and escapes are processed away. Caller frees *ret.
int expand_word(const struct expand_env *env, const char *word, char **ret, struct err *e);
// As expand_word but the result is split at unquoted blanks (EXPOSE).
int expand_words(const struct expand_env *env, const char *word, struct strv *ret, struct err *e);
// Expands; quotes stay and mean nothing, an escape character still makes the next one literal and
// goes away. For heredoc bodies of COPY and ADD, with env->escape always '\\', as BuildKit does.
int expand_keep_quotes(const struct expand_env *env, const char *word, char **ret, struct err *e);
// env over a "K=V" list
const char *expand_get_strv(void *strv, const char *name);
