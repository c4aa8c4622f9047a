// SPDX-License-Identifier: Apache-2.0
// What hew size prints for people.
#include "base/buf.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "cmd/size.h"
#include "ui/ui.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INSTRUCTION_WIDTH 50

void size_cell(uint64_t bytes, bool estimated, char ret[static SIZE_CELL])
{
	char text[24];
	if (bytes == WEIGH_UNKNOWN) {
		snprintf(ret, SIZE_CELL, "-");
		return;
	}
	size_format(bytes, text);
	snprintf(ret, SIZE_CELL, "%s%s", estimated ? "~" : "", text);
}

static void time_cell(uint64_t bytes, double per_second, char ret[static SIZE_CELL])
{
	double s = (double)bytes / per_second;
	if (bytes == WEIGH_UNKNOWN)
		snprintf(ret, SIZE_CELL, "-");
	else if (s < 99.95)
		snprintf(ret, SIZE_CELL, "%.1fs", s);
	else
		snprintf(ret, SIZE_CELL, "%.0fm%02.0fs", (double)(int64_t)(s / 60),
		        s - 60 * (double)(int64_t)(s / 60));
}

static const char *percent(double part, char ret[static SIZE_CELL])
{
	snprintf(ret, SIZE_CELL, "%.1f%%", 100 * part);
	return ret;
}

// ---- a row an image

static void image_row(struct ui_table *t, const struct size_image *m, const struct size_show *show)
{
	size_t n = 5 + show->bandwidths.n;
	auto_free const char **cells = xcalloc(n, sizeof(*cells));
	auto_free char(*times)[SIZE_CELL] = xcalloc(show->bandwidths.n + 1, sizeof(*times));
	char bytes[SIZE_CELL], packed[SIZE_CELL], layers[24];
	size_cell(m->bytes, false, bytes);
	size_cell(m->packed, m->estimated, packed);
	snprintf(layers, sizeof(layers), "%zu", m->n);
	cells[0] = m->name;
	cells[1] = bytes;
	cells[2] = packed;
	cells[3] = layers;
	for (size_t i = 0; i < show->bandwidths.n; i++) {
		time_cell(m->packed, show->bandwidths.v[i].bytes, times[i]);
		cells[4 + i] = times[i];
	}
	cells[n - 1] = m->base ? m->base : "-";
	ui_table_row(t, cells);
}

static void print_rows(const struct size_result *v, size_t n, const struct size_show *show)
{
	size_t columns = 5 + show->bandwidths.n;
	auto_free const char **heads = xcalloc(columns, sizeof(*heads));
	auto_strv struct strv texts = {0};
	heads[0] = "IMAGE";
	heads[1] = "SIZE";
	heads[2] = "TO PULL";
	heads[3] = "LAYERS";
	for (size_t i = 0; i < show->bandwidths.n; i++) {
		strv_addf(&texts, "AT %s", show->bandwidths.v[i].text);
		heads[4 + i] = texts.v[i];
	}
	heads[columns - 1] = "BASE";
	struct ui_table *t = ui_table_new(heads, columns);
	for (size_t i = 0; i < n; i++)
		image_row(t, &v[i].image, show);
	ui_table_print(t);
	ui_table_free(t);
}

// ---- layers

static void layer_row(struct ui_table *t, const struct size_image *m, size_t i)
{
	const struct size_layer *l = &m->layers[i];
	const struct layer_weight *w = m->is_weighed ? &m->weight.layers[i] : NULL;
	char number[24], bytes[SIZE_CELL], packed[SIZE_CELL], files[24] = "-";
	char hidden[SIZE_CELL] = "-", shared[24];
	auto_free char *by = instruction_short(l->instruction, INSTRUCTION_WIDTH);
	auto_free char *what = xasprintf("%s%s", i < m->base_layers ? "(base) " : "", by);
	snprintf(number, sizeof(number), "%zu", i + 1);
	size_cell(l->bytes, false, bytes);
	size_cell(l->packed, l->estimated, packed);
	snprintf(shared, sizeof(shared), "%zu", l->shared);
	if (w) {
		snprintf(files, sizeof(files), "%zu", w->files);
		size_cell(w->hidden_bytes, false, hidden);
	}
	ui_table_row(t, (const char *const[]){number, bytes, packed, files, hidden, shared, what});
}

