// SPDX-License-Identifier: Apache-2.0
// What the writers share.
#include "report/report-int.h"

bool is_distribution(const struct package *p)
{
	return p->type == PACKAGE_DEB || p->type == PACKAGE_APK || p->type == PACKAGE_RPM;
}

const struct report_layer *layer_of(const struct report *r, const struct found_package *p)
{
	return p->layer < r->n_layers ? &r->layers[p->layer] : NULL;
}

const char *flaw_name(const struct finding *f)
{
	return f->flaw && f->flaw->n_names ? f->flaw->names[0] : f->record ? f->record : "unknown";
}

// Names are the publishers' and go into links: what is no part of such a name is left out.
void put_flaw_url(struct buf *out, const char *name)
{
	if (str_has_prefix(name, "CVE-"))
		buf_puts(out, "https://nvd.nist.gov/vuln/detail/");
	else if (str_has_prefix(name, "GHSA-"))
		buf_puts(out, "https://github.com/advisories/");
	else
		buf_puts(out, "https://osv.dev/vulnerability/");
	for (; *name; name++) {
		char c = *name;
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		        strchr("-._~:", c))
			buf_putc(out, c);
		else
			buf_printf(out, "%%%02X", (unsigned char)c);
	}
}

const char *severity_word(enum severity s)
{
	return severity_name(s == SEVERITY_NEGLIGIBLE ? SEVERITY_LOW : s);
}

const struct advisory_rating *rating_of(const struct advisory_flaw *f)
{
	for (size_t i = 0; f && i < f->n_ratings; i++) {
		if (f->ratings[i].vector)
			return &f->ratings[i];
	}
	return NULL;
}

const char *cvss_method(const struct cvss *c)
{
	switch (c->version) {
	case 20:
		return "CVSSv2";
	case 30:
		return "CVSSv3";
	case 31:
		return "CVSSv31";
	case 40:
		return "CVSSv4";
	default:
		return "other";
	}
}

size_t repository_length(const char *name)
{
	size_t n = strcspn(name, "@");
	const char *slash = memrchr(name, '/', n), *from = slash ? slash : name;
	const char *colon = memchr(from, ':', n - (size_t)(from - name));
	return colon && colon > name ? (size_t)(colon - name) : n;
}

void put_image_url(const struct report *r, struct buf *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789._-/:";
	char hex[HASH_HEX];
	const char *name = r->reference;
	size_t n = name ? repository_length(name) : 0;
	if (r->kind != REPORT_IMAGE || !n || !r->manifest || digest_is_zero(r->manifest) ||
	        strspn(name, plain) < n)
		return;
	const char *slash = memrchr(name, '/', n), *last = slash ? slash + 1 : name;
	size_t len = n - (size_t)(last - name);
	if (!len || memchr(last, ':', len))
		return;
	digest_hex(r->manifest, hex);
	buf_printf(out, "pkg:oci/%.*s@sha256%%3A%s?", (int)len, last, hex);
	if (r->arch && strspn(r->arch, plain) == strlen(r->arch))
		buf_printf(out, "arch=%s&", r->arch);
	buf_printf(out, "repository_url=%.*s", (int)n, name);
}

static const char *known(const char *s)
{
	return s ? s : "";
}

void put_claim(struct buf *out, const char *package, const char *version, const struct finding *f)
{
	buf_printf(out, "%s %s has %s (%s)", package, known(version), flaw_name(f),
	        severity_word(f->severity));
	if (f->fixed)
		buf_printf(out, ", fixed in %s", f->fixed);
}

void put_file_and_layer(struct buf *out, const struct report *r, const struct finding *f)
{
	const struct report_layer *l = layer_of(r, f->package);
	buf_printf(out, "File: %s", known(f->package->path));
	if (l && l->created_by)
		buf_printf(out, "\n%s: %s", l->base ? "From the base image" : "Brought by",
		        l->created_by);
}

// What stays the same with the next build: the repository, else the file ("docker-archive:app.tar",
// "sbom:app.json"). An id does not.
static struct source_place place_of_name(const struct report *r)
{
	if (r->reference)
		return (struct source_place){r->reference, repository_length(r->reference), 0};
	const char *path = r->name;
	size_t word = strspn(path, "abcdefghijklmnopqrstuvwxyz-");
	bool is_id =
	        str_has_prefix(path, "sha256:") || strspn(path, "0123456789abcdef") == strlen(path);
	path += path[word] == ':' ? word + 1 : 0;
	return (struct source_place){path, is_id ? 0 : strcspn(path, ":"), 0};
}

struct source_place source_place_of(const struct report *r, const struct finding *f)
{
	const struct report_layer *l = layer_of(r, f->package);
	struct source_place at = place_of_name(r);
	if (l && l->dockerfile && l->line > 0)
		at = (struct source_place){l->dockerfile, strlen(l->dockerfile), l->line};
	else if (r->kind == REPORT_FOLDER)
		at = (struct source_place){f->package->path, strlen(f->package->path), 0};
	while (at.n && (*at.path == '/' || (at.n > 1 && at.path[0] == '.' && at.path[1] == '/'))) {
		at.path++;
		at.n--;
	}
	return at.n ? at : (struct source_place){"image", strlen("image"), at.line};
}

void hash_finding(struct hasher *h, const struct finding *f)
{
	const struct package *p = f->package->package;
	hasher_str(h, flaw_name(f));
	hasher_str(h, package_type_name(p->type));
	hasher_str(h, p->name);
	hasher_str(h, p->arch);
	hasher_str(h, f->package->path);
}

