// SPDX-License-Identifier: Apache-2.0
// What the scanners of single files share. Each reads one file and adds what it finds; it fails
// with ERR_CORRUPT where the file is damaged, and what was added before that stays.
#pragma once

#include "base/err.h"
#include "layer/view.h"
#include "packages/packages.h"
#include <string.h>

#define DATABASE_MAX (256u << 20)     // bytes of dpkg's or apk's database
#define RPM_DATABASE_MAX (512u << 20) // headers have scripts and change logs too
#define DOCUMENT_MAX (8u << 20)       // of a lock file
#define MANIFEST_FILE_MAX (1u << 20)  // of a package.json, a METADATA
#define LINE_LENGTH_MAX (64u << 10)
#define TEXT_LENGTH_MAX 512 // of a name or a version
#define PATH_LENGTH_MAX 4096
#define NPM_ALIAS "npm:" // before the name that an alias stands for

enum file_kind {
	FILE_NONE,
	FILE_DPKG_STATUS, // var/lib/dpkg/status, and each of status.d
	FILE_DPKG_LIST,   // what a package owns: .list, .md5sums
	FILE_DPKG_SUMS,
	FILE_APK,
	FILE_RPM_SQLITE,
	FILE_RPM_NDB,
	FILE_RPM_BDB,
	FILE_RELEASE,
	FILE_NPM,
	FILE_PYTHON,
	FILE_JAR,
	FILE_PROGRAM, // an executable file; its first bytes decide
	FILE_NPM_LOCK,
	FILE_YARN_LOCK,
	FILE_PNPM_LOCK,
	FILE_PYTHON_REQUIREMENTS,
	FILE_PIPFILE_LOCK,
	FILE_TOML_LOCK, // poetry.lock, uv.lock, Cargo.lock
	FILE_KINDS
};
// What a file of that path is, by its path alone (FILE_PROGRAM is not told here).
enum file_kind file_kind_of(const char *path);
bool file_kind_is_language(enum file_kind k); // may be owned by a distribution's package

// The set that is being filled.
struct scan {
	struct package_set *set;
	const char *path; // of the file that is being read
	size_t cap_packages, cap_files;
	size_t owned_bytes;
	uint64_t unpacked;   // bytes of archives in archives, so far
	uint64_t owned_seen; // bytes of all paths that were looked at
};

// Reads one file of that kind. For fuzzers as well as for the walk.
int scan_file(struct scan *s, enum file_kind kind, const struct content *c, struct err *e);
// The scanners.
typedef int scanner(struct scan *s, const struct content *c, struct err *e);
scanner scan_dpkg_status, scan_dpkg_list, scan_dpkg_sums, scan_apk, scan_rpm_sqlite, scan_rpm_ndb,
        scan_rpm_bdb, scan_os_release, scan_npm, scan_python, scan_jar, scan_program, scan_npm_lock,
        scan_yarn_lock, scan_pnpm_lock, scan_requirements, scan_pipfile_lock, scan_toml_lock;

// Adds a package of the current file, copying its texts. One without a name or version, or with
// texts that nobody can have meant, is left out. -1 when there are too many.
int scan_add(struct scan *s, const struct package *p, struct err *e);
// A path that a distribution's package owns: remembered if it is a language package's.
void scan_own(struct scan *s, struct str dir, struct str name);
bool text_is_kept(const char *s, size_t max);     // not empty, printable, no longer than that
struct str str_trim(struct str s);                // blanks at both ends
char *scan_text(struct scan *s, struct str text); // a copy in the set's arena; NULL if it is empty

// "bash-5.1.8-6.el9.src.rpm": the name, and behind it version and release. NULL: it is none. Caller
// frees both.
char *rpm_source_name(const char *file, char **ret_version);
// "php:8.2" of a modularity label, "php:8.2:9040020240101:9edba152"; NULL: it is none. Caller
// frees.
char *rpm_module(const char *label);
bool version_has_epoch(const char *version); // "1:2.0"
// An id as os-release has it, a version as advisories count them (Debian: 12, not 12.5), or a code
// name.
void release_settle(struct package_set *set, struct release *r);

// ---- bytes
// Exactly n bytes at off, which must lie within.
int content_pread(const struct content *c, uint64_t off, void *p, size_t n, struct err *e);
// All of it.
int content_all(const struct content *c, size_t max, struct buf *ret, struct err *e);

// ---- lines
struct line_reader {
	const struct content *content;
	uint64_t next; // offset of what is not in the buffer yet
	struct buf buf;
	size_t at;
	bool dropping; // what is left of a line that is too long
};
#define auto_lines __attribute__((cleanup(line_reader_release)))
struct line_reader line_reader_of(const struct content *c);
void line_reader_release(struct line_reader *r);
// Without its end; valid until the next. Of one that is too long the rest is left out. 1, 0, -1.
int line_next(struct line_reader *r, struct str *ret, struct err *e);
// "Key: value"; false: it is another line.
bool line_field(struct str line, const char *key, struct str *ret);

// ---- ELF
struct elf {
	const struct content *content;
	bool wide, big; // 64 bit; big endian
	uint32_t type;  // e_type
	uint64_t program_table;
	uint32_t n_sections, n_programs, section_size, program_size;
	struct buf sections, names; // the table, and the names in it
};
#define auto_elf __attribute__((cleanup(elf_release)))
void elf_release(struct elf *f);
// 1, 0: it is none, or has no table of sections, -1. *f is to be released in any case.
int elf_open(const struct content *c, struct elf *f, struct err *e);
struct elf_range {
	uint64_t offset, size, address;
};
// Lies within the file. 1, 0, -1.
int elf_section(const struct elf *f, const char *name, struct elf_range *ret, struct err *e);
bool elf_offset_of(const struct elf *f, uint64_t address, uint64_t *ret); // in the file
uint64_t elf_number(const struct elf *f, const uint8_t *p, int bytes);
int scan_go(struct scan *s, const struct elf *f, const struct elf_range *info, struct err *e);
int scan_rust(struct scan *s, const struct elf *f, const struct elf_range *deps, struct err *e);

// ---- rpm
// One header, as all three kinds of database have them. What is damaged is left out, and the first
// of it kept for the end; -1 only when there are too many packages.
int scan_rpm_header(struct scan *s, const uint8_t *p, size_t n, struct err *damage, struct err *e);
// What a database ends with: 0 if nothing in it was damaged.
int rpm_end(const struct err *damage, struct err *e);
