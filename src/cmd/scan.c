// SPDX-License-Identifier: Apache-2.0
// hew scan: what is known to be wrong with what an image, a folder or an SBOM has in it.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/scan_run.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "session/session.h"

struct scan_options {
	struct strv vex, instead;
	const char *severity, *pkg_types, *ignore_file, *format, *output, *explain, *db, *max_age,
	        *platform, *input;
	bool ignore_unfixed, all, quiet, base, insecure;
	int64_t exit_code;
};

#define AT(member) offsetof(struct scan_options, member)
static const struct option options[] = {
        {"all", 0, OPT_FLAG, AT(all), NULL, "Show what is hidden, too, and why it is"},
        {"base", 0, OPT_FLAG, AT(base), NULL,
                "Say what the base image costs, and what another tag of it would"},
        {"db", 0, OPT_STRING, AT(db), "FILE", "The advisory database (default: see hew db)"},
        {"exit-code", 0, OPT_INT, AT(exit_code), "N", "End with this status if a finding is left"},
        {"explain", 0, OPT_STRING, AT(explain), "CVE", "Say why this flaw is one here, or is not"},
        {"format", 0, OPT_STRING, AT(format), "KIND",
                "table, json, sarif, cyclonedx, spdx, markdown, gitlab, junit..."},
        {"ignore-unfixed", 0, OPT_FLAG, AT(ignore_unfixed), NULL, "Hide what has no fix yet"},
        {"ignorefile", 0, OPT_STRING, AT(ignore_file), "FILE",
                "What to hide (default: .trivyignore, .trivyignore.yaml)"},
        {"input", 0, OPT_STRING, AT(input), "FILE", "An archive of an image, instead of TARGET"},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates"},
        {"instead", 0, OPT_LIST, AT(instead), "IMAGE",
                "Compare with this as the base, too (with --base)"},
        {"max-age", 0, OPT_STRING, AT(max_age), "AGE",
                "Fail if the advisory data is older: 7d, 36h"},
        {"output", 'o', OPT_STRING, AT(output), "FILE", "Write there, not to standard output"},
        {"pkg-types", 0, OPT_STRING, AT(pkg_types), "LIST", "os, library (default: both)"},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH",
                "Of an index, this image (default: this machine's)"},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL,
                "No progress, no warnings about files that cannot be read"},
        {"severity", 0, OPT_STRING, AT(severity), "LIST",
                "Only these: CRITICAL,HIGH,MEDIUM,LOW,NEGLIGIBLE,UNKNOWN"},
        {"vex", 0, OPT_LIST, AT(vex), "FILE", "An OpenVEX document: what does not concern us"},
        OPTION_END,
};

static void release(void *p)
{
	struct scan_options *o = p;
	strv_release(&o->vex);
	strv_release(&o->instead);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct scan_options *o = opts;
	auto_session struct session s = {.insecure = o->insecure};
	struct scan_ask a = {.severity = o->severity,
	        .pkg_types = o->pkg_types,
	        .ignore_file = o->ignore_file,
	        .vex = &o->vex,
	        .output = o->output,
	        .explain = o->explain,
	        .db = o->db,
	        .max_age = o->max_age,
	        .ignore_unfixed = o->ignore_unfixed,
	        .all = o->all,
	        .quiet = o->quiet,
	        .base = o->base || o->instead.n,
	        .instead = &o->instead,
	        .list_packages = true, // as trivy does in its JSON
	        .gate = "--exit-code",
	        .exit_code = o->exit_code};
	if (scan_format_parse(o->format, &a.format, e) ||
	        need_args(args, o->input ? 0 : 1, o->input ? 0 : 1, "scan [OPTIONS] TARGET", e))
		return -1;
	a.target = (struct subject_ask){.text = args->n ? args->v[0] : NULL,
	        .input = o->input,
	        .platform = o->platform,
	        .silent = o->quiet};
	return scan_run(&s, &a, e);
}

const struct command cmd_scan = {
        .name = "scan",
        .args = "[OPTIONS] TARGET",
        .summary = "Say what is known to be wrong with the packages of an image",
        .details = "TARGET is an image in the store or a registry, docker://NAME, oci:DIR[:TAG],\n"
                   "oci-archive:FILE, docker-archive:FILE; a folder (./DIR, /DIR or dir:DIR), "
                   "whose lock\n"
                   "files count, too; or a document that names packages (sbom:FILE). No network "
                   "is used\n"
                   "but to fetch an image that is not here.\n",
        .options = options,
        .size = sizeof(struct scan_options),
        .run = run,
        .release = release,
};
