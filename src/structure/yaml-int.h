// SPDX-License-Identifier: Apache-2.0
// A document of YAML (or JSON, which is YAML) read into structures as tables say: one row a key.
// Everything is bounded, every refusal has file and line.
#pragma once

#include "structure/structure.h"

struct yaml_reader;

enum field_kind {
	FIELD_TEXT,     // const char *; NULL: nothing is said
	FIELD_BOOL,     // bool
	FIELD_INT,      // int64_t
	FIELD_TEXTS,    // struct texts
	FIELD_PATTERNS, // struct patterns
	FIELD_COMMANDS, // struct commands: a list of lists of texts
	FIELD_OBJECT,   // a structure
	FIELD_OBJECTS,  // a pointer to an array of structures, and how many there are
};

// One key of a mapping. The last row of a table has no key.
struct yaml_field {
	const char *key;
	enum field_kind kind;
	size_t offset;                  // of where it goes
	size_t n_offset;                // FIELD_OBJECTS: of the number of them
	const struct yaml_object *each; // FIELD_OBJECT, FIELD_OBJECTS: what they are
};
struct yaml_object {
	const struct yaml_field *fields;
	size_t size;
	bool loose;                  // other keys are passed over
	void (*begin)(void *object); // before anything is read; NULL: all is zero
	// When all of it is; NULL: whatever is there will do.
	int (*check)(struct yaml_reader *r, void *object, size_t line);
};

// What was read is the structure's.
int yaml_read(struct structure *s, const char *text, size_t n, const struct yaml_object *root,
        struct err *e);

// The text; of JSON with "\ud83d\ude80" as YAML writes it, "\U0001f680".
void yaml_join_surrogates(const char *text, size_t n, struct buf *ret);

// For checks: -1, with file and line ahead of the message.
int yaml_refuse(struct yaml_reader *r, size_t line, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
// The structure owns it. NULL: it is none, which was refused.
struct pattern *yaml_pattern(struct yaml_reader *r, const char *text, size_t line);
