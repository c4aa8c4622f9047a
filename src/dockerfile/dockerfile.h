// SPDX-License-Identifier: Apache-2.0
// A Dockerfile as data: text -> instructions -> stages, exactly as BuildKit's frontend reads it.
// Pure: no I/O, no environment. Everything lives in the file's arena; every node has its position.
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include <stdint.h>

struct buf;
struct str;

#define DOCKERFILE_MAX (10u << 20) // bytes; one line is at most 64 KiB - 1
#define DOCKERFILE_INSTRUCTIONS_MAX 100000

enum instr_kind {
	INSTR_ADD,
	INSTR_ARG,
	INSTR_CMD,
	INSTR_COPY,
	INSTR_ENTRYPOINT,
	INSTR_ENV,
	INSTR_EXPOSE,
	INSTR_FROM,
	INSTR_HEALTHCHECK,
	INSTR_LABEL,
	INSTR_MAINTAINER,
	INSTR_ONBUILD,
	INSTR_RUN,
	INSTR_SHELL,
	INSTR_STOPSIGNAL,
	INSTR_USER,
	INSTR_VOLUME,
	INSTR_WORKDIR,
};
const char *instr_name(enum instr_kind k); // "RUN"

struct heredoc {
	const char *name; // delimiter without quotes
	const char *body; // lines joined, tabs stripped for <<-, with its last newline
	bool expand;      // delimiter was not quoted
	bool chomp;       // <<-
	int fd;           // number before <<, -1 if none
};

struct key_value {
	const char *key, *value; // raw: quotes still in, expansion not done; value NULL: `ARG x`
	const char *doc;         // ARG: the comment above that describes this one, NULL if none
};

// RUN --mount=...; values raw (expanded later, except from). `text` is the flag's value as written;
// what of it holds a variable in a place that is not text (type, size, mode, ...) is default here
// until dockerfile_expand_mount.
struct mount_spec {
	const char *text;
	enum { MOUNT_BIND, MOUNT_CACHE, MOUNT_TMPFS, MOUNT_SECRET, MOUNT_SSH } type;
	const char *target, *source, *from, *id, *env; // NULL if absent
	bool read_only, read_only_set, required;
	enum { SHARING_SHARED, SHARING_PRIVATE, SHARING_LOCKED } sharing;
	int64_t size;           // tmpfs bytes, -1 unset
	int64_t mode, uid, gid; // -1 unset
};

// One instruction. Which members are used depends on kind; the rest are zero.
struct instr {
	enum instr_kind kind;
	struct pos pos;      // first to last physical line
	const char *keyword; // the name as written ("Run"); progress, checks
	// The logical line as BuildKit keeps it (for history, errors). Of a trigger: what goes into
	// the image's OnBuild, heredoc bodies included.
	const char *original;
	const char *doc;                   // doc comment right above (FROM, ARG), NULL if none
	const struct check_config *checks; // "# check=..." right above, NULL if none
	const char *const *comments;       // those right above without '#'; NULL-terminated or NULL
	// The words as the parser split them, before anything was made of them: for `hew debug
	// parse`. ENV and LABEL: name and value in turn.
	const char *const *raw;
	size_t n_raw;

	// flags, raw; NULL if absent
	const char *platform, *from, *chown, *chmod, *checksum, *network, *security, *device;
	bool link, parents, unpack, keep_git_dir;
	bool link_set, unpack_set, keep_git_dir_set;
	const char *const *excludes;
	size_t n_excludes;
	struct mount_spec *mounts;
	size_t n_mounts;
	const char *const *devices; // every --device; `device` is the first
	size_t n_devices;
	const char *const *flags_text; // as written, for history: "--chown=a:b"
	size_t n_flags_text;

	// FROM
	const char *base, *stage_name; // stage_name lower-cased, NULL if none
	const char *stage_name_raw;
	// words: ADD/COPY sources (those that are heredocs stand in `heredocs` only) then
	// destination; CMD/ENTRYPOINT/RUN/SHELL/HEALTHCHECK/VOLUME/EXPOSE (sorted) arguments; the
	// single argument of USER, WORKDIR, STOPSIGNAL, MAINTAINER
	const char *const *words;
	size_t n_words;
	bool json; // words came from a JSON array (exec form)
	// ENV, LABEL, ARG
	struct key_value *pairs;
	size_t n_pairs;
	bool legacy_pair; // ENV k v
	// RUN, COPY, ADD. RUN: words[0] has the bodies appended, unless heredoc_only.
	struct heredoc *heredocs;
	size_t n_heredocs;
	bool heredoc_only; // RUN <<EOF and nothing else: body is the script
	// HEALTHCHECK
	bool health_none;
	int64_t health_interval, health_timeout, health_start_period, health_start_interval; // ns
	int health_retries;
	// ONBUILD: the instruction inside, parsed too
	struct instr *trigger;
};

