// SPDX-License-Identifier: Apache-2.0
// hew trivy, or hew called by that name: enough of Trivy's command line for pipelines that have it:
// the same flags and variables, the same exit statuses, JSON and SARIF of the same shape.
#include "base/err.h"
#include "base/mem.h"
#include "cmd/scan_run.h"
#include "cmd/verbs.h"
#include "names/names-int.h"
#include "session/session.h"
#include <stdio.h>
#include <string.h>

struct trivy_options {
	struct strv vex, skip_dirs, skip_files;
	const char *severity, *format, *output, *pkg_types, *scanners, *ignore_file, *input,
	        *ignore_status, *platform, *template, *refused;
	bool ignore_unfixed, quiet, no_progress, no_packages, insecure, version, download_only,
	        suppressed, ignored;
	int64_t exit_code, exit_on_eol;
};

#define DATABASE "the database is hew's own: hew db update fetches it"
#define AT(member) offsetof(struct trivy_options, member)
static const struct option options[] = {
        {"cache-backend", 0, OPT_NOTE, 0, "KIND", NULL, "what is known of layers is in the store"},
        {"cache-dir", 0, OPT_NOTE, 0, "DIR", NULL, "the store is the cache"},
        {"compliance", 0, OPT_STRING, AT(refused), "NAME", NULL, NULL},
        {"config", 'c', OPT_NOTE, 0, "FILE", NULL, "flags and variables count"},
        {"db-repository", 0, OPT_NOTE, 0, "NAME", NULL, DATABASE},
        {"debug", 'd', OPT_FLAG, AT(ignored), NULL, NULL, NULL},
        {"detection-priority", 0, OPT_NOTE, 0, "KIND", NULL, "there is one way of matching"},
        {"disable-telemetry", 0, OPT_FLAG, AT(ignored), NULL, NULL, NULL},
        {"docker-host", 0, OPT_NOTE, 0, "HOST", NULL, "images are those of the store"},
        {"download-db-only", 0, OPT_FLAG, AT(download_only), NULL, NULL, NULL},
        {"exit-code", 0, OPT_INT, AT(exit_code), "N", "End with this status if a finding is left",
                NULL},
        {"exit-on-eol", 0, OPT_INT, AT(exit_on_eol), "N",
                "End with this status if the distribution is past its end of life", NULL},
        {"format", 'f', OPT_STRING, AT(format), "KIND",
                "table, json, sarif, cyclonedx, spdx-json or template", NULL},
        {"ignore-policy", 0, OPT_STRING, AT(refused), "FILE", NULL, NULL},
        {"ignore-status", 0, OPT_STRING, AT(ignore_status), "LIST",
                "Hide flaws of these statuses: affected, will_not_fix, fix_deferred...", NULL},
        {"ignore-unfixed", 0, OPT_FLAG, AT(ignore_unfixed), NULL, "Hide what has no fix yet", NULL},
        {"ignorefile", 0, OPT_STRING, AT(ignore_file), "FILE",
                "What to hide (default: .trivyignore, .trivyignore.yaml)", NULL},
        {"image-src", 0, OPT_NOTE, 0, "LIST", NULL, "the store, then the registry"},
        {"input", 0, OPT_STRING, AT(input), "FILE", "An archive of an image", NULL},
        {"insecure", 0, OPT_FLAG, AT(insecure), NULL,
                "Allow plain http and unverified certificates", NULL},
        {"java-db-repository", 0, OPT_NOTE, 0, "NAME", NULL, DATABASE},
        {"list-all-pkgs", 0, OPT_ON, AT(no_packages), NULL,
                "JSON: all packages, too (default: true)", NULL},
        {"no-progress", 0, OPT_FLAG, AT(no_progress), NULL, NULL, NULL},
        {"offline-scan", 0, OPT_FLAG, AT(ignored), NULL, NULL, NULL},
        {"output", 'o', OPT_STRING, AT(output), "FILE", "Write there, not to standard output",
                NULL},
        {"parallel", 0, OPT_NOTE, 0, "N", NULL, NULL},
        {"pkg-types", 0, OPT_STRING, AT(pkg_types), "LIST", "os, library (default: both)", NULL},
        {"platform", 0, OPT_STRING, AT(platform), "OS/ARCH", "Of an index, this image", NULL},
        {"quiet", 'q', OPT_FLAG, AT(quiet), NULL, "Fewer words on standard error", NULL},
        {"scanners", 0, OPT_STRING, AT(scanners), "LIST", "vuln; others are not looked for", NULL},
        {"security-checks", 0, OPT_STRING, AT(scanners), "LIST", NULL, NULL},
        {"server", 0, OPT_STRING, AT(refused), "URL", NULL, NULL},
        {"severity", 's', OPT_STRING, AT(severity), "LIST",
                "Only these: CRITICAL,HIGH,MEDIUM,LOW,UNKNOWN", NULL},
        {"show-suppressed", 0, OPT_FLAG, AT(suppressed), NULL, "Show what is hidden, too", NULL},
        {"skip-db-update", 0, OPT_FLAG, AT(ignored), NULL, NULL, NULL},
        {"skip-dirs", 0, OPT_LIST, AT(skip_dirs), "DIR", "Hide what is in these folders", NULL},
        {"skip-files", 0, OPT_LIST, AT(skip_files), "FILE", "Hide what these files say", NULL},
        {"skip-java-db-update", 0, OPT_FLAG, AT(ignored), NULL, NULL, NULL},
        {"skip-update", 0, OPT_FLAG, AT(ignored), NULL, NULL, NULL},
        {"skip-version-check", 0, OPT_FLAG, AT(ignored), NULL, NULL, NULL},
        {"template", 't', OPT_STRING, AT(template), "TEXT",
                "@contrib/gitlab.tpl, gitlab-codequality.tpl or junit.tpl", NULL},
        {"timeout", 0, OPT_NOTE, 0, "TIME", NULL, "a scan takes seconds at most"},
        {"version", 'v', OPT_FLAG, AT(version), NULL, "Print the version", NULL},
        {"vex", 0, OPT_LIST, AT(vex), "FILE", "An OpenVEX document", NULL},
        {"vuln-type", 0, OPT_STRING, AT(pkg_types), "LIST", NULL, NULL},
        OPTION_END,
};

