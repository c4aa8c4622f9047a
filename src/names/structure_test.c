// SPDX-License-Identifier: Apache-2.0
// hew container-structure-test, or hew called by that name: its command line, its text, its exit
// statuses.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/test_run.h"
#include "names/names-int.h"
#include "session/session.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct structure_options {
	struct strv configs;
	const char *image, *layout, *driver, *metadata, *output, *report, *suite, *platform,
	        *verbosity;
	bool pull, quiet, json, no_colour, version;
};

#define AT(member) offsetof(struct structure_options, member)
static const struct option options[] = {
        {"config", 'c', OPT_LIST, AT(configs), "FILE", "A file of tests", NULL},
        {"default-image-tag", 0, OPT_NOTE, 0, "NAME", NULL, "nothing is put into docker's store"},
        {"driver", 'd', OPT_STRING, AT(driver), "KIND", "docker or tar: the same here", NULL},
        {"force", 'f', OPT_NOTE, 0, NULL, NULL, "tests run in the sandbox alone"},
        {"ignore-ref-annotation", 0, OPT_NOTE, 0, NULL, NULL, "nothing is put into docker's store"},
        {"image", 'i', OPT_STRING, AT(image), "IMAGE", "The image, or an archive of it", NULL},
        {"image-from-oci-layout", 0, OPT_STRING, AT(layout), "DIR", "An OCI layout with the image",
                NULL},
        {"json", 'j', OPT_FLAG, AT(json), NULL, NULL, NULL},
        {"junit-suite-name", 0, OPT_STRING, AT(suite), "NAME", "JUnit's name of the suite", NULL},
        {"metadata", 0, OPT_STRING, AT(metadata), "FILE", NULL, NULL},
        {"no-color", 0, OPT_FLAG, AT(no_colour), NULL, "No colours", NULL},
        {"output", 'o', OPT_STRING, AT(output), "KIND", "text, json or junit", NULL},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH", "Of an index, this image", NULL},
        {"pull", 0, OPT_FLAG, AT(pull), NULL, "Ask the registry, also if the image is here", NULL},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "Only the exit status", NULL},
        {"runtime", 0, OPT_NOTE, 0, "NAME", NULL, "commands run in hew's sandbox"},
        {"save", 0, OPT_NOTE, 0, NULL, NULL, "nothing of a test is kept"},
        {"test-report", 0, OPT_STRING, AT(report), "FILE", "A file for the report (json, junit)",
                NULL},
        {"verbosity", 'v', OPT_STRING, AT(verbosity), "LEVEL", NULL, NULL},
        {"version", 0, OPT_FLAG, AT(version), NULL, "Print the version", NULL},
        OPTION_END,
};

static void release(void *p)
{
	strv_release(&((struct structure_options *)p)->configs);
}

static int check(const struct structure_options *o, struct err *e)
{
	const char *driver = o->driver ? o->driver : "docker";
	if (strcmp(driver, "docker") != 0 && strcmp(driver, "tar") != 0)
		return err_set(e, ERR_UNSUPPORTED,
		        "--driver %s: tests run in hew's sandbox: docker or tar is expected",
		        driver);
	if (o->metadata)
		return err_set(e, ERR_UNSUPPORTED,
		        "--metadata: it belongs to the host driver, which there is not");
	if (!o->image == !o->layout)
		return err_set(
		        e, ERR_USAGE, "one of --image and --image-from-oci-layout is expected");
	if (o->layout && o->pull)
		return err_set(e, ERR_USAGE, "--pull: a layout is in no registry");
	return o->configs.n ? 0 : err_set(e, ERR_USAGE, "--config FILE names the tests");
}

// In a file a report is JSON, if nothing else is said.
static int take_output(const struct structure_options *o, struct test_ask *a, struct err *e)
{
	if (test_format_parse(o->output && *o->output ? o->output : NULL, &a->format, e))
		return -1;
	if (o->json || (o->report && a->format == TEST_TEXT))
		a->format = TEST_JSON;
	if (o->quiet && !o->report)
		a->format = TEST_TEXT; // which is then not printed
	return 0;
}

// An archive is called by its name alone, too.
static void take_image(const struct structure_options *o, struct subject_ask *to)
{
	struct stat st;
	bool file = o->image && !stat(o->image, &st) && S_ISREG(st.st_mode);
	*to = (struct subject_ask){.text = file ? NULL : o->image,
	        .input = file ? o->image : o->layout,
	        .platform = o->platform,
	        .silent = true};
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct structure_options *o = opts;
	auto_session struct session s = {0};
	if (o->version || (args->n && !strcmp(args->v[0], "version"))) {
		printf("container-structure-test %s\n", HEW_VERSION);
		return 0;
	}
	if (args->n != 1 || strcmp(args->v[0], "test") != 0)
		return err_set(e, ERR_USAGE,
		        "usage: container-structure-test test --image IMAGE --config FILE");
	struct test_ask a = {.files = &o->configs,
	        .report = o->report,
	        .suite = o->suite,
	        .pull = o->pull,
	        .quiet = o->quiet,
	        .no_colour = o->no_colour,
	        .banners = true};
	if (check(o, e) || take_output(o, &a, e))
		return -1;
	take_image(o, &a.target);
	if (a.pull && !a.target.text)
		return err_set(e, ERR_USAGE, "--pull: an archive is in no registry");
	return test_run(&s, &a, e);
}

const struct command cmd_structure_test = {
        .name = "container-structure-test",
        .args = "test --image IMAGE --config FILE",
        .summary = "Test an image with the command line of container-structure-test",
        .options = options,
        .size = sizeof(struct structure_options),
        .failure_status = 1,
        .page = "test",
        .run = run,
        .release = release,
};
