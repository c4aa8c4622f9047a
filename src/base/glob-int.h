// SPDX-License-Identifier: Apache-2.0
// Patterns compiled for many paths, in the dialect of moby/patternmatcher. Shared by glob*.c and
// ignore.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLOB_PATTERN_MAX 4096
#define GLOB_INVALID 0x110000u // plus the byte: what is not UTF-8 stands for itself

size_t glob_rune(
        const char *s, uint32_t *ret); // bytes of the rune at s, which must not be at the end
// p: after a '['. Returns what follows the ']' and whether rune is in the class; NULL: bad pattern.
const char *glob_class(const char *p, const char *end, uint32_t rune, bool *ret_in);
bool glob_valid(const char *pattern);

enum glob_shape {
	GLOB_EXACT,  // text
	GLOB_PREFIX, // text**
	GLOB_SUFFIX, // **text
	GLOB_STATES, // anything else: an automaton
};

struct glob_program {
	enum glob_shape shape;
	const char *text; // in the pattern, which must outlive the program
	size_t text_len;
	const char *tail; // GLOB_STATES: how every match ends; most paths are turned away by it
	size_t tail_len;
	struct glob_token *v;
	size_t n;
};

int glob_compile(const char *pattern, struct glob_program *ret); // -1: bad pattern
void glob_program_release(struct glob_program *p);
bool glob_run(const struct glob_program *p, const char *path);
// Could a path below dir match? Never false if one could.
bool glob_may_match_below(const struct glob_program *p, const char *dir);
