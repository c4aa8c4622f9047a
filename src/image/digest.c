// SPDX-License-Identifier: Apache-2.0
// Digests in text form: "sha256:" and 64 lower-case hex digits, nothing else. The grammar of the
// OCI image specification (descriptor.md, Digests) allows more algorithms; they are named in the
// refusal.
#include "image/digest.h"
#include "base/buf.h"
#include "base/err.h"
#include <string.h>

#define PREFIX "sha256:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

int digest_parse(const char *s, struct digest *ret, struct err *e)
{
	if (!s || !*s)
		return err_set(
		        e, ERR_CORRUPT, "digest is missing, expected 'sha256:<64 hex digits>'");
	if (str_has_prefix(s, PREFIX)) {
		struct digest d;
		if (!hash_parse(s + PREFIX_LEN, &d.h))
			return err_set(e, ERR_CORRUPT,
			        "digest '%.90s' is not 'sha256:' and 64 lower-case hex digits", s);
		*ret = d;
		return 0;
	}
	size_t algorithm = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+._-");
	if (algorithm > 0 && algorithm <= 32 && s[algorithm] == ':')
		return err_set(e, ERR_UNSUPPORTED,
		        "digest '%.90s' uses %.*s, only sha256 is supported", s, (int)algorithm, s);
	return err_set(
	        e, ERR_CORRUPT, "'%.90s' is not a digest, expected 'sha256:<64 hex digits>'", s);
}

void digest_text(const struct digest *d, char out[static DIGEST_TEXT])
{
	memcpy(out, PREFIX, PREFIX_LEN);
	hash_hex(&d->h, out + PREFIX_LEN);
}

void digest_hex(const struct digest *d, char out[static HASH_HEX])
{
	hash_hex(&d->h, out);
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
	return hash_eq(&a->h, &b->h);
}

bool digest_is_zero(const struct digest *d)
{
	return hash_is_zero(&d->h);
}

struct digest digest_of(const void *p, size_t n)
{
	return (struct digest){hash_bytes(p, n)};
}