struct stage {
	const char *name; // lower-cased; NULL if unnamed
	const char *doc;
	int index;
	struct instr *from;
	struct instr **instrs; // after FROM
	size_t n_instrs;
	struct pos pos;
};

struct warning { // what a check found (rule names as BuildKit's)
	const char *rule, *detail;
	struct pos pos;
};

// BuildKit's build checks, in its order. One that is experimental must be asked for.
struct check_rule {
	const char *name, *description, *url; // url: NULL if it has none
	bool experimental;
};
extern const struct check_rule check_rules[];
extern const size_t n_check_rules;
const struct check_rule *check_rule_find(const char *name); // NULL if there is none

// "skip=A,B;error=true;experimental=C": lists are NULL-terminated or NULL.
struct check_config {
	const char *const *skip, *const *experimental;
	bool skip_all, experimental_all, error;
};

struct dockerfile {
	struct arena arena;
	const char *filename;
	const char *const *lines; // physical lines, for error excerpts
	size_t n_lines;
	char escape;
	const char *syntax, *check; // directive values up to the first space, NULL if absent
	struct check_config checks; // of `check`, or of what took its place
	struct instr **global_args;
	size_t n_global_args;
	struct stage *stages;
	size_t n_stages;
	struct map *stage_names; // in lower case -> the stages that are called so
	struct warning *warnings;
	size_t n_warnings, cap_warnings;
};

// text need not be NUL-terminated and may be anything. ERR_DOCKERFILE with e->pos set on failure;
// messages suggest near names. On failure nothing needs to be freed.
struct dockerfile *dockerfile_parse(
        const char *text, size_t n, const char *filename, struct err *e);
struct dockerfile_options {
	const char *filename; // NULL: Dockerfile
	const char *check; // instead of the check directive (BUILDKIT_DOCKERFILE_CHECK); NULL: none
};
// The same. *ret is set on failure too (but for a file that is no text): what there is of it are
// lines and warnings, for whoever shows where it failed. The caller's to free.
int dockerfile_read(const char *text, size_t n, const struct dockerfile_options *o,
        struct dockerfile **ret, struct err *e);
void dockerfile_free(struct dockerfile *d); // NULL is fine
void dockerfile_free_ptr(struct dockerfile **d);
#define auto_dockerfile __attribute__((cleanup(dockerfile_free_ptr)))
// One instruction out of its text: ONBUILD triggers of a base image. Allocates in arena a.
struct instr *dockerfile_parse_trigger(struct arena *a, const char *text, struct err *e);
// The mount with everything but `from` expanded, and then checked as BuildKit does.
struct expand_env;
int dockerfile_expand_mount(struct arena *a, const struct mount_spec *m,
        const struct expand_env *env, struct mount_spec *ret, struct err *e);
// False if check=skip of the file or of `in` (may be NULL) silences the rule.
bool check_is_on(const struct dockerfile *d, const struct instr *in, const char *rule);
// Adds a warning unless the rule is off.
void dockerfile_warn(struct dockerfile *d, const struct instr *in, const char *rule, struct pos pos,
        const char *fmt, ...) __attribute__((format(printf, 5, 6)));
// With check=error=true and warnings: "lint violation found for rules: ...".
int dockerfile_check_error(const struct dockerfile *d, struct err *e);
// The last stage below index `before` of that name (case-insensitive); -1 if none.
int dockerfile_find_stage(const struct dockerfile *d, const char *name, size_t before);
// Go's time.ParseDuration ("1m30s"), as the options of HEALTHCHECK are written.
int value_duration(const char *s, int64_t *ret_ns, struct err *e);
// Go's strconv.ParseBool: 1, t, true, 0, f, false and the like; false: it is none.
bool value_bool(const char *s, bool *ret);
// A size as docker writes it: 64m, 1.5 GiB, 100k; powers of 1024.
bool value_size(const char *s, int64_t *ret);
// Go's %q of a string: what BuildKit's messages and the history of an image quote with.
void quote_go(struct buf *b, struct str s);
// What the parser made of the file, in the form in which BuildKit's parser prints it: one
// `(from "alpine")` a line.
void dockerfile_dump(const struct dockerfile *d, struct buf *out);
// The excerpt people see below an error: "Dockerfile:12\n----\n  10 | ...\n>>> ...\n----\n"
void dockerfile_excerpt(const struct dockerfile *d, struct pos pos, struct buf *out);
