// SPDX-License-Identifier: Apache-2.0
// What the front of the inflater (inflate.c) and its formats (inflate_codecs.c) share.
#pragma once

#include "layer/compress-int.h"
#include "layer/compress.h"
#include <bzlib.h>
#include <libdeflate.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <zlib.h>
#include <zstd.h>

// Holds a whole gzip member of our own writing: a piece that did not shrink, and its frame.
#define INFLATE_INPUT (LAYER_PIECE + ((size_t)64 << 10))
#define INFLATE_READ ((size_t)256 << 10) // at once, where no whole member is wanted

struct codec {
	const char *name;
	int (*start)(struct inflater *z, struct err *e);
	ssize_t (*read)(struct inflater *z, uint8_t *p, size_t n, struct err *e);
	void (*end)(struct inflater *z); // called also where start failed
};
extern const struct codec codec_gzip, codec_zstd, codec_bzip2, codec_xz;

struct inflater {
	int fd;
	bool seekable, eof, failed;
	bool open; // inside a member or frame: the input may not end here
	off_t offset;
	uint8_t *in;
	size_t in_at, in_n;
	const struct codec *codec;
	union {
		struct {
			z_stream s;
			struct libdeflate_decompressor *whole; // for members that fit the buffers
			bool ready, large;                     // s initialised; members do not fit
			uint8_t *out;                          // of a whole member
			size_t out_at, out_n;
			size_t used; // by the last whole member, of the input
		} gz;
		struct {
			bz_stream s;
			bool ready;
		} bz;
		lzma_stream xz;
		ZSTD_DStream *zstd;
	} u;
};

// Makes `want` input bytes (at most INFLATE_INPUT) available unless the input ends before. False
// with *e set, also if it is cancelled: whatever comes out of the input, this is asked.
bool inflater_more(struct inflater *z, size_t want, struct err *e);
int inflater_bad(struct inflater *z, const char *what, struct err *e);
static inline void inflater_take(struct inflater *z, size_t n)
{
	z->in_at += n;
	z->in_n -= n;
}
