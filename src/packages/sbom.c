// SPDX-License-Identifier: Apache-2.0
// What a document says is installed: CycloneDX and SPDX, read an element at a time. The package URL
// of a component decides; what it cannot say (source, file) stands in properties and sentences that
// each tool has its own of.
#include "packages/sbom.h"
#include "base/json.h"
#include "base/json_stream.h"
#include "base/map.h"
#include "packages/packages-int.h"

#define ELEMENT_MAX (4u << 20)
#define NESTING_MAX 32
#define KINDS_MAX 64            // of warnings
#define UNKNOWN_PATH "document" // of a component without a file

struct item {
	struct package package;
	const char *path;
};

struct reader {
	struct package_set *set;
	struct package_set texts; // of what the items point to
	struct item *items;
	size_t n, cap;
	struct release os, of_urls; // the component says, or the packages' URLs
	bool is_cyclonedx, is_spdx;
	struct strv kinds; // of warnings; counts beside them
	size_t counts[KINDS_MAX];
};

static void release(struct reader *r)
{
	package_set_release(&r->texts);
	free(r->items);
	strv_release(&r->kinds);
}

static void warn(struct reader *r, const char *kind)
{
	for (size_t i = 0; i < r->kinds.n; i++) {
		if (!strcmp(r->kinds.v[i], kind)) {
			r->counts[i]++;
			return;
		}
	}
	if (r->kinds.n == KINDS_MAX)
		return;
	r->counts[r->kinds.n] = 1;
	strv_add(&r->kinds, kind);
}

static const char *keep(struct reader *r, const char *text)
{
	return text && text_is_kept(text, TEXT_LENGTH_MAX) ? arena_strdup(&r->texts.arena, text)
	                                                   : NULL;
}

// A path in the tree, as the scanners have it.
static const char *keep_path(struct reader *r, struct str path)
{
	path = str_trim(path);
	while (path.n && *path.p == '/')
		path = (struct str){path.p + 1, path.n - 1};
	auto_free char *text = xstrndup(path.n ? path.p : "", path.n);
	return text_is_kept(text, PATH_LENGTH_MAX) ? arena_strdup(&r->texts.arena, text) : NULL;
}

// ---- packages

static void warn_type(struct reader *r, const char *url)
{
	size_t n = strcspn(url + 4, "/");
	const char *end = url + 4 + n;
	bool image = !strncmp(url + 4, "oci/", 4) || !strncmp(url + 4, "docker/", 7);
	if (image || n > 32)
		return;
	auto_free char *kind = xasprintf(
	        "a package of type %.*s, which is not known here", (int)(end - url - 4), url + 4);
	if (text_is_kept(kind, TEXT_LENGTH_MAX))
		warn(r, kind);
}

// What a URL has in lower case or with other signs: the name that the document has, if its URL
// would be the same.
static void prefer_name(struct reader *r, struct package *p, const char *name)
{
	struct package other = *p;
	auto_buf struct buf one = {0}, two = {0};
	if (!text_is_kept(name, TEXT_LENGTH_MAX) || !strcmp(name, p->name))
		return;
	other.name = name;
	package_url(p, NULL, &one);
	package_url(&other, NULL, &two);
	if (!strcmp(one.p, two.p))
		p->name = keep(r, name);
}

// 1: there is a package, 0.
static int read_url(struct reader *r, const char *url, const char *name, struct package *ret)
{
	struct err e = ERR_INIT;
	struct release release = {0};
	int got = package_of_url(url, &r->texts, ret, &release, &e);
	if (got < 0)
		warn(r, "a package whose URL cannot be read");
	else if (!got)
		warn_type(r, url);
	else if (!ret->version)
		warn(r, "a package without a version");
	if (got <= 0 || !ret->version)
		return 0;
	if (release.id && !r->of_urls.id)
		r->of_urls = release;
	prefer_name(r, ret, name);
	return 1;
}

static int add(struct reader *r, const struct package *p, const char *path, struct err *e)
{
	if (r->n >= PACKAGES_MAX || r->texts.arena.total > 4 * (size_t)PACKAGES_BYTES_MAX)
		return err_set(e, ERR_CORRUPT, "the document has more packages than are counted");
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->items = xreallocarray(r->items, r->cap, sizeof(*r->items));
	}
	r->items[r->n++] = (struct item){*p, path ? path : UNKNOWN_PATH};
	return 0;
}

