// SPDX-License-Identifier: Apache-2.0
// hew sbom: what is in an image, a folder or another document, as a document that others read.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/scan_run.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/session.h"
#include <string.h>

struct sbom_options {
	const char *format, *output, *platform, *input;
	bool quiet, insecure;
};

#define AT(member) offsetof(struct sbom_options, member)
static const struct option options[] = {
        {"format", 0, OPT_STRING, AT(format), "KIND",
                "cyclonedx (1.6, default), cyclonedx-1.5, spdx or json (Trivy's)"},
        {"input", 0, OPT_STRING, AT(input), "FILE", "An archive of an image, instead of TARGET"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"output", 'o', OPT_STRING, AT(output), "FILE", "Write there, not to standard output"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "Of an index, this image (default: this machine's)"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL,
                "No progress, no warnings about files that cannot be read"},
        OPTION_END,
};

static int parse_format(const char *text, enum scan_format *ret, struct err *e)
{
	*ret = SCAN_CYCLONEDX;
	if (!text)
		return 0;
	struct err other = ERR_INIT;
	if (!scan_format_parse(text, ret, &other) &&
	        (*ret == SCAN_CYCLONEDX || *ret == SCAN_CYCLONEDX_15 || *ret == SCAN_SPDX ||
	                *ret == SCAN_JSON))
		return 0;
	return err_set(e, ERR_USAGE,
	        "unknown format \"%s\": cyclonedx, cyclonedx-1.5, spdx or json", text);
}

static void write_sbom(const struct report *r, enum scan_format format, struct buf *out)
{
	if (format == SCAN_JSON)
		report_trivy(r, out);
	else if (format == SCAN_SPDX)
		report_spdx(r, out);
	else
		report_cyclonedx(r, format == SCAN_CYCLONEDX_15 ? 15 : 16, out);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct sbom_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	auto_scanned struct scanned t = {0};
	auto_buf struct buf out = {0};
	enum scan_format format;
	if (parse_format(o->format, &format, e) ||
	        need_args(args, o->input ? 0 : 1, o->input ? 0 : 1, "sbom [OPTIONS] TARGET", e))
		return -1;
	const struct subject_ask ask = {.text = args->n ? args->v[0] : NULL,
	        .input = o->input,
	        .platform = o->platform,
	        .silent = o->quiet};
	if (scanned_open(&s, &ask, &t, e))
		return -1;
	if (!o->quiet)
		scanned_warn(&t);
	struct report r = {.version = HEW_VERSION, .list_packages = true};
	scanned_report_alone(&t, &r);
	write_sbom(&r, format, &out);
	return scan_write(o->output, &out, e);
}

const struct command cmd_sbom = {
        .name = "sbom",
        .args = "[OPTIONS] TARGET",
        .summary = "List what is in an image as CycloneDX or SPDX",
        .details = "TARGET is what hew scan takes. The same image gives the same bytes: the time "
                   "in it is\n"
                   "SOURCE_DATE_EPOCH, or when the image was made.\n",
        .options = options,
        .size = sizeof(struct sbom_options),
        .run = run,
};
