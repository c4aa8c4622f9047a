// SPDX-License-Identifier: Apache-2.0
// docker version, info and context: what is asked of a daemon, of a machine without one.
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "image/platform.h"
#include "names/names-int.h"
#include "store/store.h"
#include "ui/ui.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CONTEXT "default"
#define CONTEXT_WHAT "hew: no daemon"

static const char *docker_host(void)
{
	const char *host = getenv("DOCKER_HOST");
	return host && *host ? host : "unix:///var/run/docker.sock";
}

// --format or -f. Caller frees.
static char *take_format(struct asked *a)
{
	char *format = take_option(&a->args, "--format");
	return format ? format : take_option(&a->args, "-f");
}

static int no_more(const struct asked *a, size_t most, struct err *e)
{
	if (a->args.n <= most)
		return 0;
	return err_set(e, ERR_USAGE, "unexpected argument \"%s\"", a->args.v[most]);
}

// ---- version

static void version_json(struct buf *out)
{
	const struct platform host = platform_host();
	struct jw w;
	jw_begin(&w, out, 0);
	jw_object(&w);
	jw_key(&w, "Client");
	jw_object(&w);
	jw_key(&w, "Platform");
	jw_object(&w);
	jw_kv(&w, "Name", "hew");
	jw_object_end(&w);
	jw_kv(&w, "Version", DOCKER_AS);
	jw_kv(&w, "ApiVersion", "1.52");
	jw_kv(&w, "DefaultAPIVersion", "1.52");
	jw_kv(&w, "GitCommit", "hew-" HEW_VERSION);
	jw_kv(&w, "GoVersion", "");
	jw_kv(&w, "Os", host.os);
	jw_kv(&w, "Arch", host.arch);
	jw_kv(&w, "BuildTime", "");
	jw_kv(&w, "Context", CONTEXT);
	jw_object_end(&w);
	jw_key(&w, "Server");
	jw_null(&w);
	jw_object_end(&w);
}

int docker_version(struct asked *a, struct err *e)
{
	auto_free char *format = take_format(a);
	auto_buf struct buf json = {0};
	const struct platform host = platform_host();
	if (no_more(a, 0, e))
		return -1;
	version_json(&json);
	if (format)
		return print_document(buf_cstr(&json), format, e);
	printf("Client: hew\n Version:           %s\n API version:       1.52\n"
	       " Git commit:        hew-%s\n OS/Arch:           %s/%s\n"
	       " Context:           %s\n\nServer: none: hew has no daemon\n",
	        DOCKER_AS, HEW_VERSION, host.os, host.arch, CONTEXT);
	return 0;
}

// ---- info

struct machine {
	struct utsname u;
	long processors;
	int64_t memory;
	char *root;
};

static struct machine machine_now(void)
{
	struct machine m = {.processors = sysconf(_SC_NPROCESSORS_ONLN),
	        .memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE),
	        .root = store_default_root()};
	uname(&m.u);
	return m;
}

static void info_json(const struct machine *m, struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 0);
	jw_object(&w);
	jw_kv(&w, "ID", "");
	jw_kv_int(&w, "Containers", 0);
	jw_kv_int(&w, "ContainersRunning", 0);
	jw_kv(&w, "Driver", "hew");
	jw_kv(&w, "ServerVersion", DOCKER_AS);
	jw_kv(&w, "OSType", "linux");
	jw_kv(&w, "OperatingSystem", m->u.sysname);
	jw_kv(&w, "KernelVersion", m->u.release);
	jw_kv(&w, "Architecture", m->u.machine);
	jw_kv_int(&w, "NCPU", m->processors);
	jw_kv_int(&w, "MemTotal", m->memory);
	jw_kv(&w, "Name", m->u.nodename);
	jw_kv(&w, "DockerRootDir", m->root);
	jw_key(&w, "SecurityOptions");
	jw_array(&w);
	if (geteuid())
		jw_str(&w, "name=rootless");
	jw_array_end(&w);
	jw_key(&w, "ClientInfo");
	jw_object(&w);
	jw_kv(&w, "Version", DOCKER_AS);
	jw_kv(&w, "Context", CONTEXT);
	jw_key(&w, "Plugins");
	jw_array(&w);
	jw_object(&w);
	jw_kv(&w, "Name", "buildx");
	jw_kv(&w, "Version", "v" BUILDX_AS);
	jw_kv(&w, "Vendor", "hew");
	jw_object_end(&w);
	jw_array_end(&w);
	jw_object_end(&w);
	jw_object_end(&w);
}