static void print_layers(const struct size_image *m)
{
	static const char *const heads[] = {
	        "LAYER", "SIZE", "TO PULL", "FILES", "HIDDEN", "SHARED", "MADE BY"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	ui_table_gap(t, 2);
	for (size_t i = 0; i < m->n; i++)
		layer_row(t, m, i);
	ui_table_print(t);
	ui_table_free(t);
}

// ---- files and packages

static void print_files(const struct size_image *m, size_t top)
{
	static const char *const heads[] = {"SIZE", "LAYER", "FILE"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	struct heavy_file *v;
	size_t n = weight_heaviest(&m->weight, top, &v);
	for (size_t i = 0; i < n; i++) {
		char bytes[SIZE_CELL], layer[24];
		auto_free char *path = xasprintf("/%s", v[i].path);
		size_cell(v[i].bytes, false, bytes);
		snprintf(layer, sizeof(layer), "%zu", v[i].layer + 1);
		ui_table_row(t, (const char *const[]){bytes, layer, path});
	}
	ui_table_print(t);
	ui_table_free(t);
	free(v);
}

static void package_row(struct ui_table *t, const char *name, const char *version, const char *type,
        uint64_t bytes, size_t files)
{
	char size[SIZE_CELL], count[24];
	size_cell(bytes, false, size);
	snprintf(count, sizeof(count), "%zu", files);
	ui_table_row(t, (const char *const[]){size, count, type, name, version});
}

static void print_packages(const struct size_image *m, size_t top)
{
	static const char *const heads[] = {"SIZE", "FILES", "TYPE", "PACKAGE", "VERSION"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	const struct owners *o = &m->owners;
	uint64_t bytes = 0;
	size_t files = 0, n = 0;
	for (size_t i = 0; i < o->n; i++) {
		const struct package *p = o->v[i].package;
		if (!o->v[i].bytes)
			continue;
		if (n++ < top) {
			package_row(t, p->name, p->version, package_type_name(p->type),
			        o->v[i].bytes, o->v[i].files);
			continue;
		}
		bytes += o->v[i].bytes;
		files += o->v[i].files;
	}
	if (n > top) {
		auto_free char *rest = xasprintf("(%zu more)", n - top);
		package_row(t, rest, "", "", bytes, files);
	}
	package_row(t, "(no package's)", "", "", o->other_bytes, o->other_files);
	ui_table_print(t);
	ui_table_free(t);
}

// ---- stages

static void print_stages(const struct size_stages *s)
{
	static const char *const heads[] = {"STAGE", "STEPS", "SIZE", "KEPT", "", "BASE"};
	struct ui_table *t = ui_table_new(heads, ARRAY_LEN(heads));
	for (size_t i = 0; i < s->n; i++) {
		const struct size_stage *st = &s->v[i];
		char steps[24], bytes[SIZE_CELL], kept[SIZE_CELL], share[SIZE_CELL] = "-";
		snprintf(steps, sizeof(steps), "%zu", st->steps);
		size_cell(st->bytes, false, bytes);
		size_cell(st->kept, false, kept);
		if (st->bytes != WEIGH_UNKNOWN && st->bytes)
			percent((double)st->kept / (double)st->bytes, share);
		ui_table_row(t, (const char *const[]){st->name, steps, bytes, kept, share,
		                        st->base ? st->base : "-"});
	}
	ui_table_print(t);
	ui_table_free(t);
}

// ---- waste

static void print_path(const struct waste_finding *f)
{
	auto_buf struct buf safe = {0};
	const char *what = f->package ? f->package : f->path;
	ui_escape(what, strlen(what), &safe);
	if (f->package)
		printf("package %s", buf_cstr(&safe));
	else
		printf("/%s%s", buf_cstr(&safe), f->folder && safe.n ? "/" : "");
}

static void print_finding(const struct size_image *m, const struct waste_finding *f)
{
	char bytes[SIZE_CELL];
	auto_buf struct buf safe = {0};
	auto_free char *by = instruction_short(m->layers[f->layer].instruction, INSTRUCTION_WIDTH);
	ui_escape(by, strlen(by), &safe);
	size_cell(f->bytes, false, bytes);
	printf("%8s  %-13s ", bytes, waste_kind_name(f->kind));
	print_path(f);
	if (f->original) {
		auto_buf struct buf first = {0};
		ui_escape(f->original, strlen(f->original), &first);
		printf(" = /%s", buf_cstr(&first));
	}
	printf("\n%25s", "");
	if (f->files > 1)
		printf("%zu files, ", f->files);
	printf("layer %zu", f->layer + 1);
	if (f->by != f->layer)
		printf(", hidden by layer %zu", f->by + 1);
	printf(": %s\n%25sinstead: %s\n", buf_cstr(&safe), "", f->advice);
}

static void print_efficiency(const struct size_image *m)
{
	const struct weight *w = &m->weight;
	char hidden[SIZE_CELL], wasted[SIZE_CELL], a[SIZE_CELL], b[SIZE_CELL], c[SIZE_CELL];
	size_cell(w->hidden_bytes, false, hidden);
	size_cell(w->dive.wasted_bytes, false, wasted);
	printf("%s in %zu file%s is hidden by later layers", hidden, w->hidden_files,
	        w->hidden_files == 1 ? "" : "s");
	if (w->packed != WEIGH_UNKNOWN)
		printf("; of what is pulled %s can be seen", percent(w->packed_efficiency, a));
	printf("\nas dive counts: efficiency %s, %s wasted", percent(w->dive.efficiency, b),
	        wasted);
	if (w->dive.user_bytes)
		printf(" (%s of what was added to the first layer)",
		        percent(w->dive.user_wasted, c));
	puts("");
}

// What weighs next to nothing is not worth a person's time, unless all is asked for or nothing else
// is there.
#define WORTH_A_LINE 4096

static size_t worth_printing(const struct waste_list *l, size_t top)
{
	size_t n = 0;
	while (n < l->n && n < top && (l->v[n].bytes >= WORTH_A_LINE || top == SIZE_MAX || !n))
		n++;
	return n;
}

static void print_waste(const struct size_image *m, size_t top)
{
	const struct waste_list *l = &m->waste;
	size_t n = worth_printing(l, top);
	uint64_t rest = 0;
	for (size_t i = 0; i < n; i++)
		print_finding(m, &l->v[i]);
	for (size_t i = n; i < l->n; i++)
		rest += l->v[i].bytes;
	if (l->n > n) {
		char bytes[SIZE_CELL];
		size_cell(rest, false, bytes);
		printf("%8s  in %zu more (--top 0 shows all)\n", bytes, l->n - n);
	}
	if (l->n)
		puts("");
	print_efficiency(m);
}

// ---- all of it

static void title(const struct size_result *r, size_t n, const char *what)
{
	auto_buf struct buf safe = {0};
	ui_escape(r->image.name, strlen(r->image.name), &safe);
	puts("");
	if (n > 1)
		printf("%s: ", buf_cstr(&safe));
	printf("%s\n", what);
}

void size_print_tables(const struct size_result *v, size_t n, const struct size_show *show)
{
	print_rows(v, n, show);
	for (size_t i = 0; i < n; i++) {
		const struct size_image *m = &v[i].image;
		if (show->layers) {
			title(&v[i], n, "layers, bottom first");
			print_layers(m);
		}
		if (show->stages) {
			auto_free char *what = xasprintf("stages of build %s", v[i].stages.build);
			title(&v[i], n, what);
			print_stages(&v[i].stages);
		}
		if (show->files) {
			title(&v[i], n, "heaviest files");
			print_files(m, show->top);
		}
		if (show->packages) {
			title(&v[i], n, "packages");
			print_packages(m, show->top);
		}
		if (show->waste) {
			title(&v[i], n, "waste");
			print_waste(m, show->top);
		}
	}
}
