// SPDX-License-Identifier: Apache-2.0
#include "cmd/build_flags.h"

#include "base/err.h"
#include "base/mem.h"
#include "cmd/words.h"
#include "dockerfile/dockerfile.h"
#include "exec/build.h"
#include "output/output.h"
#include "sandbox/step.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

void build_flags_release(struct build_flags *f)
{
	strv_release(&f->hosts);
	strv_release(&f->ulimits);
	strv_release(&f->allow);
	strv_release(&f->resources);
	strv_release(&f->attests);
	strv_release(&f->annotations);
}

static void note(const char *option, const char *value, const char *why)
{
	fprintf(stderr, "hew: --%s %s: %s\n", option, value, why);
}

// ---- --add-host

static bool is_address(const char *text)
{
	unsigned char out[sizeof(struct in6_addr)];
	return inet_pton(AF_INET, text, out) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

static bool is_host_name(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == '#')
			return false;
	return *text != '\0';
}

// NAME:IP or NAME=IP; an IPv6 address may stand in brackets. "host-gateway" is this machine: on its
// own network, where steps are, that is the loopback address.
static int take_host(const char *spec, struct build_request *r, struct err *e)
{
	const char *sep = strchr(spec, '=');
	if (!sep)
		sep = strchr(spec, ':');
	auto_free char *name = sep ? xstrndup(spec, (size_t)(sep - spec)) : NULL;
	auto_free char *ip = xstrdup(sep ? sep + 1 : "");
	size_t n = strlen(ip);
	if (n > 2 && ip[0] == '[' && ip[n - 1] == ']') {
		memmove(ip, ip + 1, n - 2);
		ip[n - 2] = '\0';
	}
	bool gateway = !strcmp(ip, "host-gateway");
	if (!name || !is_host_name(name) || !(gateway || is_address(ip)))
		return err_set(e, ERR_USAGE,
		        "invalid --add-host \"%s\": NAME:IP is expected, with an IPv4 or IPv6 "
		        "address or host-gateway",
		        spec);
	if (gateway && r->network == NET_PASTA)
		return err_set(e, ERR_USAGE,
		        "--add-host %s: with --network pasta nothing of this machine can be "
		        "reached",
		        spec);
	strv_addf(&r->hosts, "%s\t%s", gateway ? "127.0.0.1" : ip, name);
	return 0;
}

// ---- --ulimit

// NAME=SOFT[:HARD], -1 for no limit
static int take_ulimit(const char *spec, struct build_request *r, struct err *e)
{
	const char *eq = strchr(spec, '=');
	auto_free char *name = xstrndup(spec, eq ? (size_t)(eq - spec) : strlen(spec));
	if (!step_ulimit_is_known(name))
		return err_set(e, ERR_USAGE, "invalid --ulimit \"%s\": there is no limit \"%s\"",
		        spec, name);
	const char *colon = eq ? strchr(eq + 1, ':') : NULL;
	auto_free char *first = xstrndup(eq ? eq + 1 : "", colon ? (size_t)(colon - eq - 1)
	                                                   : eq  ? strlen(eq + 1)
	                                                         : 0);
	int64_t soft, hard;
	if (!str_to_i64(first, &soft) || !str_to_i64(colon ? colon + 1 : first, &hard) ||
	        soft < -1 || hard < -1)
		return err_set(e, ERR_USAGE,
		        "invalid --ulimit \"%s\": NAME=SOFT[:HARD] is expected, with numbers or -1",
		        spec);
	if (hard >= 0 && (soft < 0 || soft > hard))
		return err_set(e, ERR_USAGE,
		        "invalid --ulimit \"%s\": the soft limit is above the hard limit", spec);
	r->ulimits = xreallocarray(r->ulimits, r->n_ulimits + 1, sizeof(*r->ulimits));
	r->ulimits[r->n_ulimits++] = (struct build_ulimit){steal_ptr(&name), soft, hard};
	return 0;
}

// ---- --shm-size, --allow

static int take_shm_size(const char *text, struct build_request *r, struct err *e)
{
	int64_t size = 0;
	if (text && (!value_size(text, &size) || size < 0)) // 0: as if it were not given
		return err_set(e, ERR_USAGE,
		        "invalid --shm-size \"%s\": bytes, or a number with k, m or g", text);
	r->shm_size = (uint64_t)size;
	return 0;
}

static int take_entitlement(const char *word, struct build_request *r, struct err *e)
{
	static const char *const words[] = {
	        "network.host", "security.insecure", "device", "buildx.local.delete"};
	size_t n = strcspn(word, "=");
	if (!strcmp(word, words[0]))
		r->allow_network_host = true;
	else if (!strcmp(word, words[1]))
		r->allow_insecure = true;
	else if (n == strlen(words[2]) && !strncmp(word, words[2], n))
		note("allow", word, "no devices are given to steps");
	else if (strcmp(word, words[3]) != 0)
		return err_set(e, ERR_USAGE,
		        "invalid --allow \"%s\": network.host or security.insecure", word);
	return 0;
}

// Some join the words of several with commas.
static void split_allow(struct build_flags *f)
{
	struct strv words = {0};
	for (size_t i = 0; i < f->allow.n; i++)
		strv_split(&words, f->allow.v[i], ',');
	strv_release(&f->allow);
	f->allow = words;
}

// ---- all

static int each(const struct strv *v, struct build_request *r,
        int (*take)(const char *, struct build_request *, struct err *), struct err *e)
{
	for (size_t i = 0; i < v->n; i++)
		if (take(v->v[i], r, e))
			return -1;
	return 0;
}

// The command is words, not a line for a shell: there may be none.
static int take_on_error(const char *spec, struct build_request *r, struct err *e)
{
	auto_strv struct strv words = {0};
	if (strcmp(spec, "shell") != 0 && !str_has_prefix(spec, "shell="))
		return err_set(e, ERR_USAGE,
		        "invalid --on-error \"%s\": shell or shell=COMMAND is expected", spec);
	r->shell_on_error = true;
	strv_split(&words, strchr(spec, '=') ? strchr(spec, '=') + 1 : "", ' ');
	for (size_t i = 0; i < words.n; i++)
		if (*words.v[i])
			strv_add(&r->shell, words.v[i]);
	return 0;
}

int build_flags_take(struct build_flags *f, struct build_request *r, struct err *e)
{
	if (f->print)
		return err_set(
		        e, ERR_USAGE, "--print %s is called --call %s now", f->print, f->print);
	split_allow(f);
	if (network_of(f->network, &r->network, e) || take_shm_size(f->shm_size, r, e) ||
	        each(&f->hosts, r, take_host, e) || each(&f->ulimits, r, take_ulimit, e) ||
	        each(&f->allow, r, take_entitlement, e) ||
	        build_limits_take(&f->limits, &f->resources, &r->cgroup, e))
		return -1;
	if (f->on_error && take_on_error(f->on_error, r, e))
		return -1;
	return 0;
}
