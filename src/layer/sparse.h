// SPDX-License-Identifier: Apache-2.0
// Files that an archive has as pieces (tar_sparse.c). Indexes know them by where the member's
// headers begin (ENTRY_SPARSE); whoever wants the bytes gets a file of their own, with the same
// holes.
#pragma once

struct content;
struct entry;
struct err;

int sparse_open(int tar_fd, const struct entry *en, struct content *ret, struct err *e);
