// SPDX-License-Identifier: Apache-2.0
// Instructions that change no file: ENV, LABEL, CMD and their like edit the configuration and leave
// one history entry, worded as BuildKit words it.
#include "graph/graph-int.h"

#include "base/signals.h"
#include <ctype.h>

void history_add(struct builder *b, struct stage_state *s, const char *created_by, int step)
{
	struct history *h = image_config_add_history(&s->config);
	b->copied += strlen(created_by);
	h->created_by = xstrdup(created_by);
	h->comment = xstrdup("buildkit.dockerfile.v0");
	h->empty_layer = step < 0;
	if (s->config.n_history > s->cap_history) {
		s->cap_history = 2 * s->config.n_history + 16;
		s->history_steps = xreallocarray(s->history_steps, s->cap_history, sizeof(int));
	}
	s->history_steps[s->config.n_history - 1] = step;
}

static void history_quote_list(struct buf *out, const struct strv *v)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < v->n; i++) {
		if (i)
			buf_putc(out, ' ');
		quote_go(out, str_of(v->v[i]));
	}
	buf_putc(out, ']');
}

static void words_join(struct buf *out, const struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		buf_printf(out, "%s%s", i ? " " : "", v->v[i]);
}

void shell_prepend(const struct image_config *c, const struct instr *in, struct strv *ret)
{
	if (in->json) {
		for (size_t i = 0; i < in->n_words; i++)
			strv_add(ret, in->words[i]);
		return;
	}
	if (c->shell.n) {
		for (size_t i = 0; i < c->shell.n; i++)
			strv_add(ret, c->shell.v[i]);
	} else {
		strv_add(ret, "/bin/sh");
		strv_add(ret, "-c");
	}
	auto_buf struct buf line = {0};
	for (size_t i = 0; i < in->n_words; i++)
		buf_printf(&line, "%s%s", i ? " " : "", in->words[i]);
	strv_add(ret, buf_cstr(&line));
}

static int do_env(struct builder *b, struct stage_state *s, const struct instr *in, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_strv struct strv pairs = {0};
	buf_puts(&text, instr_name(in->kind));
	// every value sees the variables as they were before this instruction
	for (size_t i = 0; i < in->n_pairs; i++) {
		const char *key, *value;
		if (vars_expand(b, s, in, in->pairs[i].key, &key, e) ||
		        vars_expand(
		                b, s, in, in->pairs[i].value ? in->pairs[i].value : "", &value, e))
			return -1;
		strv_add(&pairs, key);
		strv_add(&pairs, value);
		buf_printf(&text, " %s=%s", key, value);
	}
	check_legacy(b, in);
	for (size_t i = 0; i + 1 < pairs.n; i += 2) {
		if (in->kind == INSTR_LABEL) {
			image_config_set_label(&s->config, pairs.v[i], pairs.v[i + 1]);
			continue;
		}
		check_secret(b, in, pairs.v[i]);
		strv_env_set(&s->vars, pairs.v[i], pairs.v[i + 1]);
		strv_env_set(&s->config.env, pairs.v[i], pairs.v[i + 1]);
	}
	history_add(b, s, buf_cstr(&text), -1);
	return 0;
}

static int do_command(struct builder *b, struct stage_state *s, const struct instr *in)
{
	bool cmd = in->kind == INSTR_CMD;
	struct strv *to = cmd ? &s->config.cmd : &s->config.entrypoint;
	check_once(b, in, cmd ? &s->last_cmd : &s->last_entrypoint);
	check_shell_form(b, s, in);
	strv_release(to);
	shell_prepend(&s->config, in, to);
	auto_buf struct buf text = {0};
	buf_puts(&text, cmd ? "CMD " : "ENTRYPOINT ");
	history_quote_list(&text, to);
	if (cmd) {
		s->config.has_cmd = s->cmd_set = true;
		s->config.args_escaped = true;
	} else {
		s->config.has_entrypoint = to->n > 0;
		if (!s->cmd_set) {
			strv_release(&s->config.cmd);
			s->config.has_cmd = false;
		}
	}
	history_add(b, s, buf_cstr(&text), -1);
	return 0;
}

