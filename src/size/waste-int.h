// SPDX-License-Identifier: Apache-2.0
// What the searches for waste share.
#pragma once

#include "size/size-int.h"
#include "size/waste.h"

struct search {
	const struct weight *w;
	struct waste_list *list;
	uint8_t **claimed; // by layer and record: it is in a finding
};
// Zeroed but for the kind, the path and the layer; borrowed until the next one.
struct waste_finding *waste_add(
        struct waste_list *l, enum waste_kind kind, const char *path, size_t layer);

// The searches, in the order in which they claim.
void search_hidden(struct search *s);
void search_places(struct search *s);
void search_development(struct search *s, struct view *v, const struct owners *owners);
void search_symbols(struct search *s, struct view *v);
void search_duplicates(struct search *s);
