// SPDX-License-Identifier: Apache-2.0
// File names of downloads, as BuildKit chooses them.
#pragma once

struct url;
// The last component of the path, decoded; NULL if that is no plain name. Caller frees.
char *url_file_name(const struct url *u);
