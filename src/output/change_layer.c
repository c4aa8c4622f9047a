// SPDX-License-Identifier: Apache-2.0
// A layer made of others is looked up under a key, as a step's is, and made under its lock: the
// same change of the same layers is done once, and lasts as long as the records of steps do.
#include "output/change.h"

#include <unistd.h>

static bool is_here(struct change *c, const struct digest *diff_id)
{
	struct layer_info info;
	struct layer_blob b;
	struct err ignored = ERR_INIT;
	return store_layer_get(c->q->store, diff_id, &info) &&
	       (info.has_tar || (store_layer_blob(c->q->store, diff_id, NULL, &b, &ignored) == 1 &&
	                                b.present));
}

static int find(struct change *c, const struct derived *d, struct step_record *ret, struct err *e)
{
	struct step_record r = {0};
	int found = store_step_get(c->q->store, &d->key, &r, e);
	if (found > 0 && is_here(c, &r.diff_id)) {
		*ret = r;
		return 1;
	}
	step_record_release(&r);
	return found < 0 ? -1 : 0;
}

int derived_layer(struct change *c, const struct derived *d, struct step_record *ret, struct err *e)
{
	struct store_lock *lock = store_lock_hash(c->q->store, "derived", &d->key, e);
	if (!lock)
		return -1;
	struct step_record r = {.has_layer = true};
	int rc = find(c, d, &r, e);
	if (rc == 0) {
		rc = d->make(c, d->arg, &r, e);
		r.name = xstrdup(d->name);
		if (rc == 0)
			rc = store_step_put(c->q->store, &d->key, &r, e);
	}
	store_unlock(lock);
	if (rc < 0) {
		step_record_release(&r);
		return err_wrap(e, "%s", d->name);
	}
	*ret = r;
	return 0;
}

int derived_enter(struct change *c, int tar_fd, struct layer_writer *w, struct step_record *ret,
        struct err *e)
{
	struct layer_result r = {0};
	if (layer_writer_finish(w, &r, e))
		return -1;
	int rc = store_layer_commit(c->q->store, tar_fd, &r, e);
	ret->diff_id = r.diff_id;
	layer_result_release(&r);
	return rc;
}

int change_layer(struct change *c, size_t i, const struct digest *diff_id, struct err *e)
{
	struct layer_info info;
	struct descriptor *d = &c->im.manifest.layers.v[i];
	if (!store_layer_get(c->q->store, diff_id, &info))
		return err_set(e, ERR_NOT_FOUND, "a layer is not in the store");
	descriptor_release(d);
	*d = (struct descriptor){
	        .media_type = xstrdup(MT_OCI_LAYER), .digest = *diff_id, .size = info.tar_size};
	c->im.config.diff_ids[i] = *diff_id;
	return 0;
}
