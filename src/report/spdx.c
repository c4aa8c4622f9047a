// SPDX-License-Identifier: Apache-2.0
// SPDX 2.3 as JSON. The image contains its layers and the distribution; a layer contains the
// packages that it brought.
#include "report/report-int.h"

#define NAMESPACE "https://spdx.org/spdxdocs/hew-" // an identity, not an address: 6.5 of SPDX 2.3

static void put_id(struct jw *w, const char *key, const char *kind, size_t i)
{
	char text[64];
	snprintf(text, sizeof(text), "SPDXRef-%s-%zu", kind, i + 1);
	jw_kv(w, key, text);
}

static void put_url(struct jw *w, const char *url)
{
	if (!*url)
		return;
	jw_key(w, "externalRefs");
	jw_array(w);
	jw_object(w);
	jw_kv(w, "referenceCategory", "PACKAGE-MANAGER");
	jw_kv(w, "referenceType", "purl");
	jw_kv(w, "referenceLocator", url);
	jw_object_end(w);
	jw_array_end(w);
}

static void put_checksum(struct jw *w, const struct digest *d)
{
	char hex[HASH_HEX];
	if (!d || digest_is_zero(d))
		return;
	digest_hex(d, hex);
	jw_key(w, "checksums");
	jw_array(w);
	jw_object(w);
	jw_kv(w, "algorithm", "SHA256");
	jw_kv(w, "checksumValue", hex);
	jw_object_end(w);
	jw_array_end(w);
}

static void put_unknown(struct jw *w)
{
	jw_kv(w, "downloadLocation", "NOASSERTION");
	jw_kv_bool(w, "filesAnalyzed", false);
	jw_kv(w, "licenseConcluded", "NOASSERTION");
	jw_kv(w, "licenseDeclared", "NOASSERTION");
	jw_kv(w, "copyrightText", "NOASSERTION");
}

// ---- packages

static void put_subject(struct jw *w, const struct report *r)
{
	auto_buf struct buf url = {0};
	put_image_url(r, &url);
	jw_object(w);
	jw_kv(w, "SPDXID", "SPDXRef-Subject");
	jw_kv(w, "name", r->name);
	kv_digest(w, "versionInfo", r->manifest ? r->manifest : r->id);
	jw_kv(w, "primaryPackagePurpose", r->kind == REPORT_IMAGE ? "CONTAINER" : "SOURCE");
	put_unknown(w);
	put_checksum(w, r->manifest ? r->manifest : r->id);
	put_url(w, buf_cstr(&url));
	if (r->base) {
		auto_free char *base = xasprintf("base image: %s", r->base);
		jw_kv(w, "comment", base);
	}
	jw_object_end(w);
}

static void put_os(struct jw *w, const struct release *r)
{
	if (!r->id)
		return;
	jw_object(w);
	jw_kv(w, "SPDXID", "SPDXRef-OperatingSystem");
	jw_kv(w, "name", r->id);
	kv_some(w, "versionInfo", r->version ? r->version : r->codename);
	jw_kv(w, "primaryPackagePurpose", "OPERATING_SYSTEM");
	put_unknown(w);
	kv_some(w, "description", r->pretty);
	jw_object_end(w);
}

static void put_layer(struct jw *w, const struct report *r, size_t i)
{
	const struct report_layer *l = &r->layers[i];
	char text[DIGEST_TEXT];
	digest_text(&l->diff_id, text);
	jw_object(w);
	put_id(w, "SPDXID", "Layer", i);
	jw_kv(w, "name", "layer");
	jw_kv(w, "versionInfo", text);
	jw_kv(w, "primaryPackagePurpose", "ARCHIVE");
	put_unknown(w);
	put_checksum(w, &l->diff_id);
	kv_some(w, "description", l->created_by);
	jw_kv(w, "comment", l->base ? "of the base image" : "own");
	jw_object_end(w);
}

static void put_source(struct jw *w, const struct found_package *f)
{
	const struct package *p = f->package;
	auto_buf struct buf text = {0};
	if (p->source || p->source_version)
		buf_printf(&text, "built package from: %s %s; ", p->source ? p->source : p->name,
		        p->source_version ? p->source_version : p->version);
	buf_printf(&text, "found in: %s", f->path);
	jw_kv(w, "sourceInfo", buf_cstr(&text));
}

