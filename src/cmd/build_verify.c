// SPDX-License-Identifier: Apache-2.0
// The second build has its own store in the work folder of this process: another cache, other cache
// mounts, other numbers of steps at once, another time. Of the first it gets the base images, so
// that a tag that has moved meanwhile is no difference. What is compared are the layers of all
// steps in the order of the graph: the first that differs is where it comes from, also in a stage
// of which only a file is copied.
#include "cmd/build_verify.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/json.h"
#include "cmd/verify_bases.h"
#include "cmd/verify_report.h"
#include "exec/build.h"
#include "session/session.h"
#include <string.h>
#include <time.h>

// What a command writes of the time is in seconds as a rule.
static int wait_for_another_second(struct err *e)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	const struct timespec rest = {.tv_nsec = 999999999 - now.tv_nsec};
	nanosleep(&rest, NULL);
	return cancel_check(e);
}

static int build_again(struct session *second, const struct build_request *r,
        struct build_result *ret, struct err *e)
{
	struct build_request again = *r; // its parts stay the first one's
	again.tags = (struct strv){0};
	again.no_cache_stages = (struct strv){0};
	again.no_cache = again.pull = again.explain = again.shell_on_error = false;
	again.jobs = r->jobs == 1 ? 4 : 1;
	again.n_provenance = 0;
	again.layer_made = NULL;
	again.before_run = NULL;
	again.sink = NULL;
	again.registry = session_registry;
	again.registry_arg = second;
	if (wait_for_another_second(e))
		return -1;
	return build_run(second->store, &again, ret, e) ? err_wrap(e, "verify: the second build")
	                                                : 0;
}

// ---- which step

struct step_said {
	const char *name;
	int64_t line;
	struct digest layer;
	bool has_layer;
};

static void read_step(const struct jn *step, struct step_said *ret)
{
	struct err ignored = ERR_INIT;
	const char *layer = jn_get_str(step, "layer");
	ret->name = jn_get_str(step, "name");
	ret->line = jn_int(jn_get(step, "line"), 0);
	ret->has_layer = layer && digest_parse(layer, &ret->layer, &ignored) == 0;
}

static bool same_layer(const struct verify *v, const struct step_said *a, const struct step_said *b)
{
	struct layer_info x, y;
	if (a->has_layer != b->has_layer)
		return false;
	if (!a->has_layer || digest_eq(&a->layer, &b->layer))
		return true;
	return !v->times && store_layer_get(v->first, &a->layer, &x) &&
	       store_layer_get(v->second, &b->layer, &y) && hash_eq(&x.content_id, &y.content_id);
}

// The first of the steps that made something else. 1, 0, -1.
static int find_step(const struct verify *v, const struct jn *first, const struct jn *second,
        size_t n, struct verify_step *ret, struct err *e)
{
	if (jn_len(first) != n || jn_len(second) != n)
		return err_set(
		        e, ERR_FAIL, "verify: the records of the two builds have other steps");
	for (size_t i = 0; i < n; i++) {
		struct step_said a = {0}, b = {0};
		read_step(jn_at(first, i), &a);
		read_step(jn_at(second, i), &b);
		if (same_layer(v, &a, &b))
			continue;
		*ret = (struct verify_step){a.name, a.line, {a.layer, b.layer}};
		return 1;
	}
	return 0;
}

static int differs(const struct verify *v, const struct build_result *a,
        const struct build_result *b, struct err *e)
{
	auto_jdoc struct jdoc *first = jdoc_parse(a->record, strlen(a->record), e);
	auto_jdoc struct jdoc *second = first ? jdoc_parse(b->record, strlen(b->record), e) : NULL;
	struct verify_step step;
	if (!second)
		return -1;
	int found = find_step(v, jn_get(jdoc_root(first), "steps"),
	        jn_get(jdoc_root(second), "steps"), a->n_steps, &step, e);
	if (found < 0)
		return -1;
	if (found)
		return verify_tell(v, &step, e);
	if (v->times && !digest_eq(build_result_id(a), build_result_id(b)))
		return err_set(e, ERR_DIFFERS,
		        "not reproducible: the files are the same, the configuration of the image "
		        "is not");
	event_note(v->sink, "verified: built twice, %s",
	        v->times ? "with the same image id"
	                 : "with the same files (times were not compared: "
	                   "set SOURCE_DATE_EPOCH to have them "
	                   "the same, too)");
	return 0;
}

static int verify_in(struct session *s, const char *root, const struct build_request *r,
        const struct build_result *first, struct err *e)
{
	auto_session struct session second = {.insecure = s->insecure};
	struct build_result again = {0};
	second.store = store_open(root, STORE_CREATE, e);
	if (!second.store || verify_bases(s->store, second.store, first, e) ||
	        build_again(&second, r, &again, e)) {
		build_result_release(&again);
		return -1;
	}
	const struct verify v = {.first = s->store,
	        .second = second.store,
	        .sink = session_sink(s),
	        .times = first->has_epoch};
	int rc = differs(&v, first, &again, e);
	build_result_release(&again);
	return rc;
}

int build_verify(struct session *s, const struct build_request *r, const struct build_result *first,
        struct err *e)
{
	char *path = NULL;
	if (r->context_stdin)
		return err_set(e, ERR_USAGE,
		        "--verify: the build context came from standard input, which cannot be "
		        "read twice");
	event_note(session_sink(s), "verify: building once more, from nothing but the bases");
	auto_fd int dir = store_temp_dir(s->store, &path, e);
	if (dir < 0)
		return -1;
	auto_free char *root = xasprintf("%s/%s", store_root(s->store), path);
	int rc = verify_in(s, root, r, first, e);
	store_trash(s->store, path);
	free(path);
	return rc;
}
