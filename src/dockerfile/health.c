// SPDX-License-Identifier: Apache-2.0
// HEALTHCHECK NONE and HEALTHCHECK [options] CMD ...
#include "base/err.h"
#include "dockerfile/parse-int.h"

#define MINIMUM_NS 1000000 // 1ms; 0 means the default

static int interval(const char *name, const char *value, int64_t *ret, struct err *e)
{
	int64_t ns = 0;
	if (!value || !*value)
		return 0;
	if (value_duration(value, &ns, e) < 0)
		return -1;
	if (ns != 0 && ns < MINIMUM_NS)
		return err_set(e, ERR_DOCKERFILE, "Interval \"%s\" cannot be less than 1ms", name);
	*ret = ns;
	return 0;
}

static int retries(const char *value, int *ret, struct err *e)
{
	int64_t n;
	if (!value || !*value)
		return 0;
	if (!str_to_i64(*value == '+' ? value + 1 : value, &n) || n > INT32_MAX || n < INT32_MIN) {
		auto_buf struct buf q = {0};
		quote_go(&q, str_of(value));
		return err_set(e, ERR_DOCKERFILE, "strconv.ParseInt: parsing %s: invalid syntax",
		        buf_cstr(&q));
	}
	if (n < 0)
		return err_set(e, ERR_DOCKERFILE, "--retries cannot be negative (%d)", (int)n);
	*ret = (int)n;
	return 0;
}

int health_rules(struct draft *d, const struct flag_values *f, struct err *e)
{
	struct instr *in = d->in;
	const char *type = d->args.v[0];
	if (str_ieq(type, "none")) {
		in->health_none = true;
		if (d->args.n > 1)
			return err_set(e, ERR_DOCKERFILE, "HEALTHCHECK NONE takes no arguments");
		return 0;
	}
	if (!str_ieq(type, "cmd")) {
		auto_buf struct buf q = {0};
		auto_free char *upper = xstrdup(type);
		for (char *p = upper; *p; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p & ~0x20);
		quote_go(&q, str_of(upper));
		return err_set(e, ERR_DOCKERFILE, "Unknown type %s in HEALTHCHECK (try CMD)",
		        buf_cstr(&q));
	}
	if (d->args.n < 2)
		return err_set(e, ERR_DOCKERFILE, "Missing command after HEALTHCHECK CMD");
	in->words = d->args.v + 1;
	in->n_words = d->args.n - 1;
	if (interval("interval", f->interval, &in->health_interval, e) < 0 ||
	        interval("timeout", f->timeout, &in->health_timeout, e) < 0 ||
	        interval("start-period", f->start_period, &in->health_start_period, e) < 0 ||
	        interval("start-interval", f->start_interval, &in->health_start_interval, e) < 0)
		return -1;
	return retries(f->retries, &in->health_retries, e);
}