static void put_flags(struct jw *w, int flags)
{
	auto_buf struct buf text = {0};
	if (flags & PACKAGE_OWNED)
		buf_puts(&text, "hew:owned ");
	if (flags & PACKAGE_HEADERS)
		buf_puts(&text, "hew:kernelHeaders ");
	if (flags & PACKAGE_LOCKED)
		buf_puts(&text, "hew:locked ");
	if (flags & PACKAGE_MAIN)
		buf_puts(&text, "hew:main ");
	if (text.n)
		text.p[--text.n] = '\0';
	kv_some(w, "comment", buf_cstr(&text));
}

static void put_package(struct jw *w, const struct report *r, size_t i)
{
	const struct found_package *f = &r->packages->v[i];
	auto_buf struct buf url = {0};
	package_url(f->package, &r->packages->release, &url);
	jw_object(w);
	put_id(w, "SPDXID", "Package", i);
	jw_kv(w, "name", f->package->name);
	jw_kv(w, "versionInfo", f->package->version);
	jw_kv(w, "primaryPackagePurpose", "LIBRARY");
	put_unknown(w);
	put_source(w, f);
	put_url(w, buf_cstr(&url));
	put_flags(w, f->package->flags);
	jw_object_end(w);
}

static void put_packages(struct jw *w, const struct report *r)
{
	jw_key(w, "packages");
	jw_array(w);
	put_subject(w, r);
	put_os(w, &r->packages->release);
	for (size_t i = 0; i < r->n_layers; i++)
		put_layer(w, r, i);
	for (size_t i = 0; i < r->packages->n; i++)
		put_package(w, r, i);
	jw_array_end(w);
}

// ---- relationships

static void relate(struct jw *w, const char *from, const char *how, const char *to)
{
	jw_object(w);
	jw_kv(w, "spdxElementId", from);
	jw_kv(w, "relationshipType", how);
	jw_kv(w, "relatedSpdxElement", to);
	jw_object_end(w);
}

static void relate_package(struct jw *w, const struct report *r, size_t i)
{
	const struct found_package *f = &r->packages->v[i];
	char package[64], layer[64];
	bool has_layer = layer_of(r, f) != NULL;
	snprintf(package, sizeof(package), "SPDXRef-Package-%zu", i + 1);
	snprintf(layer, sizeof(layer), "SPDXRef-Layer-%zu", f->layer + 1);
	relate(w, has_layer ? layer : "SPDXRef-Subject", "CONTAINS", package);
	if (r->packages->release.id && is_distribution(f->package))
		relate(w, "SPDXRef-OperatingSystem", "CONTAINS", package);
}

static void put_relationships(struct jw *w, const struct report *r)
{
	char layer[64];
	jw_key(w, "relationships");
	jw_array(w);
	relate(w, "SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Subject");
	if (r->packages->release.id)
		relate(w, "SPDXRef-Subject", "CONTAINS", "SPDXRef-OperatingSystem");
	for (size_t i = 0; i < r->n_layers; i++) {
		snprintf(layer, sizeof(layer), "SPDXRef-Layer-%zu", i + 1);
		relate(w, "SPDXRef-Subject", "CONTAINS", layer);
	}
	for (size_t i = 0; i < r->packages->n; i++)
		relate_package(w, r, i);
	jw_array_end(w);
}

// ---- the document

// Whole seconds: the form that SPDX asks for.
static void put_creation(struct jw *w, const struct report *r)
{
	char created[TIME_TEXT];
	auto_free char *tool = xasprintf("Tool: hew-%s", r->version ? r->version : "0");
	time_format((struct timestamp){r->created.sec, 0}, created);
	jw_key(w, "creationInfo");
	jw_object(w);
	jw_kv(w, "created", created);
	jw_key(w, "creators");
	jw_array(w);
	jw_str(w, tool);
	jw_array_end(w);
	jw_object_end(w);
}

void report_spdx(const struct report *r, struct buf *out)
{
	size_t start = out->n, uuid;
	struct jw w;
	jw_begin(&w, out, 2);
	jw_object(&w);
	jw_kv(&w, "spdxVersion", "SPDX-2.3");
	jw_kv(&w, "dataLicense", "CC0-1.0");
	jw_kv(&w, "SPDXID", "SPDXRef-DOCUMENT");
	jw_kv(&w, "name", r->name);
	jw_kv(&w, "documentNamespace", NAMESPACE UUID_ZEROS);
	uuid = out->n - sizeof(UUID_ZEROS);
	put_creation(&w, r);
	put_packages(&w, r);
	put_relationships(&w, r);
	jw_object_end(&w);
	settle_uuid(out, start, uuid);
	end_document(out, start);
}
