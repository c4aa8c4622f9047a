// SPDX-License-Identifier: Apache-2.0
// A compiled pattern: tokens run as a nondeterministic automaton over the runes of a path, all states at
// once, so that no input makes it slow.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum glob_kind {
	GLOB_RUNE,   // exactly this rune
	GLOB_ANY,    // ?  one rune but '/'
	GLOB_CLASS,  // [...]
	GLOB_STAR,   // *  any number of runes but '/'
	GLOB_ALL,    // ** at the end: anything
	GLOB_OPTION, // **/ : skip the next token, or enter it
	GLOB_DIRS,   // inside **/ : anything up to and with a '/'
};

struct glob_token {
	enum glob_kind kind;
	bool negated;
	uint32_t rune;
	const char *class_text; // between the brackets, in the pattern's text
	size_t class_len;
};

#define GLOB_TOKENS_MAX 4096

struct glob_program {
	struct glob_token *v;
	size_t n;
};

// -1: bad pattern. pattern must outlive the program. deep: `**` crosses slashes.
int glob_compile(const char *pattern, bool deep, struct glob_program *ret);
void glob_program_release(struct glob_program *p);
// parents: also true if a leading part of name that ends at a slash matches.
bool glob_run(const struct glob_program *p, const char *name, bool parents);
size_t glob_rune(const char *s, uint32_t *ret); // bytes of the rune at s; invalid bytes stand for themselves
