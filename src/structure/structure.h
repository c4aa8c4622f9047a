// SPDX-License-Identifier: Apache-2.0
// Structure tests of an image, as container-structure-test has them (schema 2.0.0): a file of tests
// is read, what an image has is compared with it, and what came of that is written down. Pure:
// views and configurations in, results out; whoever can run something does, and hands over what it
// said.
#pragma once

#include "base/buf.h"
#include "base/mem.h"
#include <stdbool.h>
#include <stdint.h>

struct err;
struct image_config;
struct pattern;
struct view;

#define STRUCTURE_FILE_MAX (4u << 20)     // bytes of a file of tests
#define STRUCTURE_CONTENT_MAX (64u << 20) // bytes of a file whose contents are looked at

// Lists as a file of tests has them. What they point to is the structure's.
struct texts {
	const char **v;
	size_t n;
	bool given; // also if it is empty
};
struct patterns {
	struct pattern **v;
	size_t n;
};
struct commands {
	struct texts *v;
	size_t n;
};
struct test_pair {
	const char *key, *value;
	bool is_regex;
	struct pattern *pattern; // if it is one
};
struct test_pairs {
	struct test_pair *v;
	size_t n;
};

struct command_test {
	const char *name, *command;
	struct texts args;
	struct commands setup, teardown;
	struct test_pairs env;
	struct patterns output, no_output, error, no_error;
	int64_t exit_code;
};
struct existence_test {
	const char *name, *path;
	bool should_exist;
	const char *permissions, *executable_by; // NULL: whatever
	int64_t uid, gid;                        // -1: whatever
};
struct content_test {
	const char *name, *path;
	struct patterns expected, excluded;
};
struct metadata_test {
	struct test_pairs env, unbound_env, labels;
	struct texts ports, no_ports, volumes, no_volumes, entrypoint, cmd;
	const char *workdir, *user; // NULL: whatever
};
struct licence_test {
	bool debian;
	struct texts files;
};
struct run_options {
	const char *user, *env_file, *network; // NULL: as usual
	bool privileged, tty;
	struct texts env, capabilities, bind_mounts;
};

// One file of tests.
struct structure {
	struct arena arena;
	struct pattern **patterns; // all of them
	size_t n_patterns;
	const char *file;
	const char *version;
	struct test_pairs env; // for all command tests
	struct command_test *commands;
	struct existence_test *existences;
	struct content_test *contents;
	struct licence_test *licences;
	size_t n_commands, n_existences, n_contents, n_licences;
	struct metadata_test metadata;
	struct run_options options;
};
#define auto_structure __attribute__((cleanup(structure_release)))
void structure_release(struct structure *s);
// *ret is the caller's to release, whatever came of it. ERR_USAGE: file, line, what is wrong.
int structure_read(
        const char *file, const char *text, size_t n, struct structure *ret, struct err *e);

// ---- results

struct test_result {
	char *name; // "Command Test: ..."
	struct strv errors;
	struct buf out, err; // of a command
	int64_t ns;
};
struct test_results {
	struct test_result *v;
	size_t n;
};
#define auto_test_results __attribute__((cleanup(test_results_release)))
void test_results_release(struct test_results *r);
void test_result_release(struct test_result *r);
void test_result_fail(struct test_result *r, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
size_t test_results_failed(const struct test_results *r);

// ---- what is compared; each names its result, and fills its errors

// Of the environment that command tests see, "K=V".
int command_environment(const struct structure *s, const struct command_test *t,
        const struct strv *image, struct strv *ret, struct err *e);
// $NAME and ${NAME} of a text; what env does not know stays as it is, for a shell.
void structure_expand(const char *text, const struct strv *env, struct buf *ret);
// What the command wrote is in the result already.
void command_judge(const struct command_test *t, int status, struct test_result *r);
void existence_judge(const struct existence_test *t, struct view *root, const struct strv *env,
        struct test_result *r);
void content_judge(const struct content_test *t, struct view *root, const struct strv *env,
        struct test_result *r);
void licence_judge(const struct licence_test *t, struct view *root, struct test_result *r);
bool metadata_is_empty(const struct metadata_test *t);
void metadata_judge(
        const struct metadata_test *t, const struct image_config *c, struct test_result *r);

// ---- documents

// As container-structure-test prints it.
void test_results_json(const struct test_results *r, struct buf *out);
// suite: its name; NULL: container-structure-test's.
void test_results_junit(const struct test_results *r, const char *suite, struct buf *out);
