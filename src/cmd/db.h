// SPDX-License-Identifier: Apache-2.0
// What the verbs around the advisory database share.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct advisories;
struct err;

struct db_options {
	const char *format, *out, *max_age;
	bool strict, quiet, insecure, force;
};

// hew db update and push (db_transfer.c). from: NULL: from where it came before.
int db_update(const struct db_options *o, const char *from, struct err *e);
int db_push(const struct db_options *o, const char *to, struct err *e);

// Says on standard error how old the data is, if it is older than a week; fails if it is older than
// max_age ("7d", "36h"; NULL: any age will do).
int db_check_age(const struct advisories *db, const char *max_age, struct err *e);
