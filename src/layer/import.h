// SPDX-License-Identifier: Apache-2.0
// A foreign tar (a pulled layer, an ADDed archive, a docker archive), in any compression, made into
// an uncompressed tar with an index. The input is hostile: paths are cleaned and never leave the
// root, sizes and counts are bounded, nothing is created on disk but the tar.
#pragma once

#include "image/manifest.h"
#include "layer/writer.h"

enum layer_import_flags {
	// An archive, not a layer: .wh. names are ordinary files.
	IMPORT_PLAIN = 1 << 0,
	// The single files are not hashed (docker archives: their members are verified later).
	IMPORT_NO_HASH = 1 << 1,
};
// Sniffs gzip, zstd, bzip2, xz or none from the content. Writes the uncompressed bytes, unchanged,
// to tar_fd (so that sha256 of it is the diffID); tar_fd < 0 if only the index is wanted; tar_fd
// may not be blob_fd; both are borrowed. limit: most uncompressed bytes accepted (0: 1 TiB). A
// truncated or damaged stream is ERR_CORRUPT.
int layer_import(int blob_fd, int tar_fd, int flags, uint64_t limit, struct layer_result *ret,
        struct err *e);
// True if the file looks like a tar after decompression (first header parses), as ADD decides.
bool layer_sniff_archive(int fd);