static void set_source(struct reader *r, struct package *p, const char *name, const char *version)
{
	if (name && !p->source && strcmp(name, p->name) != 0)
		p->source = keep(r, name);
	if (version && !p->source_version && strcmp(version, p->version) != 0)
		p->source_version = keep(r, version);
}

static bool is_os(const struct package *p)
{
	return p->type == PACKAGE_DEB || p->type == PACKAGE_APK || p->type == PACKAGE_RPM;
}

// ---- CycloneDX

static const char *property(const struct jn *component, const char *name)
{
	const struct jn *list = jn_get(component, "properties");
	for (size_t i = 0; i < jn_len(list); i++) {
		const char *key = jn_get_str(jn_at(list, i), "name");
		if (key && !strcmp(key, name))
			return jn_get_str(jn_at(list, i), "value");
	}
	return NULL;
}

static const char *first_property(const struct jn *c, const char *const *names, size_t n)
{
	const char *value = NULL;
	for (size_t i = 0; i < n && !value; i++)
		value = property(c, names[i]);
	return value;
}

// Trivy splits the version.
static char *trivy_source_version(const struct jn *c)
{
	const char *version = property(c, "aquasecurity:trivy:SrcVersion");
	const char *release = property(c, "aquasecurity:trivy:SrcRelease");
	const char *epoch = property(c, "aquasecurity:trivy:SrcEpoch");
	bool has_epoch = epoch && *epoch && strcmp(epoch, "0") != 0;
	if (!version)
		return NULL;
	return xasprintf("%s%s%s%s%s", has_epoch ? epoch : "", has_epoch ? ":" : "", version,
	        release && *release ? "-" : "", release ? release : "");
}

static void read_source(struct reader *r, const struct jn *c, struct package *p)
{
	static const char *const names[] = {"hew:source", "aquasecurity:trivy:SrcName",
	        "syft:metadata:source", "syft:metadata:originPackage"};
	static const char *const versions[] = {"hew:sourceVersion", "syft:metadata:sourceVersion"};
	static const char *const labels[] = {
	        "aquasecurity:trivy:Modularitylabel", "syft:metadata:modularityLabel"};
	auto_free char *trivy = trivy_source_version(c);
	const char *own = property(c, "hew:source");
	const char *version = first_property(c, versions, ARRAY_LEN(versions));
	if (own && !p->source)
		p->source = keep(r, own);
	auto_free char *module = rpm_module(first_property(c, labels, ARRAY_LEN(labels)));
	if (module && !p->module)
		p->module = keep(r, module);
	set_source(r, p, first_property(c, names, ARRAY_LEN(names)), version ? version : trivy);
}

static const char *path_of(struct reader *r, const struct jn *c)
{
	static const char *const names[] = {
	        "hew:path", "aquasecurity:trivy:FilePath", "syft:location:0:path"};
	const char *path = first_property(c, names, ARRAY_LEN(names));
	if (!path)
		path = jn_get_str(
		        jn_at(jn_get(jn_get(c, "evidence"), "occurrences"), 0), "location");
	return path ? keep_path(r, str_of(path)) : NULL;
}

static bool is_true(const char *value)
{
	return value && !strcmp(value, "true");
}

static int flags_of(const struct jn *c)
{
	return (is_true(property(c, "hew:owned")) ? PACKAGE_OWNED : 0) |
	       (is_true(property(c, "hew:kernelHeaders")) ? PACKAGE_HEADERS : 0) |
	       (is_true(property(c, "hew:locked")) ? PACKAGE_LOCKED : 0) |
	       (is_true(property(c, "hew:main")) ? PACKAGE_MAIN : 0);
}

static void read_os(struct reader *r, const char *name, const char *version, const char *codename,
        const char *pretty)
{
	if (!name || r->os.id)
		return;
	r->os = (struct release){.id = keep(r, name), .version = keep(r, version)};
	release_settle(&r->texts, &r->os);
	if (codename)
		r->os.codename = keep(r, codename);
	r->os.pretty = keep(r, pretty);
}

static char *name_of(const struct jn *c, const struct package *p)
{
	const char *group = jn_get_str(c, "group"), *name = jn_get_str(c, "name");
	if (!name || !group || !*group)
		return xstrdup(name ? name : "");
	return xasprintf("%s%c%s", group, p->type == PACKAGE_MAVEN ? ':' : '/', name);
}

