// SPDX-License-Identifier: Apache-2.0
// What the parts of the parser share. A file goes through three hands: lex.c makes logical lines,
// draft.c splits one into keyword, flags and arguments and fetches heredoc bodies, rules.c checks
// what the instruction allows and fills in struct instr.
#pragma once

#include "base/buf.h"
#include "base/mem.h"
#include "dockerfile/dockerfile.h"

#define LINE_MAX_BYTES 65535
#define COMMENTS_MAX 64 // comment lines above an instruction that are looked at

// A list of strings in an arena. Doubling keeps the waste below the size of the list.
struct list {
	const char **v;
	size_t n, cap;
};
void list_add(struct arena *a, struct list *l, const char *s);
const char *const *list_end(struct arena *a, struct list *l); // NULL-terminated; NULL if empty

bool is_go_blank(char c); // \s of Go's regexp

// lex.c: physical lines to logical lines.
struct reader {
	const char *text;
	size_t n, at;
	int line; // the last one read, from 1
	char escape;
	bool directives_done;
	unsigned directives_seen;
	struct str comments[COMMENTS_MAX];
	size_t n_comments;
	struct buf joined;
};
struct logical {
	struct str text; // points into the file or into reader.joined
	struct pos pos;
	bool empty_continuation;
};
void reader_init(struct reader *r, const char *text, size_t n);
void reader_release(struct reader *r);
#define auto_reader __attribute__((cleanup(reader_release)))
// 1: a physical line with its line end, 0: the end, -1: too long.
int reader_physical(struct reader *r, struct str *ret, struct err *e);
// 1: a logical line that is not blank, 0: the end, -1: failure.
int reader_logical(struct reader *r, struct logical *ret, struct err *e);
// A directive's value among the leading lines of a file, as BuildKit finds it. prefix: "#" or "//".
bool directive_find(struct str text, const char *prefix, const char *key, struct str *ret);
// One comment without its '#', read as a directive.
bool directive_parse(struct str comment, struct str *ret_key, struct str *ret_value);

// words.c: the ways to split.
struct str take_word(struct str *rest); // up to [\t\v\f\r ]+, which is dropped
void split_blanks(struct arena *a, struct str s, struct list *ret);
void split_quoted(struct arena *a, struct str s, char escape, struct list *ret); // quotes stay
struct str take_flags(struct arena *a, struct str s, char escape, struct list *ret);
// json_list.c. 1: an array of strings, 0: not JSON, -1: JSON, but not strings only.
int split_json(struct arena *a, struct str s, struct list *ret, struct err *e);

// heredoc.c
struct heredoc_source { // what ONBUILD and RUN need beside struct heredoc
	struct heredoc doc;
	const char *raw; // the body before chomping
};
// The delimiter `word` names. 1: it is one, 0: not, -1: malformed.
int heredoc_parse(struct arena *a, struct str word, struct heredoc *ret, struct err *e);
int heredocs_find(struct arena *a, struct str line, struct heredoc_source **ret, size_t *ret_n,
        struct err *e);
int heredoc_read(struct arena *a, struct reader *r, struct heredoc_source *h, struct err *e);

// flags.c
struct flag_values {
	const char *platform, *from, *chown, *chmod, *checksum, *network, *security;
	const char *interval, *timeout, *start_period, *start_interval, *retries;
	struct flag_bool {
		bool value, set;
	} link, parents, unpack, keep_git_dir;
	struct list mounts, devices, excludes;
};
int flags_parse(struct arena *a, enum instr_kind kind, const struct list *words,
        struct flag_values *ret, struct err *e);
const char *suggest(const char *word, const char *const *names, size_t n, struct buf *b);

// mount.c
int mount_parse(struct arena *a, const char *text, const struct expand_env *env,
        struct mount_spec *ret, struct err *e);
int device_check(const char *text, struct err *e);

// values.c: texts as Go's strconv and time packages read them.
bool value_uint32(const char *s, int base, int64_t *ret);

// draft.c
struct draft {
	struct instr *in;
	struct list flags, args;
	struct heredoc_source *heredocs;
	size_t n_heredocs;
	struct draft *inner; // ONBUILD
	bool by_rule;        // what is wrong is the instruction, its words could be told apart
};
struct context { // of one instruction
	struct arena *a;
	struct reader *r;
	struct dockerfile *d; // NULL: a trigger on its own, warnings go nowhere
	char escape;
	bool words_only; // nothing is made of them any more: there was an error
};
int draft_begin(struct context *c, struct str line, struct draft *ret, struct err *e);
// line: the one given to draft_begin; the bodies are read from c->r.
int draft_heredocs(struct context *c, struct str line, struct draft *d, struct err *e);

// rules.c
int rules_apply(struct context *c, struct draft *d, struct err *e);
int health_rules(struct draft *d, const struct flag_values *f, struct err *e); // health.c

// warn.c
void warn_file(struct dockerfile *d); // what needs the whole file; after the stages are known
void warn_instr(struct dockerfile *d, const struct draft *dr);

// checks.c
int check_config_parse(struct arena *a, struct str text, struct check_config *ret, struct err *e);
const char *const *rule_list(struct arena *a, struct str names); // "A, B"

// stages.c
int stages_add(struct dockerfile *d, struct instr *in, struct err *e);
