// SPDX-License-Identifier: Apache-2.0
// The kinds of data that can be imported, each a function from a stream to staged rows.
#pragma once

#include "advisory/input-int.h"
#include "advisory/stage-int.h"
#include "base/json.h"

struct feed {
	struct stage *stage;
	struct input *in;
	// Says what is broken at a line (0: the whole file) and goes on; -1 when everything has to
	// be right.
	int (*broken)(void *arg, const char *name, size_t line, const char *why, struct err *e);
	void *arg;
};

// Of a failure in a record: what the data is to blame for (ERR_CORRUPT) is told and passed over,
// everything else stays a failure.
int feed_blame(struct feed *f, size_t line, const struct err *why, struct err *e);

// NULL: not a kind that is known. By the first bytes, `name` helps for releases.
typedef int feed_reader(struct feed *f, struct err *e);
feed_reader *feed_recognise(const char *name, struct str head);

feed_reader feed_osv_lines, feed_osv_document, feed_tracker, feed_secdb, feed_exploited;
feed_reader feed_epss, feed_vectors, feed_severities;
feed_reader feed_debian_fixes, feed_debian_list;
feed_reader feed_distro_info, feed_end_of_life;

// One OSV record; raw is what it was parsed from.
int osv_record(struct feed *f, const struct jn *root, struct str raw, size_t line, struct err *e);

// Tables. Calls row for each line behind the header, split at the separator; lines that begin with
// '#' are none. min: columns that have to be there.
struct feed_table {
	char separator;
	size_t columns;
	int (*row)(struct feed *f, char **columns, struct err *e);
};
int feed_read_table(struct feed *f, const struct feed_table *t, struct err *e);
