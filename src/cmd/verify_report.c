// SPDX-License-Identifier: Apache-2.0
#include "cmd/verify_report.h"

#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "layer/compare.h"
#include <string.h>
#include <unistd.h>

#define FILES_SHOWN 10
#define CHUNK 65536

struct report {
	const struct verify *v;
	const struct verify_step *step;
	size_t n;
	char first[400];  // the first difference, in a few words
	const char *hint; // what mends the first that is known
};

// ---- where contents part

static int read_some(int fd, char *p, uint64_t at, size_t n)
{
	ssize_t got = pread(fd, p, n, (off_t)at);
	return got < 0 ? 0 : (int)got;
}

// The first byte that differs, or the end of the shorter one.
static uint64_t first_difference(
        const struct report *r, const struct entry *a, const struct entry *b)
{
	struct err ignored = ERR_INIT;
	auto_free char *x = xmalloc(CHUNK), *y = xmalloc(CHUNK);
	uint64_t n = a->size < b->size ? a->size : b->size, at = 0;
	auto_fd int fa = store_layer_tar(r->v->first, &r->step->layer[0], &ignored);
	auto_fd int fb = store_layer_tar(r->v->second, &r->step->layer[1], &ignored);
	while (fa >= 0 && fb >= 0 && at < n) {
		size_t want = n - at < CHUNK ? (size_t)(n - at) : CHUNK;
		int got = read_some(fa, x, a->offset + at, want);
		if (got <= 0 || read_some(fb, y, b->offset + at, (size_t)got) != got)
			break;
		for (int i = 0; i < got; i++)
			if (x[i] != y[i])
				return at + (uint64_t)i;
		at += (uint64_t)got;
	}
	return at;
}

// ---- in words

static void put_content(
        const struct report *r, const struct entry *a, const struct entry *b, struct buf *out)
{
	bool plain = a->offset != ENTRY_NO_OFFSET && b->offset != ENTRY_NO_OFFSET &&
	             !entry_is_sparse(a) && !entry_is_sparse(b);
	buf_puts(out, "content");
	if (plain)
		buf_printf(
		        out, " from byte %llu on", (unsigned long long)first_difference(r, a, b));
	if (a->size != b->size)
		buf_printf(out, " (%llu and %llu bytes)", (unsigned long long)a->size,
		        (unsigned long long)b->size);
}

static void put_what(const struct report *r, const struct entry *a, const struct entry *b,
        unsigned what, struct buf *out)
{
	char x[TIME_TEXT], y[TIME_TEXT];
	if (!a || !b) {
		buf_printf(out, "only in the %s build", a ? "first" : "second");
		return;
	}
	if (what & DIFFERS_TYPE)
		buf_puts(out, "another kind of file");
	if (what & DIFFERS_CONTENT)
		put_content(r, a, b, out);
	if (what & DIFFERS_LINK)
		buf_printf(out, "%slink to %s and %s", out->n ? ", " : "", a->link ? a->link : "-",
		        b->link ? b->link : "-");
	if (what & DIFFERS_MODE)
		buf_printf(out, "%smode %04o and %04o", out->n ? ", " : "", a->mode, b->mode);
	if (what & DIFFERS_OWNER)
		buf_printf(out, "%sowner %u:%u and %u:%u", out->n ? ", " : "", a->uid, a->gid,
		        b->uid, b->gid);
	if (what & DIFFERS_XATTRS)
		buf_printf(out, "%sextended attributes", out->n ? ", " : "");
	if (what & DIFFERS_DEVICE)
		buf_printf(out, "%sdevice number", out->n ? ", " : "");
	if (what & DIFFERS_MTIME) {
		time_format((struct timestamp){a->mtime_sec, (int32_t)a->mtime_nsec}, x);
		time_format((struct timestamp){b->mtime_sec, (int32_t)b->mtime_nsec}, y);
		buf_printf(out, "%smtime %s and %s", out->n ? ", " : "", x, y);
	}
}

// ---- what to do

static bool ends(const char *path, const char *const *suffixes)
{
	for (; *suffixes; suffixes++)
		if (str_has_suffix(path, *suffixes))
			return true;
	return false;
}

