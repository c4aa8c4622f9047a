// SPDX-License-Identifier: Apache-2.0
// Every rule of ours: a file it fires for, and one like it for which it is silent.
#include "lint_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
// after the standard headers it needs
#include <cmocka.h>

#include "base/buf.h"
#include "base/glob.h"

// A build context with these files, all of them copied; "tar" is an archive.
static const char *const context_files[] = {".git", ".env", "app.py", "conf/id_rsa", "tar"};

static const char *secret_below(void *arg, const char *path, const struct ignore *excludes)
{
	(void)arg;
	if (excludes && ignore_excludes(excludes, ".env", NULL))
		return NULL;
	if (!*path || !strcmp(path, ".env"))
		return ".env";
	return !strcmp(path, "conf") ? "conf/id_rsa" : NULL;
}

static bool is_copied(void *arg, const char *path)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(context_files); i++)
		if (!strcmp(context_files[i], path))
			return true;
	return false;
}

static bool is_plain(void *arg, const char *path)
{
	return is_copied(arg, path) && strcmp(path, "tar") != 0;
}

static const struct row {
	const char *rule, *fires, *silent;
	int line;
	bool with_context;
} rows[] = {
        {"UnpinnedBase", "FROM debian\n", "FROM debian:12\n", 1},
        {"UnpinnedBase", "FROM debian:latest\n", "FROM scratch\n", 1},
        {"UnpinnedBase", "ARG V=latest\nFROM a:$V\n", "ARG V=1\nFROM a:$V\n", 2},
        {"UnpinnedBase", "FROM a:1\nCOPY --from=b /x /y\n",
                "FROM a:1 AS b\nFROM a:1\nCOPY --from=b /x /y\nCOPY --from=0 /x /y\n", 2},
        {"UnpinnedBase", "FROM host:5000/a\n", "FROM host:5000/a:1\n", 1},
        {"BaseWithoutDigest", "FROM a:1\n",
                "FROM "
                "a:1@sha256:"
                "0123456789012345678901234567890123456789012345678901234567890123\n",
                1},
        {"AptListsLeft", "FROM a:1\nRUN apt-get update && apt-get install -y x\n",
                "FROM a:1\nRUN apt-get update && apt-get install -y x && rm -rf "
                "/var/lib/apt/lists/*\n",
                2},
        {"AptListsLeft", "FROM a:1\nRUN <<E\napt-get update\napt-get install -y x\nE\n",
                "FROM a:1 AS b\nRUN apt-get update && apt-get install -y x\nFROM a:1\n", 2},
        {"AptListsLeft", "FROM a:1 AS b\nRUN apt-get update\nFROM b\n",
                "FROM a:1\nRUN --mount=type=cache,target=/var/lib/apt apt-get update\n", 2},
        {"AptInstallsRecommends", "FROM a:1\nRUN apt-get install -y x\n",
                "FROM a:1\nRUN apt-get install -y --no-install-recommends x\n", 2},
        {"AptUpdateAlone", "FROM a:1\nRUN apt-get update\nRUN apt-get install -y x\n",
                "FROM a:1\nRUN apt-get update && apt-get install -y x\n", 2},
        {"AptForScripts", "FROM a:1\nRUN apt install -y x\n",
                "FROM a:1\nRUN apt-get install -y x\n", 2},
        {"ApkCacheLeft", "FROM a:1\nRUN apk add x\n", "FROM a:1\nRUN apk add --no-cache x\n", 2},
        {"ApkCacheLeft", "FROM a:1\nRUN apk update\n",
                "FROM a:1\nRUN apk update && apk add x && rm -rf /var/cache/apk/*\n", 2},
        {"DnfCacheLeft", "FROM a:1\nRUN dnf install -y x\n",
                "FROM a:1\nRUN dnf install -y x && dnf clean all\n", 2},
        {"DnfCacheLeft", "FROM a:1\nRUN yum -y install x\n",
                "FROM a:1\nRUN yum -y install x && rm -rf /var/cache/yum\n", 2},
        {"PipCacheLeft", "FROM a:1\nRUN pip install x\n",
                "FROM a:1\nRUN pip install --no-cache-dir x\n", 2},
        {"PipCacheLeft", "FROM a:1\nRUN python3 -m pip install x\n",
                "FROM a:1\nENV PIP_NO_CACHE_DIR=1\nRUN pip install x\n", 2},
        {"PipCacheLeft", "FROM a:1\nRUN pip3.11 install -r r.txt\n",
                "FROM a:1\nRUN --mount=type=cache,target=/root/.cache pip3 install x\n", 2},
        {"NpmCacheLeft", "FROM a:1\nRUN npm ci\n",
                "FROM a:1\nRUN npm ci && npm cache clean --force\n", 2},
        {"NpmCacheLeft", "FROM a:1\nRUN yarn\n",
                "FROM a:1\nRUN --mount=type=cache,target=/root/.npm npm ci\n", 2},
        {"DevDependenciesShipped", "FROM a:1\nRUN npm ci\n", "FROM a:1\nRUN npm ci --omit=dev\n",
                2},
        {"DevDependenciesShipped", "FROM a:1\nENV NODE_ENV=\"development\"\nRUN npm ci\n",
                "FROM a:1\nENV NODE_ENV=\"production\"\nRUN npm ci\n", 3},
        {"DevDependenciesShipped", "FROM a:1\nRUN NODE_ENV=dev npm ci\n",
                "FROM a:1\nARG M\nENV NODE_ENV=${M}\nRUN npm ci\n", 2},
        {"DevDependenciesShipped", "FROM a:1\nRUN npm install --no-audit\n",
                "FROM a:1\nRUN npm install pm2 -g && npm install express --no-audit\n", 2},
        {"DevDependenciesShipped", "FROM a:1\nRUN yarn --frozen-lockfile\n",
                "FROM a:1\nRUN yarn --version\n", 2},
        {"NpmCacheLeft", "FROM a:1\nRUN yarn\n", "FROM a:1\nRUN yarn --version && yarn -v\n", 2},
        {"BuildToolsShipped", "FROM host:5000/golang:1\n", "FROM golang:5000/x:1\n", 1},
        {"DevDependenciesShipped", "FROM a:1\nRUN composer install\n",
                "FROM a:1\nENV NODE_ENV=production\nRUN npm ci\n", 2},
        {"DevDependenciesShipped", "FROM a:1\nRUN yarn install --frozen-lockfile\n",
                "FROM a:1\nRUN npm install -g pm2\n", 2},
        {"DevDependenciesShipped", "FROM a:1\nRUN npm install\n",
                "FROM a:1 AS b\nRUN npm ci\nFROM a:1\n", 2},
        {"BuildToolsShipped", "FROM a:1\nRUN apt-get install -y x gcc libpq-dev\n",
                "FROM a:1\nRUN apt-get install -y gcc && make && apt-get purge -y gcc\n", 2},
        {"BuildToolsShipped", "FROM golang:1.22\n", "FROM golang:1.22 AS b\nFROM scratch\n", 1},
        {"BuildToolsShipped", "FROM mcr.example/dotnet/sdk:8\n", "FROM mygolang:1\n", 1},
        {"CopyBeforeInstall", "FROM a:1\nCOPY . .\nRUN npm ci\n",
                "FROM a:1\nCOPY package.json .\nRUN npm ci\nCOPY . .\n", 2},
        {"CopyBeforeInstall", "FROM a:1 AS b\nCOPY . /src\nRUN pip install -r r.txt\nFROM a:1\n",
                "FROM a:1\nCOPY . .\nRUN pip install .\n", 2},
        {"NoIgnoreFile", "FROM a:1\nCOPY . .\n", "FROM a:1\nCOPY app.py .\n", 2, true},
        {"DeletedInLaterLayer", "FROM a:1\nCOPY x.tar /tmp/\nRUN tar x && rm /tmp/x.tar\n",
                "FROM a:1\nRUN curl -o /tmp/x u && tar x && rm /tmp/x\n", 3},
        {"DeletedInLaterLayer", "FROM a:1 AS b\nADD x /opt/\nFROM b\nRUN rm -rf /opt/*\n",
                "FROM a:1\nCOPY x /opt/\nRUN rm -rf /other\n", 4},
        {"DeletedInLaterLayer", "FROM a:1\nRUN apt-get update\nRUN rm -rf /var/lib/apt/lists/*\n",
                "FROM a:1\nRUN apt-get update && rm -rf /var/lib/apt/lists/*\n", 3},
        {"DeletedInLaterLayer", "FROM a:1\nRUN apk add x\nRUN apk del x\n",
                "FROM a:1\nRUN apk add x && apk del x\n", 3},
        {"DeletedInLaterLayer", "FROM a:1\nWORKDIR /app\nCOPY . .\nCOPY big ./\nRUN rm big\n",
                "FROM a:1 AS b\nCOPY x /x\nRUN rm /x\nFROM a:1\n", 5},
        {"ChangedInLaterLayer", "FROM a:1\nCOPY app /app\nRUN chown -R u /app\n",
                "FROM a:1\nCOPY --chown=u app /app\nRUN chown u /var/log\n", 3},
        {"RootUser", "FROM a:1\n", "FROM a:1\nUSER app\n", 1},
        {"RootUser", "FROM a:1\nUSER 0:0\n", "FROM a:1 AS b\nUSER 10\nFROM b\n", 2},
        {"SecretCopied", "FROM a:1\nCOPY .env /app/\n", "FROM a:1\nCOPY .env.example /app/\n", 2},
        {"SecretCopied", "FROM a:1\nCOPY --exclude=.x keys/.env /app/\n",
                "FROM a:1\nCOPY --exclude=.env keys/.env /app/\n", 2},
        {"SecretCopied", "FROM a:1\nCOPY --exclude=.e . /app\n",
                "FROM a:1\nARG A\nCOPY --exclude=.env . /app\nCOPY --exclude=$A . /app\n", 2, true},
        {"GitFolderCopied", "FROM a:1\nCOPY --exclude=x . /app\n",
                "FROM a:1\nCOPY --exclude=.git . /app\n", 2, true},
        {"SecretCopied", "FROM a:1\nADD keys/id_rsa /root/.ssh/\n",
                "FROM a:1 AS b\nCOPY id_rsa /\nFROM a:1\n", 2},
        {"SecretCopied", "FROM a:1\nCOPY . /app\n", "FROM a:1\nCOPY app.py /app/\n", 2, true},
        {"SecretCopied", "FROM a:1\nCOPY conf /c\n", "FROM a:1\nCOPY other /c\n", 2, true},
        {"GitFolderCopied", "FROM a:1\nCOPY ./ /app\n", "FROM a:1\nCOPY app.py /app\n", 2, true},
        {"HeredocWithoutErrexit", "FROM a:1\nRUN <<E\na\nb\nE\n",
                "FROM a:1\nRUN <<E\nset -eux\na\nb\nE\n", 2},
        {"HeredocWithoutErrexit", "FROM a:1\nRUN <<E\na || true\nb\nE\n",
                "FROM a:1\nSHELL [\"/bin/sh\", \"-ec\"]\nRUN <<E\na\nb\nE\nRUN <<E\nonly\nE\n", 2},
        {"HeredocWithoutErrexit", "FROM a:1\nRUN <<-E\n\ta\n\tb\nE\n",
                "FROM a:1\nRUN <<E\n#!/usr/bin/env python\na\nb\nE\n", 2},
        {"PipeWithoutPipefail", "FROM a:1\nRUN curl x | tar xz\n",
                "FROM a:1\nRUN set -o pipefail && curl x | tar xz\n", 2},
        {"PipeWithoutPipefail", "FROM a:1\nRUN wget -qO- x | sh\n",
                "FROM a:1\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN curl x | sh\n",
                2},
        {"RemoteScript", "FROM a:1\nRUN curl x | bash\n", "FROM a:1\nRUN curl x | tar x\n", 2},
        {"AddInsteadOfCopy", "FROM a:1\nADD x /\n", "FROM a:1\nADD x.tar.gz /\n", 2},
        {"AddInsteadOfCopy", "FROM a:1\nADD x /\n", "FROM a:1\nADD me@host:a/b.git#v1 /\n", 2},
        {"AddInsteadOfCopy", "FROM a:1\nADD a b /\n", "FROM a:1\nADD https://x/y /\n", 2},
        {"AddWithoutChecksum", "FROM a:1\nADD https://x/y /\n",
                "FROM a:1\nADD "
                "--checksum=sha256:"
                "0123456789012345678901234567890123456789012345678901234567890123 https://x/y /\n",
                2},
        {"CdInsteadOfWorkdir", "FROM a:1\nRUN cd /x && make\n",
                "FROM a:1\nRUN make && cd /x && (cd /y && z)\n", 2},
        {"SudoUsed", "FROM a:1\nRUN sudo apt-get x\n", "FROM a:1\nRUN echo sudo\n", 2},
        {"WorldWritable", "FROM a:1\nRUN chmod -R 777 /x\n", "FROM a:1\nRUN chmod 755 /x\n", 2},
        {"WorldWritable", "FROM a:1\nCOPY --chmod=777 a /\n", "FROM a:1\nCOPY --chmod=755 a /\n",
                2},
};

