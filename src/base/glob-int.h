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
enum glob_dialect {
	GLOB_GO,         // filepath.Match: an escape makes any rune ordinary
	GLOB_EXPRESSION, // Go's regexp: some escapes have a meaning, others are errors
};
// p: after a '['. Returns what follows the ']' and whether rune is in the class; NULL: bad pattern.
const char *glob_class(
        const char *p, const char *end, uint32_t rune, enum glob_dialect dialect, bool *ret_in);
// What an escaped rune stands for in an expression; 0 if it is no rune.
uint32_t glob_escaped(uint32_t rune);
// Is rune in the set that the escaped letter is the name of (d, D, s, S, w, W)? -1: it is none.
int glob_escaped_set(uint32_t letter, uint32_t rune);
bool glob_is_word(uint32_t rune); // a letter, digit or _ of ASCII
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
// ret[i]: the same of path's first ends[i] bytes. ends grow; each is at a '/' or at path's end. One
// walk, however many there are.
void glob_run_levels(
        const struct glob_program *p, const char *path, const size_t *ends, size_t n, bool *ret);
// Could a path below dir match? Never false if one could.
bool glob_may_match_below(const struct glob_program *p, const char *dir);
