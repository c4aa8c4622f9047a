// SPDX-License-Identifier: Apache-2.0
// What the renderers share.
#pragma once

#include "ui/ui.h"
#include <pthread.h>

// One of the things that a step moves: a blob, say.
struct ui_transfer {
	char *text;
	uint64_t current, total;
};

struct ui_step {
	char *name;
	enum { STEP_PENDING, STEP_STARTED, STEP_ENDED } state;
	enum event_kind how; // of the end
	int64_t begun_ns, took_ns;
	struct buf lines[2]; // output and errors not yet ended by a newline
	struct buf tail;     // last output, for a failure
	struct ui_transfer *transfers;
	size_t n_transfers;
	int shown; // number that people see; 0: not shown yet
};

enum ci_service { CI_NONE, CI_GITHUB, CI_GITLAB };

#define UI_TAIL_MAX (16u << 10)

struct ui {
	struct event_sink sink;
	enum ui_progress kind;
	const char *doing;
	pthread_mutex_t lock;
	struct ui_step *steps;
	size_t n_steps;
	int shown;
	int64_t begun_ns;
	struct strv warnings; // of the Dockerfile, told at the end
	int *warning_lines;
	// in a job of a CI service (ci.c)
	enum ci_service service;
	bool folded;
	char *source; // the Dockerfile; NULL: not known
	// tty
	int drawn; // lines of the live part on the screen
	bool colour;
	pthread_t ticker;
	bool ticking, closing, finished;
	pthread_cond_t wake;
};

struct ui_step *ui_step_of(struct ui *u, int id);
enum ci_service ci_service(void);
void ci_warnings(const struct ui *u); // as annotations of GitHub's
void plain_event(struct ui *u, const struct event *ev);
void raw_event(struct ui *u, const struct event *ev);
void tty_draw(struct ui *u);
void tty_finish(struct ui *u);
// Of all transfers of a step.
void ui_step_progress(const struct ui_step *s, uint64_t *ret_current, uint64_t *ret_total);