static void release(void *p)
{
	struct trivy_options *o = p;
	strv_release(&o->vex);
	strv_release(&o->skip_dirs);
	strv_release(&o->skip_files);
}

// Lists in lists: "a,b" is two.
static void split_all(struct strv *list)
{
	auto_strv struct strv parts = {0};
	for (size_t i = 0; i < list->n; i++)
		strv_split(&parts, list->v[i], ',');
	strv_copy(list, &parts);
}

// ---- what is asked for

// Trivy comes with these files: they are no files here, what they make of a scan is a form of
// hew's.
static int take_template(const char *text, enum scan_format *ret, struct err *e)
{
	static const struct {
		const char *name;
		enum scan_format format;
	} known[] = {{"gitlab.tpl", SCAN_GITLAB},
	        {"gitlab-codequality.tpl", SCAN_GITLAB_CODEQUALITY}, {"junit.tpl", SCAN_JUNIT}};
	if (!text || !*text)
		return err_set(e, ERR_USAGE, "--format template needs --template");
	const char *slash = strrchr(text, '/'), *name = slash ? slash + 1 : text + 1;
	for (size_t i = 0; *text == '@' && i < ARRAY_LEN(known); i++) {
		if (strcmp(name, known[i].name) != 0)
			continue;
		*ret = known[i].format;
		return 0;
	}
	return err_set(e, ERR_UNSUPPORTED,
	        "--template %s: templates are not read; known are @contrib/gitlab.tpl, "
	        "gitlab-codequality.tpl and junit.tpl",
	        text);
}

static int take_format(
        const struct trivy_options *o, struct scan_ask *a, bool *ret_sbom, struct err *e)
{
	const char *f = o->format && *o->format ? o->format : "table";
	if (!strcmp(f, "template"))
		return take_template(o->template, &a->format, e);
	if (o->template && *o->template && !o->quiet)
		fprintf(stderr, "hew: --template is ignored: --format is not template\n");
	*ret_sbom = !strcmp(f, "cyclonedx") || !strcmp(f, "spdx-json");
	if (!strcmp(f, "spdx-json"))
		f = "spdx";
	else if (!strcmp(f, "spdx") || !strcmp(f, "github") || !strcmp(f, "cosign-vuln"))
		return err_set(e, ERR_UNSUPPORTED,
		        "--format %s is not written: take json, sarif, cyclonedx or spdx-json", f);
	return scan_format_parse(f, &a->format, e);
}

// Whether flaws are wanted; other scanners are told not to be here.
static int take_scanners(const struct trivy_options *o, bool *ret_vuln, struct err *e)
{
	auto_strv struct strv words = {0};
	*ret_vuln = !o->scanners;
	strv_split(&words, o->scanners ? o->scanners : "", ',');
	for (size_t i = 0; o->scanners && i < words.n; i++) {
		const char *word = words.v[i];
		if (!strcmp(word, "vuln"))
			*ret_vuln = true;
		else if (!strcmp(word, "none"))
			continue;
		else if (!strcmp(word, "secret") || !strcmp(word, "misconfig") ||
		         !strcmp(word, "config") || !strcmp(word, "license")) {
			if (!o->quiet)
				fprintf(stderr, "hew: --scanners %s is not looked for%s\n", word,
				        *word == 'm' || *word == 'c'
				                ? ": 'hew lint' checks Dockerfiles"
				                : "");
		} else {
			return err_set(e, ERR_USAGE, "unknown scanner \"%s\": vuln", word);
		}
	}
	return 0;
}

