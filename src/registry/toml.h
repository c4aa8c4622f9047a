// SPDX-License-Identifier: Apache-2.0
// The part of TOML 1.0 that registries.conf and hosts.toml use: tables, arrays of tables, and key =
// value, read line by line. Strings, booleans and the strings of arrays are handed on; numbers and
// inline tables are skipped whole.
#pragma once

#include "base/buf.h"

struct err;

enum toml_event {
	TOML_TABLE,  // [name]
	TOML_ARRAY,  // [[name]]
	TOML_STRING, // key = "text"
	TOML_MEMBER, // key = ["text", ["text"]]: each of them, before the TOML_OTHER of the whole
	TOML_BOOL,   // key = true
	TOML_OTHER,  // key = something skipped
};
struct toml_item {
	enum toml_event event;
	const char *name; // of the table, parts joined by dots; or the key
	const char *text; // of a string
	int depth;        // of a member: 1, or 2 in an array inside
	bool value;       // of a boolean
	int line;
};
// Calls fn for each item, which is valid during the call; it returns 0 to go on, -1 to stop with *e
// set. Bad syntax: ERR_FAIL with the line.
int toml_read(const char *p, size_t n,
        int (*fn)(void *arg, const struct toml_item *it, struct err *e), void *arg, struct err *e);
