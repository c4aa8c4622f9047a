// SPDX-License-Identifier: Apache-2.0
// Trivy's JSON: what stands in a result.
#pragma once

#include "report/report-int.h"

struct trivy_result {
	const char *type;   // "node-pkg"
	const char *target; // what all packages of the type stand under; "": the image, NULL: their
	                    // file
};
struct trivy_result trivy_result_of(const struct report *r, const struct found_package *f);
void trivy_put_package(struct jw *w, const struct report *r, const struct found_package *f);
void trivy_put_finding(struct jw *w, const struct report *r, const struct finding *f);
