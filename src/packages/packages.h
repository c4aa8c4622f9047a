// SPDX-License-Identifier: Apache-2.0
// What is installed in a tree of files: the databases of dpkg, apk and rpm, what npm and pip leave
// beside what they install, what Go and Rust write into programs, Java archives; in the folder of a
// project lock files too. The tree is a view: of one layer, or of a directory.
//
// A layer is scanned once and what was found is kept under its diffID (packages_write, _read);
// packages_combine makes of the layers' finds what an image has.
//
// Everything read here may be hostile: sizes, counts and depths are bounded. What is damaged is
// skipped with one line of warning for each file, and the scan goes on.
#pragma once

#include "base/buf.h"
#include "base/mem.h"
#include "layer/entry.h"

struct err;
struct view;

#define PACKAGES_MAX 100000            // of one layer
#define PACKAGES_BYTES_MAX (16u << 20) // of their texts, and of all that is owned
#define PACKAGES_VERSION 4             // what is kept says this, or is made again

enum package_type {
	PACKAGE_DEB,
	PACKAGE_APK,
	PACKAGE_RPM,
	PACKAGE_NPM,
	PACKAGE_PYPI,
	PACKAGE_GOLANG,
	PACKAGE_CARGO,
	PACKAGE_MAVEN,
};
const char *package_type_name(enum package_type t); // as in a package URL

enum package_flags {
	// A file of a distribution's package says so: its maintainers see to it, not upstream.
	PACKAGE_OWNED = 1 << 0,
	// Headers of the kernel, which does not run here.
	PACKAGE_HEADERS = 1 << 1,
	// A lock file says that it would be installed.
	PACKAGE_LOCKED = 1 << 2,
	// The module that a Go program is built from: its version may be made up by the toolchain.
	PACKAGE_MAIN = 1 << 3,
};

// Texts are printable and never empty; NULL: not known. All belong to the set or list.
struct package {
	enum package_type type;
	int flags;
	const char *name;           // as the ecosystem has it: "@scope/name", "group:artifact"
	const char *version;        // with epoch and release
	const char *arch;           // deb, apk, rpm
	const char *source;         // deb, apk, rpm: what it was built from; NULL: name
	const char *source_version; // NULL: version
	const char *module;         // rpm: the module and stream it is of, "php:8.2"; NULL: of none
};

// A file that says what is installed.
struct package_file {
	const char *path;
	size_t first, n; // of packages
};

// What the distribution calls itself.
struct release {
	const char *id, *version, *codename, *pretty; // NULL: not said
};

// The id of what a scanner calls "redhat"; its name for "rhel". Of all others the same.
const char *release_id(const char *name);
const char *release_family(const char *id);

struct package_release {
	const char *path; // etc/os-release, usr/lib/os-release, ...
	struct release release;
};

// What one tree holds.
struct package_set {
	struct arena arena; // of all texts
	struct package *packages;
	size_t n_packages;
	struct package_file *files; // by path
	size_t n_files;
	struct package_release *releases;
	size_t n_releases;
	struct strv owned;    // files of language packages that a distribution's package lists
	struct strv warnings; // "path: what is wrong"
};
#define auto_package_set __attribute__((cleanup(package_set_release)))
void package_set_release(struct package_set *s);

enum packages_scan_flags {
	PACKAGES_LOCK_FILES = 1 << 0, // a project's folder, not a root filesystem
};
// -1 only for what is wrong with the view itself.
int packages_scan(struct view *v, int flags, struct package_set *ret, struct err *e);

// As JSON, and back: ERR_CORRUPT.
void packages_write(const struct package_set *s, struct buf *out);
int packages_read(const char *p, size_t n, struct package_set *ret, struct err *e);

// What an image has.
struct found_package {
	const struct package *package; // of one of the sets
	const char *path;              // of the file that says so
	size_t layer;                  // that brought it; of a database, the first that has it
};
struct package_list {
	struct found_package *v; // by type, name, version, path; each once
	size_t n;
	struct release release; // texts of the sets
};
#define auto_package_list __attribute__((cleanup(package_list_release)))
void package_list_release(struct package_list *l);
// sets: one a layer, bottom first; their packages' flags are completed. chain: of the same layers.
// The list borrows from the sets.
void packages_combine(
        struct package_set *sets, size_t n, struct view *chain, struct package_list *ret);
// Of one tree alone.
void packages_list(struct package_set *set, struct package_list *ret);

// The package URL (purl-spec), appended. release: of where it is installed.
void package_url(const struct package *p, const struct release *release, struct buf *out);
