// SPDX-License-Identifier: Apache-2.0
// The word lexer behind expand.h, as heredoc delimiters need it too.
#pragma once

#include "dockerfile/expand.h"

struct err;

#define EXPAND_DEPTH 64        // ${a:-${b:-...}}
#define EXPAND_WORK (1u << 27) // bytes copied and pattern steps in one call

struct lex_options {
	bool raw_quotes;  // quotes stay in the result
	bool raw_escapes; // so do escape characters
	bool skip_quotes; // quotes mean nothing
	bool skip_unset;  // $x of an unset variable stays as it is
	size_t max;       // bytes of the result
};

// Either result may be NULL. On failure both are as far as they came.
int lex_word(const struct expand_env *env, const struct lex_options *o, struct str word,
        struct buf *ret, struct strv *ret_words, struct err *e);

// What is left to spend of EXPAND_WORK; the patterns count here too.
struct lex_budget {
	uint64_t left;
};
bool lex_spend(struct lex_budget *b, uint64_t n);

// ${value#pattern} and its kin. Only * and ? are special; neither matches a newline.
struct pattern_options {
	bool suffix;  // % and %%
	bool longest; // ## and %%
};
int pattern_trim(struct lex_budget *b, const char *value, const char *pattern,
        const struct pattern_options *o, struct buf *out, struct err *e);
struct pattern_replacement {
	const char *pattern, *with;
	bool all;   // ${x//p/r}
	size_t max; // bytes of the result
};
int pattern_replace(struct lex_budget *b, const char *value, const struct pattern_replacement *r,
        struct buf *out, struct err *e);