int docker_info(struct asked *a, struct err *e)
{
	auto_free char *format = take_format(a);
	auto_buf struct buf json = {0};
	if (no_more(a, 0, e))
		return -1;
	struct machine m = machine_now();
	auto_free char *root = m.root;
	info_json(&m, &json);
	if (format)
		return print_document(buf_cstr(&json), format, e);
	printf("Client: hew %s\n Version:    %s\n Context:    %s\n Plugins:\n  buildx: v%s "
	       "(hew)\n\n"
	       "Server: none: hew has no daemon\n Storage Driver: hew\n Kernel Version: %s\n"
	       " OSType: linux\n Architecture: %s\n CPUs: %ld\n Name: %s\n Docker Root Dir: %s\n",
	        HEW_VERSION, DOCKER_AS, CONTEXT, BUILDX_AS, m.u.release, m.u.machine, m.processors,
	        m.u.nodename, root);
	return 0;
}

// ---- context: there is one

static void context_json(struct buf *out)
{
	struct jw w;
	jw_begin(&w, out, 0);
	jw_object(&w);
	jw_kv(&w, "Name", CONTEXT);
	jw_key(&w, "Metadata");
	jw_object(&w);
	jw_object_end(&w);
	jw_key(&w, "Endpoints");
	jw_object(&w);
	jw_key(&w, "docker");
	jw_object(&w);
	jw_kv(&w, "Host", docker_host());
	jw_kv_bool(&w, "SkipTLSVerify", false);
	jw_object_end(&w);
	jw_object_end(&w);
	jw_key(&w, "TLSMaterial");
	jw_object(&w);
	jw_object_end(&w);
	jw_key(&w, "Storage");
	jw_object(&w);
	jw_kv(&w, "MetadataPath", "");
	jw_kv(&w, "TLSPath", "");
	jw_object_end(&w);
	jw_object_end(&w);
}

static int known(const char *name, struct err *e)
{
	if (!strcmp(name, CONTEXT))
		return 0;
	return err_set(e, ERR_NOT_FOUND,
	        "context \"%s\" does not exist: with hew there is \"" CONTEXT "\" alone", name);
}

static int context_inspect(struct asked *a, struct err *e)
{
	auto_free char *format = take_format(a);
	auto_buf struct buf one = {0}, list = {0};
	bool json = !format || !strcmp(format, "json");
	for (size_t i = 0; i < a->args.n; i++)
		if (known(a->args.v[i], e))
			return -1;
	context_json(&one);
	if (!json)
		return print_document(buf_cstr(&one), format, e);
	buf_printf(&list, "[%s]", buf_cstr(&one));
	return print_document(buf_cstr(&list), format, e);
}

static int context_ls(struct asked *a, struct err *e)
{
	static const char *const heads[] = {"NAME", "DESCRIPTION", "DOCKER ENDPOINT", "ERROR"};
	auto_free char *format = take_format(a);
	bool quiet = take_flag(&a->args, "-q");
	quiet |= take_flag(&a->args, "--quiet");
	if (no_more(a, 0, e))
		return -1;
	if (quiet) {
		puts(CONTEXT);
		return 0;
	}
	if (format && strcmp(format, "table") != 0) {
		auto_buf struct buf out = {0};
		struct jw w;
		jw_begin(&w, &out, 0);
		jw_object(&w);
		jw_kv_bool(&w, "Current", true);
		jw_kv(&w, "Description", CONTEXT_WHAT);
		jw_kv(&w, "DockerEndpoint", docker_host());
		jw_kv(&w, "Error", "");
		jw_kv(&w, "Name", CONTEXT);
		jw_object_end(&w);
		return print_document(buf_cstr(&out), format, e);
	}
	auto_buf struct buf host = {0};
	ui_escape(docker_host(), strlen(docker_host()), &host);
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	ui_table_row(t, (const char *const[]){CONTEXT " *", CONTEXT_WHAT, buf_cstr(&host), ""});
	ui_table_print(t);
	ui_table_free(t);
	return 0;
}

int docker_context(struct asked *a, struct err *e)
{
	auto_free char *verb = xstrdup(a->args.n ? a->args.v[0] : "");
	if (a->args.n)
		drop_first(&a->args);
	if (!strcmp(verb, "inspect"))
		return context_inspect(a, e);
	if (!strcmp(verb, "ls") || !strcmp(verb, "list"))
		return context_ls(a, e);
	if (!strcmp(verb, "show") || !strcmp(verb, "use")) {
		if (no_more(a, *verb == 'u', e) || (a->args.n && known(a->args.v[0], e)))
			return -1;
		puts(CONTEXT);
		return 0;
	}
	return err_set(e, ERR_UNSUPPORTED,
	        "docker context %s: with hew there is no daemon and no context but \"" CONTEXT "\"",
	        verb);
}