static int line_of(const char *text, const char *rule, bool with_context)
{
	auto_lint_report struct lint_report r = {0};
	const struct lint_options o = {.secret_below = with_context ? secret_below : NULL,
	        .is_copied = with_context ? is_copied : NULL,
	        .is_plain = with_context ? is_plain : NULL};
	auto_dockerfile struct dockerfile *d = lint_read(text, strlen(text), &o, &r);
	if (!d)
		fail_msg("%s: does not parse", text);
	for (size_t i = 0; i < r.n; i++)
		if (!strcmp(r.v[i].rule->name, rule))
			return r.v[i].pos.line;
	return 0;
}

static void test_rules(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		int line = line_of(r->fires, r->rule, r->with_context);
		if (line != r->line)
			fail_msg("%s: line %d, expected %d:\n%s", r->rule, line, r->line, r->fires);
		line = line_of(r->silent, r->rule, r->with_context);
		if (line)
			fail_msg("%s: line %d, expected none:\n%s", r->rule, line, r->silent);
	}
}

// Every rule of ours has a row; BuildKit's are known too.
static void test_complete(void **state)
{
	const struct lint_rule *r;
	size_t n = 0;
	for (size_t i = 0; (r = lint_rule_at(i)); i++) {
		bool tested = check_rule_find(r->name) || !strcmp(r->name, "BuildFails");
		for (size_t k = 0; k < ARRAY_LEN(rows) && !tested; k++)
			tested = !strcmp(rows[k].rule, r->name);
		if (!tested)
			fail_msg("%s: no test", r->name);
		assert_ptr_equal(lint_rule_find(r->name), r);
		assert_true(strlen(r->why) > 20 && r->summary[0]);
		n += check_rule_find(r->name) != NULL;
	}
	assert_int_equal(n, n_check_rules);
	assert_null(lint_rule_find("NoSuchRule"));
}