static int check(const struct trivy_options *o, struct err *e)
{
	if (o->refused)
		return err_set(e, ERR_UNSUPPORTED,
		        "--ignore-policy, --compliance and --server (%s) are not taken: ignore "
		        "files and OpenVEX (--vex) are",
		        o->refused);
	return 0;
}

// trivy's verb into hew's words for the place.
static int take_target(const char *verb, const struct strv *args, const struct trivy_options *o,
        struct scan_ask *a, char **ret_text, struct err *e)
{
	static const char *const images[] = {"image", "i"};
	static const char *const folders[] = {"filesystem", "fs", "rootfs", "repository", "repo"};
	const char *prefix = NULL;
	for (size_t i = 0; i < ARRAY_LEN(images); i++)
		if (!strcmp(verb, images[i]))
			prefix = "";
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (!strcmp(verb, folders[i]))
			prefix = "dir:";
	if (!strcmp(verb, "sbom"))
		prefix = "sbom:";
	if (!prefix)
		return err_set(e, ERR_UNSUPPORTED,
		        "trivy %s is not done here: image, filesystem, rootfs and sbom are", verb);
	if (args->n != (o->input ? 1u : 2u))
		return err_set(e, ERR_USAGE, "usage: trivy %s [FLAGS] %s", verb,
		        *prefix == 's'   ? "FILE"
		        : *prefix == 'd' ? "FOLDER"
		                         : "IMAGE, or --input FILE");
	if (!o->input)
		*ret_text = xasprintf("%s%s", prefix, args->v[1]);
	a->target.text = *ret_text;
	a->target.input = o->input;
	a->target.platform = o->platform;
	a->target.silent = o->quiet || o->no_progress;
	return 0;
}

// ---- doing it

static int write_sbom(struct session *s, const struct scan_ask *a, struct err *e)
{
	auto_scanned struct scanned t = {0};
	auto_buf struct buf out = {0};
	struct report r = {.version = HEW_VERSION, .list_packages = true};
	if (scanned_open(s, &a->target, &t, e))
		return -1;
	if (!a->quiet)
		scanned_warn(&t);
	scanned_report_alone(&t, &r);
	if (a->format == SCAN_SPDX)
		report_spdx(&r, &out);
	else if (a->format == SCAN_CYCLONEDX)
		report_cyclonedx(&r, 16, &out);
	else
		report_trivy(&r, &out);
	return scan_write(a->output, &out, e);
}

static int scan(struct trivy_options *o, const struct strv *args, struct err *e)
{
	auto_session struct session s = {.insecure = o->insecure};
	auto_free char *text = NULL;
	bool sbom = false, vuln = true;
	split_all(&o->skip_dirs);
	split_all(&o->skip_files);
	struct scan_ask a = {.severity = o->severity,
	        .ignore_status = o->ignore_status,
	        .pkg_types = o->pkg_types,
	        .ignore_file = o->ignore_file,
	        .vex = &o->vex,
	        .output = o->output && *o->output ? o->output : NULL,
	        .ignore_unfixed = o->ignore_unfixed,
	        .all = o->suppressed,
	        .quiet = o->quiet,
	        .list_packages = !o->no_packages,
	        .exit_code = o->exit_code,
	        .exit_on_eol = o->exit_on_eol,
	        .skip_dirs = &o->skip_dirs,
	        .skip_files = &o->skip_files};
	if (check(o, e) || take_format(o, &a, &sbom, e) || take_scanners(o, &vuln, e) ||
	        take_target(args->v[0], args, o, &a, &text, e))
		return -1;
	// Both are lists of packages unless flaws are asked for by name.
	if (sbom && (!o->scanners || !vuln))
		return write_sbom(&s, &a, e);
	if (!vuln && a.format == SCAN_JSON)
		return write_sbom(&s, &a, e);
	if (!vuln)
		return err_set(e, ERR_UNSUPPORTED, "--scanners %s: only vuln is looked for here",
		        o->scanners);
	return scan_run(&s, &a, e);
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct trivy_options *o = opts;
	if (o->version || (args->n && !strcmp(args->v[0], "version"))) {
		printf("Version: %s\nhew, called trivy: see hew-scan(1)\n", HEW_VERSION);
		return 0;
	}
	if (o->download_only) {
		auto_advisories struct advisories *db = NULL;
		fprintf(stderr, "hew: --download-db-only: %s\n", DATABASE);
		return scan_open_db(NULL, &db, e);
	}
	if (args->n && !strcmp(args->v[0], "clean"))
		return 0;
	if (!args->n)
		return err_set(e, ERR_USAGE, "usage: trivy image|filesystem|rootfs|sbom TARGET");
	return scan(o, args, e);
}

const struct command cmd_trivy = {
        .name = "trivy",
        .args = "image|filesystem|rootfs|sbom [FLAGS] TARGET",
        .summary = "Scan with the command line of Trivy",
        .options = options,
        .size = sizeof(struct trivy_options),
        .env = "TRIVY_",
        .failure_status = 1,
        .page = "scan",
        .run = run,
        .release = release,
};