void put_count(struct buf *out, size_t n, const char *what)
{
	buf_printf(out, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

void report_markdown_text(struct buf *out, const char *s)
{
	const char *from = s;
	for (; s && *s; s++) {
		unsigned char c = (unsigned char)*s;
		size_t len = str_utf8_len(s, strnlen(s, 4));
		if (c <= ' ' || c == 0x7f)
			buf_putc(out, ' ');
		else if (!len || (c == 0xc2 && (unsigned char)s[1] < 0xa0))
			buf_puts(out, "\xef\xbf\xbd"); // U+FFFD
		else if (c == '<')
			buf_puts(out, "&lt;");
		else if (strchr("\\`*_[]|#~>&!", c) || (c == ':' && s[1] == '/') ||
		         (c == '.' && s > from && s[-1] == 'w'))
			buf_printf(out, "\\%c", c);
		else
			buf_add(out, s, len);
		s += len > 1 ? len - 1 : 0;
	}
}

char *cut_text(const char *text, size_t n)
{
	if (strnlen(text, n + 1) <= n)
		return xstrdup(text);
	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return xasprintf("%.*s…", (int)n, text);
}

bool is_shown(const struct report *r, const struct finding *f)
{
	return !f->hidden || r->show_hidden;
}

// ---- groups

void flaw_groups_release(struct flaw_groups *g)
{
	free(g->v);
	free(g->of);
	free(g->next);
	*g = (struct flaw_groups){0};
}

static void group_add(struct flaw_groups *g, struct map *known, const char *key, size_t finding)
{
	struct flaw_group *group = NULL;
	size_t number = (size_t)(uintptr_t)map_get(known, key);
	g->next[finding] = SIZE_MAX;
	if (number) {
		group = &g->v[number - 1];
		g->next[group->last] = finding;
	} else {
		group = &g->v[g->n++];
		group->first = finding;
		number = g->n;
		map_set(known, key, (void *)(uintptr_t)number);
	}
	group->last = finding;
	g->of[finding] = number - 1;
}

void flaw_groups_of(const struct report *r, bool apart, struct flaw_groups *ret)
{
	const struct scan *s = r->scan;
	size_t n = s ? s->n : 0;
	auto_map struct map known = {0};
	*ret = (struct flaw_groups){.v = xcalloc(n + 1, sizeof(*ret->v)),
	        .of = xcalloc(n + 1, sizeof(*ret->of)),
	        .next = xcalloc(n + 1, sizeof(*ret->next))};
	for (size_t i = 0; i < n; i++) {
		const struct finding *f = &s->v[i];
		ret->of[i] = ret->next[i] = SIZE_MAX;
		if (!is_shown(r, f))
			continue;
		auto_free char *key =
		        xasprintf("%s\n%s", flaw_name(f), apart && f->hidden ? f->hidden : "");
		group_add(ret, &known, key, i);
	}
}

// ---- JSON

void kv_some(struct jw *w, const char *key, const char *value)
{
	if (value && *value)
		jw_kv(w, key, value);
}

void kv_tenths(struct jw *w, const char *key, int tenths)
{
	char text[32];
	int n = tenths % 10 ? snprintf(text, sizeof(text), "%d.%d", tenths / 10, tenths % 10)
	                    : snprintf(text, sizeof(text), "%d", tenths / 10);
	jw_key(w, key);
	jw_text(w, text, (size_t)n);
}

void kv_digest(struct jw *w, const char *key, const struct digest *d)
{
	char text[DIGEST_TEXT];
	if (!d || digest_is_zero(d))
		return;
	digest_text(d, text);
	jw_kv(w, key, text);
}

// DEL, and U+0080 to U+009F.
static size_t control_at(const char *p, size_t n, unsigned *ret)
{
	unsigned char c = (unsigned char)p[0], d = n > 1 ? (unsigned char)p[1] : 0;
	if (c == 0x7f) {
		*ret = c;
		return 1;
	}
	*ret = d;
	return c == 0xc2 && d >= 0x80 && d < 0xa0 ? 2 : 0;
}

void end_document(struct buf *out, size_t start)
{
	auto_buf struct buf clean = {0};
	size_t done = start, len;
	unsigned c;
	buf_putc(out, '\n');
	for (size_t i = start; i < out->n; i += len ? len : 1) {
		len = control_at(out->p + i, out->n - i, &c);
		if (!len)
			continue;
		buf_add(&clean, out->p + done, i - done);
		buf_printf(&clean, "\\u%04x", c);
		done = i + len;
	}
	if (done == start)
		return;
	buf_add(&clean, out->p + done, out->n - done);
	out->n = start;
	buf_add(out, clean.p, clean.n);
}

// Version 8 of RFC 9562: bits of our own choice, a digest's here.
void uuid_text(struct hash h, char out[static sizeof(UUID_ZEROS)])
{
	h.b[6] = (uint8_t)(0x80 | (h.b[6] & 0x0f));
	h.b[8] = (uint8_t)(0x80 | (h.b[8] & 0x3f));
	snprintf(out, sizeof(UUID_ZEROS),
	        "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h.b[0],
	        h.b[1], h.b[2], h.b[3], h.b[4], h.b[5], h.b[6], h.b[7], h.b[8], h.b[9], h.b[10],
	        h.b[11], h.b[12], h.b[13], h.b[14], h.b[15]);
}

void settle_uuid(struct buf *out, size_t start, size_t at)
{
	char text[sizeof(UUID_ZEROS)];
	uuid_text(hash_bytes(out->p + start, out->n - start), text);
	memcpy(out->p + at, text, sizeof(text) - 1);
}