static const char *hint_for(const char *path)
{
	static const struct {
		const char *within, *suffixes[5], *hint;
	} rows[] = {
	        {"var/log", {""}, "logs: rm -rf /var/log/* at the end of the same RUN"},
	        {"var/lib/apt/lists", {""},
	                "package lists: rm -rf /var/lib/apt/lists/* in the same RUN"},
	        {"var/cache/ldconfig", {""},
	                "the cache of ldconfig: rm /var/cache/ldconfig/aux-cache in the same RUN"},
	        {"var/cache", {""},
	                "a cache: remove it in the same RUN, or RUN --mount=type=cache"},
	        {"root/.cache", {""},
	                "a cache: remove it in the same RUN, or RUN --mount=type=cache"},
	        {"etc/machine-id", {""},
	                "the id of a machine: truncate -s 0 /etc/machine-id in the same RUN"},
	        {"var/lib/dbus/machine-id", {""}, "the id of a machine: rm it in the same RUN"},
	        {"etc/ssh", {"_key", "_key.pub"},
	                "keys of a server: rm /etc/ssh/ssh_host_* in the same RUN; make them at "
	                "the first start"},
	        {"etc", {"shadow", "shadow-"},
	                "the day of the last change of a password: set SOURCE_DATE_EPOCH (shadow "
	                ">= 4.9 uses it), or chage -d 0"},
	        {"tmp", {""},
	                "a temporary file: remove it in the same RUN, or RUN "
	                "--mount=type=tmpfs,target=/tmp"},
	        {"", {".pyc"},
	                "compiled Python holds times: PYTHONDONTWRITEBYTECODE=1, or compileall "
	                "--invalidation-mode unchecked-hash"},
	        {"", {".gz", ".tgz"}, "gzip writes name and time: gzip -n"},
	        {"", {".a"}, "ar writes times: ar D, or ARFLAGS=crD"},
	        {"", {".jar", ".zip", ".war", ".whl"},
	                "the archive holds times: let the tool use SOURCE_DATE_EPOCH, or "
	                "strip-nondeterminism"},
	        {"", {".o", ".so", ".exe"},
	                "compilers write times and paths: no __DATE__, -ffile-prefix-map, go build "
	                "-trimpath -buildvcs=false"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (fs_path_within(path, rows[i].within) && ends(path, rows[i].suffixes))
			return rows[i].hint;
	return NULL;
}

static int tell_file(void *arg, const struct entry *a, const struct entry *b, unsigned what)
{
	struct report *r = arg;
	auto_buf struct buf text = {0};
	const char *path = a ? a->path : b->path, *hint = hint_for(path);
	if (r->n++ >= FILES_SHOWN)
		return 0;
	put_what(r, a, b, what, &text);
	event_note(r->v->sink, "    /%s: %s", path, buf_cstr(&text));
	if (!r->hint)
		r->hint = hint;
	if (r->n == 1)
		snprintf(r->first, sizeof(r->first), "/%.250s: %.120s", path, buf_cstr(&text));
	return 0;
}

int verify_tell(const struct verify *v, const struct verify_step *s, struct err *e)
{
	struct layer_index *a, *b;
	struct report r = {.v = v, .step = s};
	if (store_layer_index(v->first, &s->layer[0], &a, e) ||
	        store_layer_index(v->second, &s->layer[1], &b, e))
		return err_wrap(e, "verify");
	event_note(v->sink, "not reproducible: %s (line %lld of the Dockerfile)", s->name,
	        (long long)s->line);
	layer_compare(a, b, v->times, tell_file, &r);
	if (r.n > FILES_SHOWN)
		event_note(v->sink, "    and %zu more", r.n - FILES_SHOWN);
	event_note(v->sink, "  %s%s", r.hint ? "usual cause: " : "",
	        r.hint     ? r.hint
	        : v->times ? "the command writes something that is new each time: a time, a random "
	                     "number, an order, what the network has"
	                   : "a time, perhaps: set SOURCE_DATE_EPOCH (--timestamp), which commands "
	                     "that know it use, too");
	return err_set(e, ERR_DIFFERS, "not reproducible: %s (line %lld): %s%s", s->name,
	        (long long)s->line, r.n ? r.first : "the archive of the layer",
	        r.n > 1 ? " and other files" : "");
}
