// SPDX-License-Identifier: Apache-2.0
#include "cmd/words.h"

#include "base/err.h"
#include "base/mem.h"
#include "sandbox/network.h"
#include <string.h>

int format_is_json(const char *format, struct err *e)
{
	if (!format || !strcmp(format, "table"))
		return 0;
	if (!strcmp(format, "json"))
		return 1;
	return err_set(e, ERR_USAGE, "unknown format \"%s\": table or json", format);
}

int network_of(const char *word, enum net_mode *ret, struct err *e)
{
	for (int m = NET_DEFAULT; word && m <= NET_PASTA; m++) {
		if (strcmp(word, net_mode_name((enum net_mode)m)) != 0)
			continue;
		auto_free char *program = m == NET_PASTA ? network_pasta_path() : NULL;
		if (m == NET_PASTA && !program)
			return err_set(e, ERR_SANDBOX,
			        "--network pasta: pasta is not installed: install the package "
			        "passt, or leave the option out");
		*ret = (enum net_mode)m;
		return 0;
	}
	return word ? err_set(e, ERR_USAGE, "invalid network \"%s\": host, none, pasta or default",
	                      word)
	            : 0;
}

int need_args(const struct strv *args, size_t least, size_t most, const char *usage, struct err *e)
{
	if (args->n >= least && args->n <= most)
		return 0;
	return err_set(e, ERR_USAGE, "%s argument: usage: hew %s",
	        args->n < least ? "missing" : "unexpected", usage);
}
