// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"
#include "base/json.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include <stdio.h>
#include <sys/utsname.h>

struct version_options {
	const char *format;
};

static const struct option options[] = {
        {"format", 0, OPT_STRING, offsetof(struct version_options, format), "KIND",
                "table or json"},
        OPTION_END,
};

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct version_options *o = opts;
	int json = format_is_json(o->format, e);
	struct utsname u;
	if (json < 0 || need_args(args, 0, 0, "version", e))
		return -1;
	uname(&u);
	if (!json) {
		printf("hew %s (%s/%s)\n", HEW_VERSION, "linux", u.machine);
		return 0;
	}
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	jw_kv(&w, "version", HEW_VERSION);
	jw_kv(&w, "os", "linux");
	jw_kv(&w, "machine", u.machine);
	jw_object_end(&w);
	puts(buf_cstr(&out));
	return 0;
}

const struct command cmd_version = {
        .name = "version",
        .args = "[OPTIONS]",
        .summary = "Show the version",
        .options = options,
        .size = sizeof(struct version_options),
        .run = run,
};
