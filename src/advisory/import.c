// SPDX-License-Identifier: Apache-2.0
// From paths to a database: every file is recognised and read into the stage, then all is compiled
// beside the old database and takes its place.
#include "advisory/import.h"

#include "advisory/artifact.h"
#include "advisory/compile-int.h"
#include "advisory/database-int.h"
#include "advisory/feed-int.h"
#include "base/err.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct import {
	const struct advisory_import *o;
	struct advisory_imported *result;
	struct stage stage;
};

static int broken(void *arg, const char *name, size_t line, const char *why, struct err *e)
{
	struct import *im = arg;
	auto_free char *text =
	        line ? xasprintf("%s:%zu: %s", name, line, why) : xasprintf("%s: %s", name, why);
	im->result->broken++;
	if (im->o->strict)
		return err_set(e, ERR_CORRUPT, "%.900s", text);
	if (im->o->warn)
		im->o->warn(im->o->arg, text);
	return 0;
}

int feed_blame(struct feed *f, size_t line, const struct err *why, struct err *e)
{
	if (why->kind == ERR_CORRUPT)
		return f->broken(f->arg, f->in->name, line, why->msg, e);
	*e = *why;
	return -1;
}

static int unknown(struct import *im, const char *name, bool sole, struct err *e)
{
	im->result->unknown++;
	if (sole)
		return err_set(
		        e, ERR_CORRUPT, "'%s' is of no kind that hew knows: see hew-db(1)", name);
	auto_free char *text = xasprintf("%s: left out: of no kind that hew knows", name);
	if (im->o->warn)
		im->o->warn(im->o->arg, text);
	return 0;
}

static int import_file(void *arg, struct input *in, bool sole, struct err *e)
{
	struct import *im = arg;
	struct err why = ERR_INIT;
	struct str head;
	struct feed f = {.stage = &im->stage, .in = in, .broken = broken, .arg = im};
	if (input_peek(in, &head, &why))
		return feed_blame(&f, 0, &why, e);
	feed_reader *reader = feed_recognise(in->name, head);
	if (!reader)
		return unknown(im, in->name, sole, e);
	im->result->files++;
	return reader(&f, &why) ? feed_blame(&f, 0, &why, e) : 0;
}

static int unreadable(void *arg, const char *name, const struct err *why, struct err *e)
{
	if (why->kind != ERR_CORRUPT && why->kind != ERR_UNSUPPORTED) {
		*e = *why;
		return -1;
	}
	return broken(arg, name, 0, why->msg, e);
}

static int read_paths(struct import *im, struct err *e)
{
	const struct input_visitor v = {import_file, unreadable, im};
	for (size_t i = 0; i < im->o->paths->n; i++)
		if (input_visit(im->o->paths->v[i], &v, e))
			return -1;
	return im->result->files ? 0
	                         : err_set(e, ERR_NOT_FOUND, "no file with advisories in there");
}

// The file is on the disk before its name is the database's.
static int settle(const char *temp, const char *out, struct err *e)
{
	auto_fd int fd = open(temp, O_RDWR | O_CLOEXEC);
	advisory_origin_forget(out);
	if (fd < 0 || fchmod(fd, 0644) || fsync(fd) || rename(temp, out))
		return err_sys(e, "write '%s'", out);
	return 0;
}

static int write_database(struct import *im, struct err *e)
{
	auto_free char *temp = advisories_temp_path(im->o->out, e);
	if (!temp)
		return -1;
	int rc = stage_compile(&im->stage, temp, e) || settle(temp, im->o->out, e) ? -1 : 0;
	if (rc)
		unlink(temp);
	return rc;
}

int advisories_import(const struct advisory_import *o, struct advisory_imported *ret, struct err *e)
{
	struct import im = {.o = o, .result = ret};
	*ret = (struct advisory_imported){0};
	int rc = stage_open(&im.stage, e) || read_paths(&im, e) || write_database(&im, e) ? -1 : 0;
	stage_close(&im.stage);
	return rc;
}