// A decimal fraction without trailing zeros: 1500 of 1000 is "1.5".
static void decimal(struct buf *out, int64_t n, int64_t unit)
{
	buf_printf(out, "%lld", (long long)(n / unit));
	int64_t rest = n % unit;
	if (rest)
		buf_putc(out, '.');
	for (int64_t digit = unit / 10; rest; digit /= 10) {
		buf_putc(out, (char)('0' + rest / digit));
		rest %= digit;
	}
}

// Go's Duration.String.
static void duration_go(struct buf *out, int64_t ns)
{
	static const struct {
		int64_t ns;
		const char *unit;
	} small[] = {{1000000, "ms"}, {1000, "\xc2\xb5s"}, {1, "ns"}};
	for (size_t i = 0; ns && ns < 1000000000 && i < ARRAY_LEN(small); i++)
		if (ns >= small[i].ns) {
			decimal(out, ns, small[i].ns);
			buf_puts(out, small[i].unit);
			return;
		}
	int64_t hours = ns / 3600000000000, minutes = ns / 60000000000;
	if (hours)
		buf_printf(out, "%lldh", (long long)hours);
	if (minutes)
		buf_printf(out, "%lldm", (long long)(minutes % 60));
	decimal(out, ns % 60000000000, 1000000000);
	buf_putc(out, 's');
}

static int do_health(struct builder *b, struct stage_state *s, const struct instr *in)
{
	struct healthcheck *h = &s->config.health;
	check_once(b, in, &s->last_health);
	strv_release(&h->test);
	*h = (struct healthcheck){
	        .interval_ns = in->health_interval,
	        .timeout_ns = in->health_timeout,
	        .start_period_ns = in->health_start_period,
	        .start_interval_ns = in->health_start_interval,
	        .retries = in->health_retries,
	};
	s->config.has_health = true;
	strv_add(&h->test, in->health_none ? "NONE" : in->json ? "CMD" : "CMD-SHELL");
	for (size_t i = 0; i < in->n_words && !in->health_none; i++)
		strv_add(&h->test, in->words[i]);
	auto_buf struct buf text = {0};
	buf_puts(&text, "HEALTHCHECK {Test:[");
	words_join(&text, &h->test);
	const int64_t times[] = {
	        h->interval_ns, h->timeout_ns, h->start_period_ns, h->start_interval_ns};
	static const char *const names[] = {
	        "] Interval:", " Timeout:", " StartPeriod:", " StartInterval:"};
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		buf_puts(&text, names[i]);
		duration_go(&text, times[i]);
	}
	buf_printf(&text, " Retries:%d}", h->retries);
	history_add(b, s, buf_cstr(&text), -1);
	return 0;
}

// USER, STOPSIGNAL, MAINTAINER: one word into one string of the configuration.
static int do_single(
        struct builder *b, struct stage_state *s, const struct instr *in, char **to, struct err *e)
{
	const char *value = in->n_words ? in->words[0] : "";
	if (in->kind != INSTR_MAINTAINER && vars_expand(b, s, in, value, &value, e))
		return -1;
	free(*to);
	*to = xstrdup(value);
	auto_free char *text = xasprintf("%s %s", instr_name(in->kind), value);
	history_add(b, s, text, -1);
	return 0;
}

static int do_list(struct builder *b, struct stage_state *s, const struct instr *in, struct err *e)
{
	auto_strv struct strv words = {0};
	for (size_t i = 0; i < in->n_words; i++) {
		const char *w = in->words[i];
		if (in->kind == INSTR_VOLUME) {
			if (vars_expand(b, s, in, w, &w, e))
				return -1;
			if (!*w)
				return err_at(
				        e, in->pos, "VOLUME specified can not be an empty string");
			image_config_add_volume(&s->config, w);
		}
		strv_add(&words, w);
	}
	if (in->kind == INSTR_SHELL) {
		strv_copy(&s->config.shell, &words);
		s->config.has_shell = true;
	}
	auto_buf struct buf text = {0};
	buf_printf(&text, "%s [", instr_name(in->kind));
	words_join(&text, &words);
	buf_putc(&text, ']');
	history_add(b, s, buf_cstr(&text), -1);
	return 0;
}

// Any number will do, as it does for BuildKit: another system's signals may go further.
static int check_signal(const struct instr *in, const char *name, struct err *e)
{
	uint64_t number;
	if (signal_number(name) || (str_to_u64(name, &number) && number > 0))
		return 0;
	const char *near = signal_near(name);
	return err_at(e, in->pos, "invalid signal: %s%s%s%s", name,
	        near ? " (did you mean SIG" : "", near ? near : "", near ? "?)" : "");
}

