// SPDX-License-Identifier: Apache-2.0
// Others' texts in XML 1.0.
#pragma once

#include "base/buf.h"

// Appended so that it stands in an element or between double quotes: markup and control characters
// as references; what XML cannot say, not even so, and invalid UTF-8 become U+FFFD.
void xml_text(struct buf *out, const char *text, size_t n);