static int add_component(struct reader *r, const struct jn *c, struct err *e)
{
	const char *url = jn_get_str(c, "purl"), *type = jn_get_str(c, "type");
	struct package p = {0};
	if (type && !strcmp(type, "operating-system")) {
		read_os(r, jn_get_str(c, "name"), jn_get_str(c, "version"),
		        property(c, "hew:os:codename"), jn_get_str(c, "description"));
		return 0;
	}
	if (!url) {
		if (type && (!strcmp(type, "library") || !strcmp(type, "framework")))
			warn(r, "a package without a URL");
		return 0;
	}
	if (!read_url(r, url, jn_get_str(c, "name"), &p))
		return 0;
	auto_free char *name = name_of(c, &p);
	prefer_name(r, &p, name);
	if (is_os(&p))
		read_source(r, c, &p);
	p.flags = flags_of(c);
	return add(r, &p, path_of(r, c), e);
}

// A component and those in it.
static int read_component(struct reader *r, const struct jn *c, int depth, struct err *e)
{
	const struct jn *inner = jn_get(c, "components");
	if (add_component(r, c, e))
		return -1;
	if (jn_len(inner) && depth >= NESTING_MAX) {
		warn(r, "a component that lies too deep in others");
		return 0;
	}
	for (size_t i = 0; i < jn_len(inner); i++) {
		if (read_component(r, jn_at(inner, i), depth + 1, e))
			return -1;
	}
	return 0;
}

// ---- SPDX

static const char *spdx_url(const struct jn *p)
{
	const struct jn *list = jn_get(p, "externalRefs");
	for (size_t i = 0; i < jn_len(list); i++) {
		const char *type = jn_get_str(jn_at(list, i), "referenceType");
		if (type && !strcmp(type, "purl"))
			return jn_get_str(jn_at(list, i), "referenceLocator");
	}
	return NULL;
}

// "built package from: openssl 3.0.16-1"
static void read_built_from(struct reader *r, const char *info, struct package *p)
{
	static const char words[] = "built package from: ";
	const char *at = info ? strstr(info, words) : NULL;
	if (!at)
		return;
	at += strlen(words);
	auto_free char *name = xstrndup(at, strcspn(at, ";"));
	char *blank = strchr(name, ' ');
	if (blank)
		*blank++ = '\0';
	set_source(r, p, name, blank && *blank ? blank : NULL);
}

// "found in: app/x", "acquired package info from DPKG DB: /var/lib/dpkg/status, ..."
static const char *found_in(struct reader *r, const char *info)
{
	static const char ours[] = "found in: ";
	const char *at = info ? strstr(info, ours) : NULL;
	if (at)
		return keep_path(r, str_of(at + strlen(ours)));
	at = info ? strstr(info, ": /") : NULL;
	return at ? keep_path(r, (struct str){at + 2, strcspn(at + 2, ",")}) : NULL;
}

static int spdx_flags(const char *comment)
{
	if (!comment)
		return 0;
	return (strstr(comment, "hew:owned") ? PACKAGE_OWNED : 0) |
	       (strstr(comment, "hew:kernelHeaders") ? PACKAGE_HEADERS : 0) |
	       (strstr(comment, "hew:locked") ? PACKAGE_LOCKED : 0) |
	       (strstr(comment, "hew:main") ? PACKAGE_MAIN : 0);
}

static int read_spdx_package(struct reader *r, const struct jn *n, struct err *e)
{
	const char *purpose = jn_get_str(n, "primaryPackagePurpose");
	const char *url = spdx_url(n), *info = jn_get_str(n, "sourceInfo");
	struct package p = {0};
	if (purpose &&
	        (!strcmp(purpose, "OPERATING-SYSTEM") || !strcmp(purpose, "OPERATING_SYSTEM"))) {
		read_os(r, jn_get_str(n, "name"), jn_get_str(n, "versionInfo"), NULL,
		        jn_get_str(n, "description"));
		return 0;
	}
	if (!url) {
		if (!purpose || !strcmp(purpose, "LIBRARY"))
			warn(r, "a package without a URL");
		return 0;
	}
	if (!read_url(r, url, jn_get_str(n, "name"), &p))
		return 0;
	if (is_os(&p))
		read_built_from(r, info, &p);
	p.flags = spdx_flags(jn_get_str(n, "comment"));
	return add(r, &p, found_in(r, info), e);
}

