// SPDX-License-Identifier: Apache-2.0
#include "cmd/care.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "dockerfile/dockerfile.h"
#include "rootfs/engine.h"
#include <stdio.h>
#include <string.h>

#define SHORT_TEXT 50
#define ROOM_SHARE 5 // of a full disk, a part of this is made free

static bool percent_of(const char *text, uint64_t disk, uint64_t *ret)
{
	uint64_t percent;
	size_t n = strlen(text);
	char digits[4];
	if (n < 2 || n > 4 || text[n - 1] != '%')
		return false;
	snprintf(digits, sizeof(digits), "%.*s", (int)(n - 1), text);
	if (!str_to_u64(digits, &percent) || percent > 100)
		return false;
	*ret = disk / 100 * percent;
	return true;
}

int size_of(const char *text, const char *what, uint64_t disk, uint64_t *ret, struct err *e)
{
	int64_t size = 0;
	if (!text || percent_of(text, disk, ret))
		return 0;
	if (!value_size(text, &size) || size < 0)
		return err_set(e, ERR_USAGE,
		        "invalid %s \"%s\": a size like 10GB or 512m, or a part of the disk like "
		        "20%% is expected",
		        what, text);
	*ret = (uint64_t)size;
	return 0;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

// BuildKit's defaults; one that is given replaces all of them, so that it alone counts.
int store_limits(const struct store *s, struct prune_limits *ret, struct err *e)
{
	const uint64_t gb = 1000000000;
	uint64_t disk = store_disk_size(s);
	const char *given = getenv("HEW_STORE_MAX");
	*ret = (struct prune_limits){0};
	if (given && *given)
		return size_of(given, "HEW_STORE_MAX", disk, &ret->max_used, e);
	ret->reserved = lesser(disk / 10, 10 * gb);
	ret->max_used = lesser(disk / 10 * 8, 100 * gb);
	ret->min_free = disk / 5;
	return 0;
}

void care_after_build(struct store *s, const struct prune_limits *limits, bool tell)
{
	struct err e = ERR_INIT;
	struct engine g = {.store = s, .stop_fd = -1};
	const struct usage_helper helper = {engine_measure, &g};
	auto_prune_result struct prune_result r = {0};
	char size[24];
	if (cancel_requested() || !store_may_be_above(s, limits))
		return;
	fflush(stdout); // whoever waits for the id does not wait for this
	engine_init(&g);
	int rc = store_keep_within(s, limits, &helper, &r, &e);
	engine_release(&g);
	size_format(r.bytes, size);
	if (tell && rc < 0)
		fprintf(stderr, "hew: the store could not be kept small: %s\n", e.msg);
	else if (tell && r.n > 0)
		fprintf(stderr,
		        "hew: the store was above its limit: removed %s that can be had again\n",
		        size);
}

// What is put aside for this is used if even the database cannot be written.
static int prune_somehow(
        struct store *s, const struct prune_options *o, struct prune_result *ret, struct err *e)
{
	if (store_prune(s, o, ret, e) == 0)
		return 0;
	return e->kind == ERR_SPACE && store_reserve_use(s) ? store_prune(s, o, ret, e) : -1;
}

bool care_make_room(struct store *s)
{
	struct err ignored = ERR_INIT;
	struct engine g = {.store = s, .stop_fd = -1};
	const struct usage_helper helper = {engine_measure, &g};
	const struct prune_options o = {
	        .limits.min_free = store_disk_size(s) / ROOM_SHARE, .helper = &helper};
	auto_prune_result struct prune_result r = {0};
	uint64_t freed = 0;
	engine_reap(s); // what the failed step has left is no room for it
	engine_init(&g);
	if (store_gc(s, 0, &freed, &ignored) == 0)
		prune_somehow(s, &o, &r, &ignored);
	engine_release(&g);
	engine_reap(s);
	return freed > 0 || r.bytes > 0;
}

char *short_id(const char *id)
{
	const char *colon = strchr(id, ':');
	return xasprintf("%.12s", colon ? colon + 1 : id);
}

// Cut between characters.
char *short_text(const char *what)
{
	size_t n = strlen(what), most = SHORT_TEXT;
	if (n <= most)
		return xstrdup(what);
	while (most > 0 && (what[most] & 0xc0) == 0x80)
		most--;
	return xasprintf("%.*s...", (int)most, what);
}
