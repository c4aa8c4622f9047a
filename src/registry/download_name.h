// SPDX-License-Identifier: Apache-2.0
// File names of downloads, as BuildKit chooses them.
#pragma once

struct url;
// filename= of a Content-Disposition, its last component; NULL if there is none that is a plain
// name.
char *content_disposition_name(const char *header);
// Last component of the path, decoded; NULL if that is none or no plain name.
char *url_file_name(const struct url *u);