// ---- the document

static void read_kind(struct reader *r, const struct json_element *el)
{
	if (!strcmp(el->keys[0], "bomFormat"))
		r->is_cyclonedx = str_eq(el->raw, "\"CycloneDX\"");
	if (!strcmp(el->keys[0], "spdxVersion"))
		r->is_spdx = el->raw.n > 8 && !memcmp(el->raw.p, "\"SPDX-2.", 8);
}

static int read_element(struct reader *r, const struct json_element *el, struct err *e)
{
	if (!el->depth || !el->keys[0])
		return 0;
	if (el->depth == 1) {
		read_kind(r, el);
		return 0;
	}
	bool component = !strcmp(el->keys[0], "components");
	if (!component && strcmp(el->keys[0], "packages") != 0)
		return 0;
	if (el->too_long) {
		warn(r, "a component that is too long");
		return 0;
	}
	auto_jdoc struct jdoc *doc = jdoc_parse(el->raw.p, el->raw.n, e);
	if (!doc)
		return -1;
	return component ? read_component(r, jdoc_root(doc), 0, e)
	                 : read_spdx_package(r, jdoc_root(doc), e);
}

static ssize_t read_bytes(void *arg, void *p, size_t n, struct err *e)
{
	struct str *rest = arg;
	if (n > rest->n)
		n = rest->n;
	if (n)
		memcpy(p, rest->p, n);
	*rest = (struct str){rest->p + n, rest->n - n};
	return (ssize_t)n;
}

static int read_document(struct reader *r, struct str json, struct err *e)
{
	const struct json_stream_source source = {read_bytes, &json};
	auto_json_stream struct json_stream *s = json_stream_new(&source, 2, ELEMENT_MAX);
	struct json_element el;
	int more;
	while ((more = json_stream_next(s, &el, e)) > 0) {
		if (read_element(r, &el, e))
			return err_wrap(e, "line %zu", el.line);
	}
	if (more < 0)
		return -1;
	if (!r->is_cyclonedx && !r->is_spdx)
		return err_set(e, ERR_CORRUPT,
		        "neither CycloneDX nor SPDX 2 as JSON; convert it with the tool that made "
		        "it");
	return 0;
}

// ---- the set

static int by_path(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = strcmp(x->path, y->path);
	return order ? order : (x > y) - (x < y);
}

static int fill(struct reader *r, struct err *e)
{
	struct scan s = {.set = r->set};
	if (r->n)
		qsort(r->items, r->n, sizeof(*r->items), by_path);
	for (size_t i = 0; i < r->n; i++) {
		s.path = r->items[i].path;
		if (scan_add(&s, &r->items[i].package, e))
			return -1;
	}
	const struct release *got = r->os.id ? &r->os : &r->of_urls;
	if (!got->id)
		return 0;
	const char *from[] = {got->id, got->version, got->codename, got->pretty};
	char *to[ARRAY_LEN(from)];
	for (size_t i = 0; i < ARRAY_LEN(from); i++)
		to[i] = from[i] ? arena_strdup(&r->set->arena, from[i]) : NULL;
	r->set->releases = xcalloc(1, sizeof(*r->set->releases));
	r->set->releases[r->set->n_releases++] = (struct package_release){
	        arena_strdup(&r->set->arena, "etc/os-release"), {to[0], to[1], to[2], to[3]}};
	return 0;
}

static void tell(struct reader *r)
{
	for (size_t i = 0; i < r->kinds.n; i++) {
		if (r->counts[i] == 1)
			strv_add(&r->set->warnings, r->kinds.v[i]);
		else
			strv_addf(&r->set->warnings, "%s, and %zu more", r->kinds.v[i],
			        r->counts[i] - 1);
	}
}

int packages_of_sbom(const char *json, size_t n, struct package_set *ret, struct err *e)
{
	struct package_set set = {0};
	struct reader r = {.set = &set};
	int status = read_document(&r, (struct str){json, n}, e) || fill(&r, e) ? -1 : 0;
	if (!status) {
		tell(&r);
		*ret = set;
	} else {
		package_set_release(&set);
	}
	release(&r);
	return status;
}
