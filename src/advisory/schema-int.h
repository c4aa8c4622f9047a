// SPDX-License-Identifier: Apache-2.0
// The tables of an advisory database. Chosen for size: numbers are given in the order in which rows
// are read, rows of a package lie side by side, and what is said again and again is said once.
//
// A flaw is a group of names that mean the same; its number is that of its first name, and the
// others follow. An advisory about several flaws has a name without a flaw, and rows in covers.
// affected.record is null where the flaw itself is named, affected.flaw where covers has to say.
#pragma once

#define ADVISORY_APPLICATION_ID 0x68657741 // "hewA"

#define ADVISORY_SCHEMA(db)                                                                       \
	"CREATE TABLE " db ".meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"                    \
	"CREATE TABLE " db                                                                        \
	".source(name TEXT PRIMARY KEY, records INT, withdrawn INT, newest INT)"                  \
	" WITHOUT ROWID;"                                                                         \
	"CREATE TABLE " db ".release(ecosystem TEXT, release TEXT, id INT, codename TEXT,"        \
	" end_of_life TEXT, packages INT, ranges INT, PRIMARY KEY(ecosystem, release))"           \
	" WITHOUT ROWID;"                                                                         \
	"CREATE TABLE " db ".package(release INT, name TEXT, id INT, PRIMARY KEY(release, name))" \
	" WITHOUT ROWID;"                                                                         \
	"CREATE TABLE " db ".affected(package INT, n INT, flaw INT, record INT, introduced TEXT," \
	" fixed TEXT, last TEXT, status INT, severity INT, note INT, PRIMARY KEY(package, n))"    \
	" WITHOUT ROWID;"                                                                         \
	"CREATE TABLE " db ".name(id INTEGER PRIMARY KEY, flaw INT, text TEXT);"                  \
	"CREATE TABLE " db ".covers(record INT, flaw INT, PRIMARY KEY(record, flaw))"             \
	" WITHOUT ROWID;"                                                                         \
	"CREATE TABLE " db                                                                        \
	".flaw(id INTEGER PRIMARY KEY, title TEXT, published INT, modified INT,"                  \
	" exploited INT, epss INT, percentile INT);"                                              \
	"CREATE TABLE " db ".rating(flaw INT, n INT, source INT, vector INT, severity INT,"       \
	" PRIMARY KEY(flaw, n)) WITHOUT ROWID;"                                                   \
	"CREATE TABLE " db ".text(id INTEGER PRIMARY KEY, value TEXT);"
