// SPDX-License-Identifier: Apache-2.0
// What was read of all feeds, before it is compiled: rows in a temporary database, so that memory
// does not grow with them. The order in which things come does not matter: of two versions of a
// record the newer counts.
#pragma once

#include "advisory/advisory.h"
#include "advisory/ecosystem.h"
#include "advisory/sql-int.h"

#define ADVISORY_ID_MAX 255
#define TITLE_MAX 120 // longer ones are cut at a word
#define NOTE_MAX 120
#define VERSION_TEXT_MAX 255

struct stage {
	struct sql sql;
	int64_t version; // of the last record
};

int stage_open(struct stage *s, struct err *e);
void stage_close(struct stage *s);

// Names of flaws and records, known by a number from then on. Fails if it is no id (blanks, too
// long): ERR_CORRUPT.
int stage_name(struct stage *s, const char *text, int64_t *ret, struct err *e);
int stage_package(struct stage *s, const struct ecosystem *eco, const char *package, int64_t *ret,
        struct err *e);

// Whose a row is: a record's or a flaw's name, and the version of the record that says so; 0 for
// feeds whose records have no versions.
struct stage_owner {
	int64_t name, version;
};

// A record of a feed in which one id has one record.
struct stage_record {
	const char *id;
	const char *modified; // decides which of two counts; NULL is oldest
	const char *published;
	const char *title;
	struct str bytes; // decides between two of the same time
	bool withdrawn;
};
// 1: it is to be read, and owns what is added for it; 0: a newer one is there, leave it.
int stage_record(
        struct stage *s, const struct stage_record *r, struct stage_owner *ret, struct err *e);
enum stage_link { STAGE_ALIAS, STAGE_COVERS };
// A link to itself is none.
int stage_link(struct stage *s, const struct stage_owner *owner, const char *name,
        enum stage_link kind, struct err *e);

struct stage_range {
	struct stage_owner owner;
	int64_t package;
	const char *introduced, *fixed, *last_affected; // NULL: open
	enum advisory_status status;
	enum severity severity;
	const char *note;
};
int stage_range(struct stage *s, const struct stage_range *r, struct err *e);

// Where a severity comes from, in the order in which it is believed.
enum stage_origin { ORIGIN_ADVISORY, ORIGIN_TABLE };
struct stage_rating {
	struct stage_owner owner;
	enum stage_origin origin;
	const char *source;
	const char *vector; // or NULL and
	enum severity severity;
};
// A vector that is none is ERR_CORRUPT.
int stage_rating(struct stage *s, const struct stage_rating *r, struct err *e);
// A sentence from which a title is made, if no record has one.
int stage_description(struct stage *s, int64_t name, const char *text, struct err *e);
int stage_exploited(struct stage *s, int64_t name, const char *date, struct err *e);
int stage_epss(struct stage *s, int64_t name, int epss, int percentile, struct err *e);
int stage_release(struct stage *s, const struct ecosystem *eco, const char *codename,
        const char *end_of_life, struct err *e);

// What is counted under a source's name, "OSV GHSA".
int stage_count(
        struct stage *s, const char *source, const char *date, bool withdrawn, struct err *e);

// A date of a source as a whole.
int stage_date(struct stage *s, const char *source, const char *date, struct err *e);

// "2025-01-31T..." as days since 1970; 0 if it is none, or after today.
int64_t stage_day(const char *text);
