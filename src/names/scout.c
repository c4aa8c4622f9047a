// SPDX-License-Identifier: Apache-2.0
// hew scout, or hew called docker-scout: what pipelines ask of Docker Scout. No account is needed.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/scan_run.h"
#include "cmd/verbs.h"
#include "names/names-int.h"
#include "session/session.h"
#include <stdio.h>
#include <string.h>

#define GATE_STATUS 2

struct scout_options {
	struct strv vex;
	const char *severity, *format, *output, *platform, *org;
	bool exit_code, only_fixed;
};

#define AT(member) offsetof(struct scout_options, member)
static const struct option options[] = {
        {"exit-code", 'e', OPT_FLAG, AT(exit_code), NULL, "Exit status 2 if a finding is left"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "packages, sarif, spdx or markdown"},
        {"only-fixed", 0, OPT_FLAG, AT(only_fixed), NULL, "Hide what has no fix yet"},
        {"only-severity", 0, OPT_STRING, AT(severity), "LIST",
                "Only these: critical,high,medium,low,unspecified"},
        {"org", 0, OPT_NOTE, 0, "NAME", NULL, "there is no account"},
        {"output", 'o', OPT_STRING, AT(output), "FILE", "Write there, not to standard output"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH", "Of an index, this image"},
        {"vex-location", 0, OPT_LIST, AT(vex), "FILE", "An OpenVEX document"},
        OPTION_END,
};

static void release(void *p)
{
	strv_release(&((struct scout_options *)p)->vex);
}

static int take_format(const char *format, struct scan_ask *a, struct err *e)
{
	static const char *const same[] = {"sarif", "spdx", "markdown"};
	if (!format || !strcmp(format, "packages") || !strcmp(format, "only-packages"))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (!strcmp(format, same[i]))
			return scan_format_parse(format, &a->format, e);
	return err_set(e, ERR_UNSUPPORTED,
	        "--format %s is not written: packages, sarif, spdx and markdown are", format);
}

static char *place_of(const char *text)
{
	static const struct {
		const char *scout, *hew;
	} schemes[] = {{"image://", ""}, {"local://", "store:"}, {"registry://", "docker://"},
	        {"oci-dir://", "oci:"}, {"archive://", "docker-archive:"}, {"fs://", "dir:"},
	        {"sbom://", "sbom:"}};
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_has_prefix(text, schemes[i].scout))
			return xasprintf("%s%s", schemes[i].hew, text + strlen(schemes[i].scout));
	return xstrdup(text);
}

// "unspecified" is what others call unknown.
static char *severities(const char *text)
{
	auto_strv struct strv words = {0};
	struct buf out = {0};
	strv_split(&words, text ? text : "", ',');
	for (size_t i = 0; text && i < words.n; i++)
		buf_printf(&out, "%s%s", i ? "," : "",
		        str_ieq(words.v[i], "unspecified") ? "unknown" : words.v[i]);
	return buf_steal(&out);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct scout_options *o = opts;
	auto_session struct session s = {0};
	// As a plugin of docker it is told its own name first.
	size_t at = args->n && !strcmp(args->v[0], "scout") ? 1 : 0;
	const char *verb = args->n > at ? args->v[at] : "";
	bool quick = !strcmp(verb, "quickview") || !strcmp(verb, "qv");
	if (!strcmp(verb, "version")) {
		printf("version: v%s\n", HEW_VERSION);
		return 0;
	}
	if (*verb && !quick && strcmp(verb, "cves") != 0)
		return err_set(e, ERR_UNSUPPORTED,
		        "docker scout %s is not done here: cves and quickview are; 'hew diff' "
		        "compares",
		        verb);
	if (args->n != at + 2)
		return err_set(e, ERR_USAGE, "usage: docker scout cves|quickview [FLAGS] IMAGE");
	auto_free char *text = place_of(args->v[at + 1]), *levels = severities(o->severity);
	struct scan_ask a = {.target = {.text = text, .platform = o->platform},
	        .severity = levels,
	        .vex = &o->vex,
	        .output = o->output,
	        .ignore_unfixed = o->only_fixed,
	        .base = quick,
	        .exit_code = o->exit_code ? GATE_STATUS : 0,
	        .gate = "--exit-code"};
	return take_format(o->format, &a, e) ? -1 : scan_run(&s, &a, e);
}

const struct command cmd_scout = {
        .name = "scout",
        .alias = "docker-scout",
        .args = "cves|quickview [FLAGS] IMAGE",
        .summary = "Scan with the command line of Docker Scout",
        .options = options,
        .size = sizeof(struct scout_options),
        .failure_status = 1,
        .page = "scan",
        .run = run,
        .release = release,
};
