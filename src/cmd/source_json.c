// SPDX-License-Identifier: Apache-2.0
// BuildKit's pb.Range and pb.SourceInfo as Go writes them.
#include "cmd/source_json.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "dockerfile/dockerfile.h"

void json_bytes(struct jw *w, const void *data, size_t n)
{
	auto_buf struct buf text = {0};
	base64_encode(&text, data, n);
	jw_str(w, buf_cstr(&text));
}

void json_ranges(struct jw *w, const char *key, struct pos pos)
{
	static const char *const ends[] = {"start", "end"};
	if (pos.line <= 0)
		return;
	jw_key(w, key);
	jw_array(w);
	int line = pos.line;
	do {
		jw_object(w);
		for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
			jw_key(w, ends[i]);
			jw_object(w);
			jw_kv_int(w, "line", line);
			jw_object_end(w);
		}
		jw_object_end(w);
	} while (++line <= pos.end_line);
	jw_array_end(w);
}

void json_source_info(struct jw *w, const struct dockerfile *d, const struct buf *text)
{
	jw_object(w);
	jw_kv(w, "filename", d ? d->filename : "Dockerfile");
	jw_key(w, "data");
	json_bytes(w, text->p, text->n);
	jw_kv(w, "language", "Dockerfile");
	jw_object_end(w);
}