static void test_silenced(void **state)
{
	static const char *const silent[] = {
	        "FROM a:1\n# hew: skip=ApkCacheLeft\nRUN apk add x\n",
	        "FROM a:1\n# hew: skip=Other, ApkCacheLeft  because\n# text\nRUN apk add x\n",
	        "FROM a:1\n# check=skip=ApkCacheLeft\nRUN apk add x\n",
	        "# check=skip=ApkCacheLeft\nFROM a:1\nRUN apk add x\n",
	        "FROM a:1\nRUN apk add x\n# hew: skip-file=ApkCacheLeft\n",
	        "FROM a:1\n# hew: skip=all\nRUN apk add x\n",
	};
	static const char *const loud[] = {
	        "FROM a:1\n# hew: skip=Other\nRUN apk add x\n",
	        "# hew: skip=ApkCacheLeft\nFROM a:1\nRUN apk add x\n",
	        "FROM a:1\n# hew: skip=ApkCacheLeft\n\nRUN apk add x\n",
	        "FROM a:1\n# hew: skip=ApkCacheLeftX\nRUN apk add x\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		if (line_of(silent[i], "ApkCacheLeft", false))
			fail_msg("not silenced:\n%s", silent[i]);
	for (size_t i = 0; i < ARRAY_LEN(loud); i++)
		if (!line_of(loud[i], "ApkCacheLeft", false))
			fail_msg("silenced:\n%s", loud[i]);
}

// BuildKit's warnings are findings like any other.
static void test_buildkit(void **state)
{
	assert_int_equal(line_of("FROM a:1 AS B\n", "StageNameCasing", false), 1);
	assert_int_equal(line_of("FROM a:1\nCMD x\n", "JSONArgsRecommended", false), 2);
	assert_int_equal(line_of("FROM a:1\n# hew: skip=JSONArgsRecommended\nCMD x\n",
	                         "JSONArgsRecommended", false),
	        0);
}

static void test_reports(void **state)
{
	static const char text[] = "FROM a:1\nUSER u\nRUN apk add \\\n  x\n";
	auto_lint_report struct lint_report r = {0};
	auto_buf struct buf out = {0};
	auto_dockerfile struct dockerfile *d = lint_read(text, strlen(text), NULL, &r);
	assert_non_null(d);
	const struct lint_file f = {"a b/Dockerfile", &r};
	assert_int_equal(r.n, 2);
	r.v[1].has_bytes = true;
	r.v[1].bytes = 1234567;
	lint_print_text(&f, 1, &out);
	assert_string_equal(buf_cstr(&out),
	        "a b/Dockerfile:1: info: BaseWithoutDigest: a:1 can come to stand for another "
	        "image: "
	        "only a digest cannot\n"
	        "a b/Dockerfile:3: warning: ApkCacheLeft: apk add leaves its package index in the "
	        "image [1.2 MB] (--fix)\n"
	        "2 findings: 0 errors, 1 warning, 1 info; --fix deals with 1\n"
	        "hew lint --explain RULE says why it matters\n");
	buf_reset(&out);
	lint_print_text(&(const struct lint_file){"a\xc2\x9b\x1b[m", &r}, 1, &out);
	assert_true(str_has_prefix(buf_cstr(&out), "a\\xc2\\x9b\\x1b[m:1: info:"));
	buf_reset(&out);
	lint_print_sarif(&f, 1, "1.0", &out);
	assert_non_null(strstr(buf_cstr(&out), "\"uri\": \"a%20b/Dockerfile\""));
	assert_non_null(strstr(buf_cstr(&out), "\"startLine\": 3,"));
	assert_non_null(strstr(buf_cstr(&out), "\"endLine\": 4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rules),
	        cmocka_unit_test(test_complete),
	        cmocka_unit_test(test_silenced),
	        cmocka_unit_test(test_buildkit),
	        cmocka_unit_test(test_reports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
