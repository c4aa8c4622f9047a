// SPDX-License-Identifier: Apache-2.0
// hew grype, or hew called by that name: what pipelines ask of Grype.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/scan_run.h"
#include "cmd/verbs.h"
#include "names/names-int.h"
#include "session/session.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GATE_STATUS 2

struct grype_options {
	struct strv vex;
	const char *fail_on, *output, *file, *platform, *config;
	bool only_fixed, quiet, version, suppressed, ignored;
};

#define AT(member) offsetof(struct grype_options, member)
static const struct option options[] = {
        {"add-cpes-if-none", 0, OPT_NOTE, 0, NULL, NULL, "CPEs are not matched"},
        {"by-cve", 0, OPT_FLAG, AT(ignored), NULL, NULL, NULL},
        {"config", 'c', OPT_STRING, AT(config), "FILE",
                "What to hide: the list \"ignore\" of it (default: .grype.yaml)", NULL},
        {"fail-on", 'f', OPT_STRING, AT(fail_on), "LEVEL",
                "Exit status 2 from this severity on: negligible, low, medium, high, critical",
                NULL},
        {"file", 0, OPT_STRING, AT(file), "FILE", "Write there, not to standard output", NULL},
        {"only-fixed", 0, OPT_FLAG, AT(only_fixed), NULL, "Hide what has no fix yet", NULL},
        {"output", 'o', OPT_STRING, AT(output), "KIND[=FILE]",
                "table, json, sarif or cyclonedx-json", NULL},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH", "Of an index, this image", NULL},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "Fewer words on standard error", NULL},
        {"scope", 0, OPT_NOTE, 0, "KIND", NULL, "what the image shows counts (squashed)"},
        {"show-suppressed", 0, OPT_FLAG, AT(suppressed), NULL, "Show what is hidden, too", NULL},
        {"verbose", 'v', OPT_FLAG, AT(ignored), NULL, NULL, NULL},
        {"version", 0, OPT_FLAG, AT(version), NULL, "Print the version", NULL},
        {"vex", 0, OPT_LIST, AT(vex), "FILE", "An OpenVEX document", NULL},
        OPTION_END,
};

static void release(void *p)
{
	strv_release(&((struct grype_options *)p)->vex);
}

// "sarif", "sarif=out.json"
static int take_output(const struct grype_options *o, struct scan_ask *a, struct err *e)
{
	const char *eq = o->output ? strchr(o->output, '=') : NULL;
	auto_free char *kind = eq          ? xstrndup(o->output, (size_t)(eq - o->output))
	                       : o->output ? xstrdup(o->output)
	                                   : xstrdup("table");
	a->output = eq ? eq + 1 : o->file;
	if (!strcmp(kind, "cyclonedx-json"))
		return scan_format_parse("cyclonedx", &a->format, e);
	if (!strcmp(kind, "table") || !strcmp(kind, "sarif"))
		return scan_format_parse(kind, &a->format, e);
	a->format = SCAN_GRYPE;
	return !strcmp(kind, "json")
	               ? 0
	               : err_set(e, ERR_UNSUPPORTED,
	                         "-o %s is not written: table, json, sarif and cyclonedx-json are",
	                         kind);
}

// grype's schemes that hew calls otherwise, or that say where hew looks anyway.
static char *place_of(const char *text)
{
	static const struct {
		const char *grype, *hew;
	} schemes[] = {{"docker:", ""}, {"podman:", ""}, {"containerd:", ""},
	        {"registry:", "docker://"}, {"oci-dir:", "oci:"}};
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_has_prefix(text, schemes[i].grype) && !str_has_prefix(text, "docker://"))
			return xasprintf("%s%s", schemes[i].hew, text + strlen(schemes[i].grype));
	return xstrdup(text);
}

static int take_gate(const char *level, struct scan_ask *a, struct err *e)
{
	if (!level || !*level)
		return 0;
	a->fail_on = severity_of_word(level);
	a->exit_code = GATE_STATUS;
	a->gate = "--fail-on";
	return a->fail_on != SEVERITY_UNKNOWN
	               ? 0
	               : err_set(e, ERR_USAGE,
	                         "--fail-on %s: negligible, low, medium, high or critical", level);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct grype_options *o = opts;
	auto_session struct session s = {0};
	const char *level = o->fail_on ? o->fail_on : getenv("GRYPE_FAIL_ON_SEVERITY");
	if (o->version || (args->n && !strcmp(args->v[0], "version"))) {
		printf("grype %s\n", HEW_VERSION);
		return 0;
	}
	if (args->n && !strcmp(args->v[0], "db"))
		return err_set(e, ERR_UNSUPPORTED,
		        "grype db: the database is hew's own: hew db update fetches it");
	if (args->n != 1)
		return err_set(e, ERR_USAGE, "usage: grype [FLAGS] IMAGE|dir:DIR|sbom:FILE");
	auto_free char *text = place_of(args->v[0]);
	const char *usual = access(".grype.yaml", F_OK) ? NULL : ".grype.yaml";
	struct scan_ask a = {.target = {.text = text, .platform = o->platform, .silent = o->quiet},
	        .vex = &o->vex,
	        .ignore_file = o->config ? o->config : usual,
	        .ignore_unfixed = o->only_fixed,
	        .all = o->suppressed,
	        .quiet = o->quiet};
	return take_output(o, &a, e) || take_gate(level, &a, e) ? -1 : scan_run(&s, &a, e);
}

const struct command cmd_grype = {
        .name = "grype",
        .args = "[FLAGS] IMAGE|dir:DIR|sbom:FILE|docker-archive:FILE",
        .summary = "Scan with the command line of Grype",
        .options = options,
        .size = sizeof(struct grype_options),
        .failure_status = 1,
        .page = "scan",
        .run = run,
        .release = release,
};
