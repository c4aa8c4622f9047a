// SPDX-License-Identifier: Apache-2.0
// The command tests of one file, run in the sandbox.
#pragma once

#include "cmd/test_run.h"

struct engine;
struct rootfs;

struct test_commands {
	const struct test_ask *ask;
	const struct structure *tests;
	struct engine *engine;
	const struct image_config *config;
	const struct rootfs *root;
	const struct strv *env; // what the image and the file's run options say
	struct test_result *results;
	// Called for each in the file's order, as soon as it and all before it are done.
	void (*done)(void *arg, const struct test_result *r);
	void *arg;
};
// What the file's containerRunOptions add to the environment. ERR_UNSUPPORTED: what hew cannot do
// of them.
int test_options_environment(
        const struct run_options *o, const struct image_config *c, struct strv *ret, struct err *e);
// A test that fails is none of its failures.
int test_commands_run(const struct test_commands *t, struct err *e);
