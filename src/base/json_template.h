// SPDX-License-Identifier: Apache-2.0
// Text made of a JSON document: the part of Go's templates that people give to --format.
//     {{EXPR}}  {{range EXPR}}...{{end}}  {{- and -}} eat the blanks beside them
//     EXPR: PATH, json EXPR, println EXPR, index EXPR KEY..., (EXPR)
//     PATH: .  .Name  .Name.Name; KEY: "text" or a number
// Names are those of members, in any case, for Go's are capitals. Of the root only members that are
// there can be named; further down one that is missing is empty.
#pragma once

struct buf;
struct err;
struct jn;

// Is it one, or a word like "json"?
#define template_is(text) (strstr(text, "{{") != NULL)

// What `json` prints.
enum template_json { TEMPLATE_COMPACT, TEMPLATE_INDENTED };
// ERR_USAGE for what is no template, or more of one than this.
int template_print(const char *text, const struct jn *root, enum template_json json,
        struct buf *out, struct err *e);
