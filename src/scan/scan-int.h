// SPDX-License-Identifier: Apache-2.0
// How a package becomes a question to the database, and its ranges an answer.
#pragma once

#include "advisory/ecosystem.h"
#include "base/buf.h"
#include "scan/scan.h"
#include "version/version.h"

// Where the advisories of a package are.
struct place {
	struct ecosystem eco;
	enum version_scheme scheme;
	const char *publisher; // who says what is in there, as severity_source: "debian"
	bool distribution;
	bool binary; // its advisories name what is installed, not what it was built from
};
// False: nobody publishes advisories for such packages of that release, as far as is known here.
bool place_of(enum package_type type, const struct release *r, struct place *ret);
// Is "debian", "centos", "redhat", "opensuse" what a package URL may call one of the distributions
// of that ecosystem? Of what is none, anything may.
bool place_has_id(const char *ecosystem, const char *id);
// "debian 12", for messages: what it calls itself.
void place_release_name(const struct release *r, struct buf *ret);
// Of what is not released, or in an order of its own: a sentence for a person; NULL.
const char *place_remark(const struct release *r);

// One name in one place, with all of its packages.
struct question {
	const struct found_package *found;
	const char *name, *version; // of the source package for distributions
	const char *key;            // what the database has it under: the name, of modules more
	size_t place;
	bool no_epoch; // rpm knows its source package by a file name, which does not say it
};
struct questions {
	struct place places[PACKAGE_MAVEN + 1]; // by package_type
	bool known[PACKAGE_MAVEN + 1];          // there is such a place
	size_t count[PACKAGE_MAVEN + 1];        // packages that would be in there
	struct question *v;                     // by place, name, version, then as they were listed
	size_t n;
	size_t unclear; // packages of a module, it is not known of which
	struct arena arena;
};
#define auto_questions __attribute__((cleanup(questions_release)))
void questions_release(struct questions *q);
void questions_make(const struct package_list *l, struct questions *ret);
// How many from i on ask for the same name.
size_t questions_alike(const struct questions *q, size_t i);
// Of one name: is the answer the same?
bool question_is_same(const struct question *a, const struct question *b);

// A version against a range.
enum verdict {
	VERDICT_NO,
	VERDICT_YES,
	VERDICT_BEFORE,    // it was introduced later
	VERDICT_AFTER,     // it is fixed in there, or behind the last that is affected
	VERDICT_UNKNOWN,   // the two cannot be compared
	VERDICT_UNTAGGED,  // a version that the toolchain made up
	VERDICT_UNDECIDED, // the publisher does not know yet
};
// *e says why of VERDICT_UNKNOWN.
enum verdict range_verdict(const struct advisory_range *r, const struct question *q,
        enum version_scheme s, struct err *e);

// What the ranges of one flaw mean for one package.
struct answer {
	const struct advisory_range *range; // that decides; NULL: not affected
	enum severity severity;             // the publisher's word
	const struct advisory_range *rated; // who has said it
	struct strv fixed;                  // versions that mend it, the nearest first
};
void answer_release(struct answer *a);
#define auto_answer __attribute__((cleanup(answer_release)))
// r: n ranges of one flaw. unclear is told of what cannot be compared.
struct unclear {
	void (*tell)(void *arg, const struct advisory_range *r, const struct question *q,
	        const char *why);
	void *arg;
};
void answer_make(const struct advisory_range *r, size_t n, const struct question *q,
        enum version_scheme s, const struct unclear *u, struct answer *ret);
