// SPDX-License-Identifier: Apache-2.0
// When things were last used, for those who choose what goes first. Written once, when a process is
// done with the store: what its lease names was used, and so were the steps it found. A build in
// which nothing changed writes only if a step that it found was last noted an hour ago; so the path
// of such a build has neither a write nor a read for this.

#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "store/db-int.h"
#include <fcntl.h>
#include <unistd.h>

void uses_found_step(struct store *s, const struct hash *key, int64_t used)
{
	if (!store_writable(s) || time_now().sec - used < USED_GRAIN)
		return;
	pthread_mutex_lock(&s->known_mutex);
	s->stale_steps =
	        xreallocarray(s->stale_steps, s->n_stale_steps + 1, sizeof(*s->stale_steps));
	s->stale_steps[s->n_stale_steps++] = *key;
	pthread_mutex_unlock(&s->known_mutex);
}

void uses_found_layer(struct store *s, const struct digest *diff_id)
{
	int64_t at = 0;
	struct err ignored;
	db_lock(s);
	int rc = db_int(s, &ignored, &at, "SELECT at FROM uses WHERE digest = ?", "h", &diff_id->h);
	db_unlock(s);
	if (rc == 0 || (rc == 1 && time_now().sec - at >= USED_GRAIN))
		uses_changed(s);
}

void uses_changed(struct store *s)
{
	pthread_mutex_lock(&s->known_mutex);
	if (!s->has_used && store_writable(s))
		close(openat(s->root_fd, GROWN_MARK, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	s->has_used = true;
	pthread_mutex_unlock(&s->known_mutex);
}

void uses_release(struct store *s)
{
	free(s->stale_steps);
	s->stale_steps = NULL;
	s->n_stale_steps = 0;
	s->has_used = false;
}

static int write_uses(struct store *s, int64_t now, struct err *e)
{
	const char *hex;
	void *value;
	for (size_t i = 0; i < s->n_stale_steps; i++)
		if (db_run(s, e, "UPDATE steps SET used = ? WHERE key = ?", "ih", now,
		            &s->stale_steps[i]) < 0)
			return -1;
	for (size_t i = 0; map_next(&s->leased, &i, &hex, &value);) {
		struct hash h;
		if (hash_parse(hex, &h) &&
		        db_run(s, e, "INSERT OR REPLACE INTO uses(digest, at) VALUES(?, ?)", "hi",
		                &h, now) < 0)
			return -1;
	}
	return 0;
}

// Nobody fails because this cannot be written.
void store_note_uses(struct store *s)
{
	struct err ignored;
	if (!store_writable(s) || !s->db || (!s->has_used && s->n_stale_steps == 0))
		return;
	if (db_begin(s, &ignored) < 0)
		return;
	pthread_mutex_lock(&s->lease_mutex);
	int rc = write_uses(s, time_now().sec, &ignored);
	pthread_mutex_unlock(&s->lease_mutex);
	if (rc == 0)
		db_commit(s, &ignored);
	else
		db_rollback(s);
	uses_release(s);
}
