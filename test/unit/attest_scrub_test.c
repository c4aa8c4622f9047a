// SPDX-License-Identifier: Apache-2.0
// What of a text may be shown: each row a text and what is left of it.
#include "attest/scrub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void test_text(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
	        {"", ""},
	        {"RUN echo hello world", "RUN echo hello world"},
	        // what is known
	        {"RUN echo hunter2-canary > /x", "RUN echo *** > /x"},
	        {"hunter2-canaryhunter2-canary", "******"},
	        {"true story", "true story"}, // the value of a secret that says nothing
	        // what is known, with a part that has a form of its own; and one that ends in it
	        {"x pw=hunter2-canary&pass=b more", "x pw=***&pass=*** more"},
	        {"RUN tool k-token=zzzz of-it;rest end", "RUN tool *** end"},
	        {"x ghp_0123456789abcdefover-canary y", "x *** y"},
	        // what is assigned to a name that says so
	        {"ENV API_TOKEN=abc OTHER=abc", "ENV API_TOKEN=*** OTHER=abc"},
	        {"ARG DB_PASSWORD=\"a b c\" X=1", "ARG DB_PASSWORD=*** X=1"},
	        {"tool --password='a b' --user=me", "tool --password=*** --user=me"},
	        {"tool --api-key=xyz;next more", "tool --api-key=*** more"},
	        {"token=\"open end\nnext", "token=***\nnext"},
	        {"ARG DB_PASSWORD=S3cret&moreofit;rest(x) X=1", "ARG DB_PASSWORD=*** X=1"},
	        {"ARG B_PASSWORD=abc'def ghi'jkl X=1", "ARG B_PASSWORD=*** X=1"},
	        {"ARG C_PASSWORD=my\\ hunter2secret X=1", "ARG C_PASSWORD=*** X=1"},
	        {"# escape=`\nARG C_PASSWORD=my` hunter2secret X",
	                "# escape=`\nARG C_PASSWORD=*** X"},
	        {"ARG D_PASSWORD=\"a 'b\"c' d' X=1", "ARG D_PASSWORD=*** X=1"},
	        {"ARG E_PASSWORD=\"a \\\" b\" X=1", "ARG E_PASSWORD=*** X=1"},
	        {"# don't\nARG F_PASSWORD=abc'd e' X=1", "# don't\nARG F_PASSWORD=*** X=1"},
	        {"ARG G_PASSWORD=${X:-abc} X=1", "ARG G_PASSWORD=*** X=1"},
	        {"ARG H_PASSWORD=$X-abc X=1", "ARG H_PASSWORD=*** X=1"},
	        {"login --password=${PW} --user=me", "login --password=${PW} --user=me"},
	        // in a quote that was open before it
	        {"-H \"token=abc\" -o \"x y\"", "-H \"token=*** -o \"x y\""},
	        {"sh -c \"tool --token='a b' x\" y", "sh -c \"tool --token=*** x\" y"},
	        {"sh -c \"tool --token=it's x\" y", "sh -c \"tool --token=*** y"},
	        {"ARG NPM_TOKEN", "ARG NPM_TOKEN"},
	        {"curl --token=$TOKEN", "curl --token=$TOKEN"}, // a name is no value
	        {"login --password=\"$PW\"", "login --password=\"$PW\""},
	        {"PUBLIC_KEY=abc KEY_FILE=/x", "PUBLIC_KEY=abc KEY_FILE=/x"},
	        {"--mount=type=secret,id=token,target=/t",
	                "--mount=type=secret,id=token,target=/t"},
	        {"https://h/f?X-Amz-Signature=00ff&v=1", "https://h/f?X-Amz-Signature=***"},
	        {"https://h/f?sig=a%2Bb&se=1", "https://h/f?sig=***"},
	        // credentials in URLs
	        {"git clone https://me:pw@host/r.git", "git clone https://***host/r.git"},
	        {"https://a:b@c@host/", "https://***host/"},
	        {"https://host/@scope/pkg", "https://host/@scope/pkg"},
	        {"ftp://host", "ftp://host"},
	        {"://", "://"},
	        // what looks like a token
	        {"x ghp_0123456789abcdefghij y", "x *** y"},
	        {"-H 'Authorization: Bearer abcdef0123456789'", "-H 'Authorization: Bearer ***'"},
	        {"Bearer of news", "Bearer of news"},
	        {"AKIAIOSFODNN7EXAMPLE", "***"},
	        {"weighp_0123456789abcdefghij", "weighp_0123456789abcdefghij"},
	        {"a\n-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\nb",
	                "a\n***-----END RSA PRIVATE KEY-----\nb"},
	        {"-----BEGIN CERTIFICATE-----\nAAAA\n", "-----BEGIN CERTIFICATE-----\nAAAA\n"},
	        {"-----BEGIN PRIVATE KEY-----\nAAAA", "***"},
	};
	struct scrub s = {0};
	(void)state;
	scrub_hide(&s, "hunter2-canary", 14);
	scrub_hide(&s, "k-token=zzzz of-it;rest", 23);
	scrub_hide(&s, "cdefover-canary\nsecond line", 27);
	scrub_hide(&s, "true", 4);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *got = scrub_text(&s, rows[i].text, strlen(rows[i].text));
		assert_string_equal(got, rows[i].want);
	}
}

static void test_value(void **state)
{
	static const struct {
		const char *name, *value, *want;
	} rows[] = {
	        {"GREETING", "hello", "hello"},
	        {"API_TOKEN", "x", "***"},
	        {"API_TOKEN", "", ""},
	        {"com.example.password", "x", "***"},
	        {"HTTP_PROXY", "http://u:p@proxy:3128", "http://***proxy:3128"},
	};
	const struct scrub s = {0};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *got = scrub_value(&s, rows[i].name, rows[i].value);
		assert_string_equal(got, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_text),
	        cmocka_unit_test(test_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
