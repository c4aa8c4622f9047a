// SPDX-License-Identifier: Apache-2.0
// hew test: does an image have what it should have, and does it do what it should do?
#include "base/err.h"
#include "base/mem.h"
#include "cmd/test_run.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "dockerfile/dockerfile.h"
#include "exec/build.h"
#include "session/session.h"

#define TIMEOUT_NS INT64_C(600000000000)

struct test_options {
	struct strv files;
	const char *format, *output, *suite, *platform, *input, *network, *timeout;
	bool pull, quiet, insecure;
	int64_t jobs;
};

#define AT(member) offsetof(struct test_options, member)
static const struct option options[] = {
        {"file", 'f', OPT_LIST, AT(files), "FILE",
                "A file of tests, YAML or JSON; -: standard input"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "text, json or junit"},
        {"input", 0, OPT_STRING, AT(input), "FILE", "An archive of an image, instead of IMAGE"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"jobs", 'j', OPT_INT, AT(jobs), "N", "Command tests at once (default: one a processor)"},
        {"junit-suite-name", 0, OPT_STRING, AT(suite), "NAME",
                "What the suite is called in JUnit's report"},
        {"network", 0, OPT_STRING, AT(network), "MODE",
                "Of command tests: host (default), none, or pasta: its own"},
        {"output", 'o', OPT_STRING, AT(output), "FILE",
                "Write the report there, and text to standard output"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "Of an index, this image (default: this machine's)"},
        {"pull", 0, OPT_FLAG, AT(pull), NULL, "Ask the registry, also if the image is here"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "No progress, and no text but of failure"},
        {"timeout", 0, OPT_STRING, AT(timeout), "TIME",
                "How long a command test may take (10m); 0: for ever"},
        OPTION_END,
};

static void release(void *p)
{
	strv_release(&((struct test_options *)p)->files);
}

// A number of seconds, or a duration with units.
static int take_timeout(const char *text, int64_t *ret, struct err *e)
{
	uint64_t seconds;
	struct err ignored = ERR_INIT;
	*ret = TIMEOUT_NS;
	if (!text)
		return 0;
	if (str_to_u64(text, &seconds) && seconds <= INT32_MAX) {
		*ret = (int64_t)seconds * 1000000000;
		return 0;
	}
	if (!value_duration(text, ret, &ignored) && *ret >= 0)
		return 0;
	return err_set(
	        e, ERR_USAGE, "invalid --timeout \"%s\": 30, 30s or 1m30s is expected", text);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct test_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	enum net_mode network = NET_DEFAULT;
	struct test_ask a = {.files = &o->files,
	        .report = o->output,
	        .suite = o->suite,
	        .jobs = o->jobs,
	        .pull = o->pull,
	        .quiet = o->quiet};
	size_t images = o->input ? 0 : 1;
	if (need_args(args, images, images, "test [OPTIONS] IMAGE -f FILE", e) ||
	        test_format_parse(o->format, &a.format, e) || network_of(o->network, &network, e) ||
	        take_timeout(o->timeout, &a.timeout_ns, e))
		return -1;
	if (o->jobs < 0 || o->jobs > 1000)
		return err_set(e, ERR_USAGE, "--jobs: 1 to 1000 is expected");
	if (o->input && o->pull)
		return err_set(e, ERR_USAGE, "--pull: an archive is in no registry");
	a.network = step_network_of(network);
	a.target = (struct subject_ask){.text = args->n ? args->v[0] : NULL,
	        .input = o->input,
	        .platform = o->platform,
	        .silent = o->quiet};
	return test_run(&s, &a, e);
}

const struct command cmd_test = {
        .name = "test",
        .args = "[OPTIONS] IMAGE -f FILE",
        .summary = "Test what an image has and does: commands, files, metadata, licences",
        .details = "FILE has the form of container-structure-test, schema 2.0.0:\n"
                   "\n"
                   "  schemaVersion: 2.0.0\n"
                   "  commandTests:\n"
                   "    - name: it starts\n"
                   "      command: app\n"
                   "      args: [--version]\n"
                   "      expectedOutput: ['^app 1\\.']\n"
                   "  fileExistenceTests:\n"
                   "    - {name: no shell, path: /bin/sh, shouldExist: false}\n"
                   "  metadataTest:\n"
                   "    user: nonroot\n"
                   "\n"
                   "IMAGE is one in the store or a registry, docker://NAME, oci:DIR[:TAG],\n"
                   "oci-archive:FILE, docker-archive:FILE, or a path of either. Each command "
                   "test runs in\n"
                   "the sandbox, in a root filesystem of its own that is thrown away. Status 1: a "
                   "test failed.\n",
        .options = options,
        .size = sizeof(struct test_options),
        .run = run,
        .release = release,
};