// "8080", "8080-8082/udp", "127.0.0.1:80:8080": the container's side as "port/proto".
static int expose_one(struct builder *b, struct stage_state *s, const struct instr *in,
        const char *spec, struct map *seen, struct strv *ports, struct err *e)
{
	const char *slash = strchr(spec, '/');
	auto_free char *range = slash ? xstrndup(spec, (size_t)(slash - spec)) : xstrdup(spec);
	auto_free char *proto = xstrdup(slash ? slash + 1 : "tcp");
	for (char *p = proto; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0 && strcmp(proto, "sctp") != 0)
		return err_at(e, in->pos, "invalid proto: %s", slash ? slash + 1 : "");
	if (slash && strcmp(proto, slash + 1) != 0)
		dockerfile_warn(b->df, in, "ExposeProtoCasing", in->pos,
		        "Defined protocol '%s' in EXPOSE instruction should be lowercase", spec);
	const char *last = strrchr(range, ':');
	if (last && strspn(range, ":") < (size_t)(last - range))
		dockerfile_warn(b->df, in, "ExposeInvalidFormat", in->pos,
		        "EXPOSE instruction should not define an IP address or host-port mapping, "
		        "found '%s'",
		        spec);
	last = last ? last + 1 : range;
	const char *dash = strchr(last, '-');
	auto_free char *low = dash ? xstrndup(last, (size_t)(dash - last)) : xstrdup(last);
	uint64_t from, to;
	if (!str_to_u64(low, &from) || !str_to_u64(dash ? dash + 1 : low, &to) || from > 65535 ||
	        to > 65535 || from > to)
		return err_at(e, in->pos, "invalid containerPort: %s", last);
	for (uint64_t port = from; port <= to; port++) {
		auto_free char *text = xasprintf("%u/%s", (unsigned)port, proto);
		image_config_add_port(&s->config, text);
		if (map_has(seen, text))
			continue;
		map_set(seen, text, seen);
		strv_add(ports, text);
	}
	return 0;
}

static int text_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int do_expose(
        struct builder *b, struct stage_state *s, const struct instr *in, struct err *e)
{
	auto_strv struct strv specs = {0}, ports = {0};
	auto_map struct map seen = {0};
	struct expand_env env = vars_env(s, NULL);
	for (size_t i = 0; i < in->n_words; i++)
		if (expand_words(&env, in->words[i], &specs, e)) {
			e->pos = in->pos;
			return -1;
		}
	for (size_t i = 0; i < specs.n; i++)
		if (expose_one(b, s, in, specs.v[i], &seen, &ports, e))
			return -1;
	if (ports.n)
		qsort(ports.v, ports.n, sizeof(*ports.v), text_cmp);
	auto_buf struct buf text = {0};
	buf_puts(&text, "EXPOSE [");
	words_join(&text, &ports);
	buf_putc(&text, ']');
	history_add(b, s, buf_cstr(&text), -1);
	return 0;
}

int meta_dispatch(struct builder *b, struct stage_state *s, const struct instr *in, struct err *e)
{
	switch (in->kind) {
	case INSTR_ENV:
	case INSTR_LABEL:
		return do_env(b, s, in, e);
	case INSTR_ARG:
		return vars_arg(b, s, in, e);
	case INSTR_CMD:
	case INSTR_ENTRYPOINT:
		return do_command(b, s, in);
	case INSTR_EXPOSE:
		return do_expose(b, s, in, e);
	case INSTR_HEALTHCHECK:
		return do_health(b, s, in);
	case INSTR_MAINTAINER:
		return do_single(b, s, in, &s->config.author, e);
	case INSTR_STOPSIGNAL:
		return do_single(b, s, in, &s->config.stop_signal, e) ||
		                       check_signal(in, s->config.stop_signal, e)
		               ? -1
		               : 0;
	case INSTR_USER:
		return do_single(b, s, in, &s->config.user, e);
	case INSTR_VOLUME:
	case INSTR_SHELL:
		return do_list(b, s, in, e);
	case INSTR_ONBUILD:
		strv_add(&s->config.on_build, in->trigger ? in->trigger->original : in->words[0]);
		return 0;
	default:
		return err_at(
		        e, in->pos, "instruction %s is not allowed here", instr_name(in->kind));
	}
}
