// SPDX-License-Identifier: Apache-2.0
// --attest and its short forms: options in the order given, and what they come to or why not.
#include "attest/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

struct row {
	const char *attests[3], *provenance, *sbom, *want;
};

static const struct row rows[] = {
        {{NULL}, NULL, NULL, ""},
        {{"type=provenance"}, NULL, NULL, "provenance max v1"},
        {{"type=provenance,mode=min,version=v0.2"}, NULL, NULL, "provenance min v0.2"},
        {{"type=provenance,mode=max,builder-id=https://x/1?a=b"}, NULL, NULL,
                "provenance max v1 id=https://x/1?a=b"},
        {{"type=provenance,disabled=true"}, NULL, NULL, ""},
        {{"disabled=false,type=provenance"}, NULL, NULL, "provenance max v1"},
        {{"type=provenance,inline-only=true,reproducible=1,filename=p.json"}, NULL, NULL,
                "provenance max v1 inline reproducible file=p.json"},
        {{"type=sbom", "type=provenance,form=index"}, NULL, NULL, "provenance max v1 sbom index"},
        {{"type=sbom,generator=docker/scanner,any=thing"}, NULL, NULL,
                "sbom generator=docker/scanner"},
        {{NULL}, "true", NULL, "provenance max v1"},
        {{NULL}, "mode=min", "true", "provenance min v1 sbom"},
        {{NULL}, "false", "f", ""},
        {{NULL}, "none", NULL, ""},
        {{NULL}, NULL, "generator=x", "sbom generator=x"},
        // refused
        {{"type=vibes"}, NULL, NULL,
                "invalid attestation \"type=vibes\": type=sbom or type=provenance is expected"},
        {{"mode=max"}, NULL, NULL,
                "invalid attestation \"mode=max\": type=sbom or type=provenance is expected"},
        {{"type=provenance,mode=some"}, NULL, NULL,
                "attestation: mode=some: max or min is expected"},
        {{"type=provenance,version=v2"}, NULL, NULL,
                "attestation: version=v2: v1 or v0.2 is expected"},
        {{"type=provenance,disabled=maybe"}, NULL, NULL,
                "attestation: disabled=maybe: true or false is expected"},
        {{"type=provenance,bare"}, NULL, NULL,
                "invalid attestation option \"bare\": KEY=VALUE is expected"},
        {{"type=provenance,bulder-id=x"}, NULL, NULL,
                "unknown option \"bulder-id\" of a provenance attestation: did you mean "
                "\"builder-id\"?"},
        {{"type=provenance,filename=../x"}, NULL, NULL,
                "attestation: filename=../x: a name without folders is expected"},
        {{"type=provenance", "type=provenance"}, NULL, NULL,
                "an attestation of type provenance is asked for twice"},
        {{"type=provenance"}, "true", NULL, "an attestation of type provenance is asked for twice"},
        {{"type=sbom,form=index", "type=provenance,form=referrers"}, NULL, NULL,
                "attestation: form=referrers: another one is to be form=index; all have one form"},
        {{"type=provenance,\"a"}, NULL, NULL,
                "invalid attestation \"type=provenance,\"a\": misplaced quote"},
};

static int parse(const struct row *r, struct attest_spec *s, struct err *e)
{
	for (size_t i = 0; r->attests[i]; i++)
		if (attest_spec_add(s, r->attests[i], e))
			return -1;
	if (r->provenance && attest_spec_add_short(s, "provenance", r->provenance, e))
		return -1;
	return r->sbom ? attest_spec_add_short(s, "sbom", r->sbom, e) : 0;
}

static void dump(const struct attest_spec *s, struct buf *out)
{
	if (s->provenance)
		buf_printf(out, " provenance %s %s%s%s", s->min ? "min" : "max",
		        s->v02 ? "v0.2" : "v1", s->inline_only ? " inline" : "",
		        s->reproducible ? " reproducible" : "");
	if (s->provenance && s->builder_id)
		buf_printf(out, " id=%s", s->builder_id);
	if (s->provenance && s->file)
		buf_printf(out, " file=%s", s->file);
	if (s->sbom)
		buf_printf(out, " sbom%s%s", s->generator ? " generator=" : "",
		        s->generator ? s->generator : "");
	if (s->as_index)
		buf_puts(out, " index");
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_attest_spec struct attest_spec s = {0};
		auto_buf struct buf out = {0};
		struct err e = ERR_INIT;
		if (parse(&rows[i], &s, &e)) {
			assert_string_equal(e.msg, rows[i].want);
			assert_int_equal(e.kind, ERR_USAGE);
			continue;
		}
		dump(&s, &out);
		assert_string_equal(out.n ? out.p + 1 : "", rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
