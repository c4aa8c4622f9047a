// SPDX-License-Identifier: Apache-2.0
// The open database, for the files that read it.
#pragma once

#include "advisory/advisory.h"
#include "advisory/sql-int.h"

struct advisories {
	struct sql sql;
	int64_t newest; // days since 1970
};

// A file to write beside the database, whose folder is there then. Caller frees; NULL on failure.
char *advisories_temp_path(const char *path, struct err *e);

void advisory_date(int64_t day, char ret[static 11]);                     // "" for none
const char *advisory_text(struct arena *a, sqlite3_stmt *st, int column); // NULL for null
