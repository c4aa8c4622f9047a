// SPDX-License-Identifier: Apache-2.0
// hew doctor: what this machine allows, and whether the store is sound.
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/verbs.h"
#include "cmd/words.h"
#include "image/platform.h"
#include "sandbox/foreign.h"
#include "sandbox/network.h"
#include "sandbox/rung.h"
#include "session/session.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

struct doctor_options {
	const char *format;
	bool store, deep;
};

#define AT(member) offsetof(struct doctor_options, member)
static const struct option options[] = {
        {"deep", 0, OPT_FLAG, AT(deep), NULL,
                "With --store: read every blob and compare its digest"},
        {"format", 0, OPT_STRING, AT(format), "KIND", "table or json"},
        {"store", 0, OPT_FLAG, AT(store), NULL,
                "Check the store; exit status 9 if anything is wrong"},
        OPTION_END,
};

static const char *yes_no(bool b)
{
	return b ? "yes" : "no";
}

// For --network pasta.
static const char *pasta_state(const char *path)
{
	if (!path)
		return "no: --network pasta needs the package passt";
	return network_tun_usable() ? path : "no: this user may not open /dev/net/tun";
}

// Of every processor that hew knows but this machine's own.
static bool next_foreign(size_t *at, const char **ret_arch, struct foreign *ret, struct err *why)
{
	const struct platform host = platform_host();
	const char *arch = foreign_arch((*at)++);
	if (arch && !strcmp(arch, host.arch))
		arch = foreign_arch((*at)++);
	*why = ERR_INIT;
	*ret = (struct foreign){.fd = -1};
	*ret_arch = arch;
	if (arch)
		(void)foreign_find(arch, ret, why);
	return arch != NULL;
}

static void print_foreign(void)
{
	auto_buf struct buf yes = {0}, no = {0};
	struct foreign f;
	struct err why, first = ERR_INIT;
	const char *arch;
	for (size_t i = 0; next_foreign(&i, &arch, &f, &why); foreign_release(&f)) {
		struct buf *b = why.kind ? &no : &yes;
		buf_printf(b, "%slinux/%s", b->n ? ", " : "", arch);
		if (f.path)
			buf_printf(b, " (%s)", f.path);
		if (!first.kind)
			first = why;
	}
	printf("other platforms    %s\n", yes.n ? buf_cstr(&yes) : "none");
	if (no.n)
		printf("                   not %s: %s\n", buf_cstr(&no), first.msg);
}

static void put_foreign(struct jw *w)
{
	struct foreign f;
	struct err why;
	const char *arch;
	jw_key(w, "other_platforms");
	jw_array(w);
	for (size_t i = 0; next_foreign(&i, &arch, &f, &why); foreign_release(&f)) {
		auto_free char *name = xasprintf("linux/%s", arch);
		jw_object(w);
		jw_kv(w, "platform", name);
		jw_kv_bool(w, "runs", !why.kind);
		if (f.path)
			jw_kv(w, "emulator", f.path);
		if (why.kind)
			jw_kv(w, "why", why.msg);
		jw_object_end(w);
	}
	jw_array_end(w);
}

static void print_machine(const struct rung_report *r, bool json)
{
	auto_free char *root = store_default_root();
	auto_free char *pasta = network_pasta_path();
	if (!json) {
		printf("sandbox            %s\n", rung_name(r->rung));
		if (*r->why)
			printf("                   %s\n", r->why);
		printf("kernel             %s\n", r->kernel);
		printf("overlayfs          %s\n", yes_no(r->overlay));
		printf("overlay userxattr  %s\n", yes_no(r->overlay_userxattr));
		printf("seccomp            %s\n", yes_no(r->seccomp));
		printf("pasta              %s\n", pasta_state(pasta));
		printf("cgroups            %s\n", r->cgroup_hybrid ? "hybrid v1 and v2"
		                                  : r->cgroup_v2   ? "v2"
		                                                   : "v1 or none");
		print_foreign();
		printf("store              %s\n", root);
		return;
	}
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 2);
	jw_object(&w);
	jw_kv(&w, "rung", rung_name(r->rung));
	jw_kv(&w, "why", r->why);
	jw_kv(&w, "kernel", r->kernel);
	jw_kv_bool(&w, "overlay", r->overlay);
	jw_kv_bool(&w, "overlay_userxattr", r->overlay_userxattr);
	jw_kv_bool(&w, "seccomp", r->seccomp);
	jw_kv(&w, "pasta", pasta ? pasta : "");
	jw_kv_bool(&w, "tun", network_tun_usable());
	jw_kv_bool(&w, "cgroup_v2", r->cgroup_v2);
	jw_kv_bool(&w, "cgroup_hybrid", r->cgroup_hybrid);
	put_foreign(&w);
	jw_kv(&w, "store", root);
	jw_object_end(&w);
	puts(buf_cstr(&out));
}

static int check_store(bool deep, struct err *e)
{
	auto_session struct session s = {0};
	size_t findings = 0;
	if (session_open(&s, false, e)) {
		if (e->kind != ERR_NOT_FOUND)
			return -1;
		printf("store: there is none yet\n");
		return 0;
	}
	s.ui = ui_new(UI_PLAIN, "Checking");
	if (store_check(s.store, deep, session_sink(&s), &findings, e))
		return -1;
	if (findings)
		return err_set(e, ERR_CORRUPT,
		        "the store at %s has %zu fault%s: delete the files that it "
		        "names, then 'hew prune': what is lost is made or fetched again",
		        store_root(s.store), findings, findings == 1 ? "" : "s");
	printf("store: %s is sound\n", store_root(s.store));
	if (store_note(s.store))
		printf("note: %s\n", store_note(s.store));
	return 0;
}

static int run(void *opts, const struct strv *args, struct err *e)
{
	struct doctor_options *o = opts;
	struct rung_report r;
	int json = format_is_json(o->format, e);
	if (json < 0 || need_args(args, 0, 0, "doctor [OPTIONS]", e))
		return -1;
	if (o->store || o->deep)
		return check_store(o->deep, e);
	rung_probe(&r);
	print_machine(&r, json);
	return 0;
}

const struct command cmd_doctor = {
        .name = "doctor",
        .args = "[OPTIONS]",
        .summary = "Say what this machine allows and whether the store is sound",
        .options = options,
        .size = sizeof(struct doctor_options),
        .run = run,
};
