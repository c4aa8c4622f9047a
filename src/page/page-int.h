// SPDX-License-Identifier: Apache-2.0
// What the sections of the page share: text made safe, numbers as people read them, tables.
#pragma once

#include "base/buf.h"
#include "page/page.h"

// ---- text.c
// Markup's characters are references; what would not be seen, or would change what is seen
// (controls, bidirectional marks, bytes that are no UTF-8), is shown by its number. At most `most`
// bytes of s, in whole characters, and an ellipsis then.
void html_text(struct buf *out, const char *s, size_t most);
// The same with line breaks kept, for <pre>.
void html_lines(struct buf *out, const char *s, size_t most);
// As a JSON string inside <script>.
void html_json(struct buf *out, const char *s, size_t most);
void html_bytes(struct buf *out, uint64_t bytes);                // "12.3 MB"; "unknown"
void html_count(struct buf *out, uint64_t n);                    // "12 345"
void html_plural(struct buf *out, uint64_t n, const char *what); // "1 file", "2 files"
void html_seconds(struct buf *out, int64_t ns);                  // "0.3 s", "2 min 5 s"
void html_share(struct buf *out, uint64_t part, uint64_t of);    // "12 %", "<1 %"

// ---- table.c
struct column {
	const char *head;
	bool number; // to the right
};
// A caption that a screen reader begins with. rows: how many there will be.
void html_table(struct buf *out, const char *caption, const struct column *columns, size_t n);
void html_table_end(struct buf *out, size_t shown, size_t all); // tells of rows that are not shown
void html_cell(struct buf *out, const char *s, size_t most);    // s: NULL: a dash
void html_cell_code(struct buf *out, const char *s, size_t most);
void html_cell_bytes(struct buf *out, uint64_t bytes);
void html_cell_count(struct buf *out, uint64_t n);
// A number with a bar as long as its share.
void html_cell_share(struct buf *out, uint64_t part, uint64_t of);
void html_section(struct buf *out, const char *id, const char *title);
void html_section_end(struct buf *out);

// ---- timeline.c: what the times of a build come to
struct timeline {
	int64_t span_ns;  // that the chart shows: until the build or its last step ended
	int64_t busy_ns;  // of all steps together
	int64_t chain_ns; // of those that decided how long it took
	size_t most;      // steps at once
	size_t ran, cached, failed;
	bool *in_chain;    // one a step
	int64_t *ready_ns; // when all it needs was done
	int *waited_for;   // what of that was done last; -1: nothing took time
};
void timeline_make(const struct page_build *b, struct timeline *ret);
void timeline_release(struct timeline *t);

// ---- sections
void page_head(const struct page *p, struct buf *out);                // head.c
void page_build_section(const struct page_build *b, struct buf *out); // build.c
void page_weight(const struct page_image *i, struct buf *out);        // weight.c
void page_trees(const struct page_image *i, struct buf *out); // trees.c: JSON for the script
void page_waste_section(const struct page_image *i, struct buf *out); // findings.c
void page_flaws_section(const struct page_image *i, struct buf *out);
void page_comparison_section(const struct page_comparison *c, struct buf *out); // comparison.c

// ---- page.css, page.js: generated from the files of these names
extern const char page_css[], page_js[];
extern const char *const page_severity_words[PAGE_SEVERITIES];
