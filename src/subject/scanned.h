// SPDX-License-Identifier: Apache-2.0
// What can be looked into for packages: an image (in the store, in a registry, a layout, an
// archive), a folder, a document that names packages. For hew scan, sbom, diff and debug packages.
#pragma once

#include "image/config.h"
#include "image/manifest.h"
#include "report/report.h"
#include "subject/image_packages.h"
#include "subject/target.h"

struct session;

// The lists of packages borrow from it: it stays where it is.
struct scanned {
	enum report_kind kind;
	char *name;
	char *reference; // the registry's name of an image; NULL
	const struct package_list *packages;
	// of an image
	struct digest digest; // of the manifest
	struct manifest manifest;
	struct image_config config;
	struct buf config_text;
	struct image_packages found;
	struct strv tags, repo_digests;
	struct report_layer *layers; // one a layer of the config
	struct report_layer *alone;  // the same, by what the image says itself
	struct strv dockerfiles;     // that the layers name
	// of all else
	struct package_set set;
	struct package_list list;
};
#define auto_scanned __attribute__((cleanup(scanned_release)))
void scanned_release(struct scanned *t);
// The session may be closed: the store is opened, and made, for what needs it.
int scanned_open(
        struct session *s, const struct subject_ask *ask, struct scanned *ret, struct err *e);
// A stored image by its manifest's digest; name: a reference or its id.
int scanned_of_image(struct session *s, const char *name, const struct digest *manifest,
        struct scanned *ret, struct err *e);
// What could not be read, on standard error.
void scanned_warn(const struct scanned *t);
// Fills what a report says of it: all but the scan, the version and the switches.
void scanned_report(const struct scanned *t, struct report *r);
// The same without what only this store knows (other names, which image the base is, lines), so
// that it is the same on every machine.
void scanned_report_alone(const struct scanned *t, struct report *r);
// SOURCE_DATE_EPOCH, else when the image was made; of all else, now.
struct timestamp scanned_time(const struct scanned *t);

// ---- scan_layers.c: what is known of each layer: instruction, place in a Dockerfile, blob
void scanned_find_layers(struct session *s, struct scanned *t);
