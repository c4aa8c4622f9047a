// SPDX-License-Identifier: Apache-2.0
// buildx ls and inspect. Tools read the text of inspect: its keys, and that there is a node, are
// fixed.
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "image/platform.h"
#include "names/builders.h"
#include "names/names-int.h"
#include "sandbox/foreign.h"
#include "ui/ui.h"
#include <stdio.h>
#include <string.h>

// What is built for here, the machine's own first.
static void machine_platforms(struct strv *ret)
{
	const struct platform host = platform_host();
	const char *arch;
	char text[80];
	platform_text(&host, text);
	strv_add(ret, text);
	for (size_t i = 0; (arch = foreign_arch(i)); i++) {
		struct foreign f = {.fd = -1};
		struct err why = ERR_INIT;
		if (strcmp(arch, host.arch) != 0 && foreign_find(arch, &f, &why) == 0)
			strv_addf(ret, "linux/%s", arch);
		foreign_release(&f);
	}
}

// Those that the node was made for have a star.
static char *node_platforms(const struct builder_node *n, const struct strv *machine)
{
	struct buf out = {0};
	for (size_t i = 0; i < n->platforms.n; i++)
		buf_printf(&out, "%s%s*", out.n ? ", " : "", n->platforms.v[i]);
	for (size_t i = 0; i < machine->n; i++)
		if (!strv_has(&n->platforms, machine->v[i]))
			buf_printf(&out, "%s%s", out.n ? ", " : "", machine->v[i]);
	return buf_steal(&out);
}

static void put(const char *key, const char *value)
{
	auto_buf struct buf clean = {0};
	auto_free char *head = xasprintf("%s:", key);
	ui_escape(value, strlen(value), &clean);
	printf("%-22s %s\n", head, buf_cstr(&clean));
}

static void put_used(const struct builder *b)
{
	char text[TIME_TEXT];
	if (!b->used)
		return;
	time_format((struct timestamp){b->used, 0}, text); // 2024-01-02T03:04:05Z
	auto_free char *line = xasprintf("%.10s %.8s +0000 UTC", text, text + 11);
	put("Last Activity", line);
}

static void put_options(const struct builder_node *n)
{
	auto_buf struct buf out = {0};
	for (size_t i = 0; i < n->options.n; i++) {
		const char *kv = n->options.v[i], *eq = strchr(kv, '=');
		buf_printf(&out, "%s%.*s=\"%s\"", i ? " " : "", (int)strcspn(kv, "="), kv,
		        eq ? eq + 1 : "");
	}
	if (out.n)
		put("Driver Options", buf_cstr(&out));
}

static void put_node(const struct builder_node *n, const struct strv *machine)
{
	auto_free char *platforms = node_platforms(n, machine);
	auto_buf struct buf flags = {0};
	for (size_t i = 0; i < n->flags.n; i++)
		buf_printf(&flags, "%s%s", i ? " " : "", n->flags.v[i]);
	put("Name", n->name);
	put("Endpoint", n->endpoint);
	put_options(n);
	put("Status", "running");
	if (flags.n)
		put("BuildKit daemon flags", buf_cstr(&flags));
	put("BuildKit version", BUILDKIT_AS);
	put("Platforms", platforms);
}

int buildx_inspect(struct asked *a, struct err *e)
{
	static const char *const flags[] = {"--bootstrap", "--verbose", "--timeout=", NULL};
	auto_builder struct builder b = {0};
	auto_strv struct strv machine = {0};
	auto_free char *current = NULL;
	drop_options(&a->args, flags);
	if (a->args.n && a->args.v[0][0] == '-')
		return err_set(e, ERR_USAGE, "unknown flag: %s", a->args.v[0]);
	if (a->args.n > 1)
		return err_set(e, ERR_USAGE, "unexpected argument \"%s\"", a->args.v[1]);
	if (builder_current(&current, e))
		return -1;
	if (builder_read(a->args.n ? a->args.v[0] : a->builder ? a->builder : current, &b, e))
		return -1;
	machine_platforms(&machine);
	put("Name", b.name);
	put("Driver", b.driver);
	put_used(&b);
	printf("\nNodes:\n");
	for (size_t i = 0; i < b.n; i++) {
		if (i)
			putchar('\n');
		put_node(&b.nodes[i], &machine);
	}
	return 0;
}

// ---- ls

static void put_rows(struct ui_table *t, const struct builder *b, const char *current,
        const struct strv *machine)
{
	auto_free char *name = xasprintf("%s%s", b->name, str_ieq(b->name, current) ? "*" : "");
	ui_table_row(t, (const char *const[]){name, b->driver, "", "", ""});
	for (size_t i = 0; i < b->n; i++) {
		const struct builder_node *n = &b->nodes[i];
		auto_free char *node = xasprintf(" \\_ %s", n->name),
		               *at = xasprintf(" \\_ %s", n->endpoint),
		               *platforms = node_platforms(n, machine);
		auto_buf struct buf clean = {0};
		ui_escape(at, strlen(at), &clean);
		ui_table_row(t, (const char *const[]){
		                        node, buf_cstr(&clean), "running", BUILDKIT_AS, platforms});
	}
}

static int print_one(const struct builder *b, const char *current, const char *format,
        const struct strv *machine, struct err *e)
{
	auto_buf struct buf out = {0};
	struct jw w;
	jw_begin(&w, &out, 0);
	jw_object(&w);
	jw_kv_bool(&w, "Current", str_ieq(b->name, current));
	jw_kv(&w, "Driver", b->driver);
	jw_kv(&w, "Name", b->name);
	jw_key(&w, "Nodes");
	jw_array(&w);
	for (size_t i = 0; i < b->n; i++) {
		jw_object(&w);
		jw_kv(&w, "Endpoint", b->nodes[i].endpoint);
		jw_kv(&w, "Name", b->nodes[i].name);
		jw_key(&w, "Platforms");
		jw_array(&w);
		for (size_t k = 0; k < machine->n; k++)
			jw_str(&w, machine->v[k]);
		jw_array_end(&w);
		jw_kv(&w, "Status", "running");
		jw_kv(&w, "Version", BUILDKIT_AS);
		jw_object_end(&w);
	}
	jw_array_end(&w);
	jw_object_end(&w);
	return print_document(buf_cstr(&out), format, e);
}

int buildx_ls(struct asked *a, struct err *e)
{
	static const char *const heads[] = {
	        "NAME/NODE", "DRIVER/ENDPOINT", "STATUS", "BUILDKIT", "PLATFORMS"};
	static const char *const flags[] = {"--no-trunc", "--timeout=", NULL};
	auto_free char *format = take_option(&a->args, "--format"), *current = NULL;
	auto_strv struct strv names = {0}, machine = {0};
	drop_options(&a->args, flags);
	if (a->args.n)
		return err_set(e, ERR_USAGE, "unexpected argument \"%s\"", a->args.v[0]);
	if (builder_names(&names, e) || builder_current(&current, e))
		return -1;
	strv_add(&names, BUILDER_DEFAULT);
	machine_platforms(&machine);
	bool table = !format || !strcmp(format, "table");
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	int rc = 0;
	for (size_t i = 0; i < names.n && !rc; i++) {
		auto_builder struct builder b = {0};
		struct err broken = ERR_INIT;
		if (builder_read(names.v[i], &b, &broken))
			continue; // its file says nothing
		if (table)
			put_rows(t, &b, current, &machine);
		else
			rc = print_one(&b, current, format, &machine, e);
	}
	if (table)
		ui_table_print(t);
	ui_table_free(t);
	return rc;
}
