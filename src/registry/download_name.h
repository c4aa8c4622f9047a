// SPDX-License-Identifier: Apache-2.0
// File names of downloads, as BuildKit chooses them.
#pragma once

struct url;
// The last component of a Content-Disposition's filename=; NULL if that is no plain name. Caller
// frees.
char *content_disposition_name(const char *header);
// The last component of the path, decoded; NULL if that is no plain name. Caller frees.
char *url_file_name(const struct url *u);
