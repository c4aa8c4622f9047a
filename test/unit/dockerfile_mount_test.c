// SPDX-License-Identifier: Apache-2.0
// RUN --mount: keys, defaults, mistakes, and variables that are known only later.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "dockerfile/dockerfile.h"
#include "dockerfile/expand.h"

static void put(struct buf *b, const char *key, const char *value)
{
	if (value)
		buf_printf(b, " %s=%s", key, value);
}

static void put_number(struct buf *b, const char *key, int64_t value)
{
	if (value >= 0)
		buf_printf(b, " %s=%lld", key, (long long)value);
}

static void dump(struct buf *b, const struct mount_spec *m)
{
	static const char *const types[] = {"bind", "cache", "tmpfs", "secret", "ssh"};
	static const char *const sharing[] = {"", " private", " locked"};
	buf_printf(b, "%s %s%s%s%s", types[m->type], m->read_only ? "ro" : "rw",
	        m->read_only_set ? "!" : "", m->required ? " required" : "", sharing[m->sharing]);
	put(b, "target", m->target);
	put(b, "source", m->source);
	put(b, "from", m->from);
	put(b, "id", m->id);
	put(b, "env", m->env);
	put_number(b, "size", m->size);
	put_number(b, "mode", m->mode);
	put_number(b, "uid", m->uid);
	put_number(b, "gid", m->gid);
}

static struct dockerfile *parse(const char *mount, struct err *e)
{
	auto_free char *text = xasprintf("FROM a\nRUN --mount=%s x\n", mount);
	return dockerfile_parse(text, strlen(text), "Dockerfile", e);
}

struct row {
	const char *input, *want;
};

static void test_mounts(void **state)
{
	static const struct row rows[] = {
	        {"target=/a", "bind ro target=/a"},
	        {"type=bind,dst=/a,src=b,from=c,rw", "bind rw! target=/a source=b from=c"},
	        {"TYPE=Cache,Destination=/a,id=x,sharing=LOCKED,mode=0755,uid=1,gid=2",
	                "cache rw locked target=/a id=x mode=493 uid=1 gid=2"},
	        {"type=cache,target=/a,ro", "cache ro! target=/a"},
	        {"type=cache,target=/a,readonly=false", "cache rw! target=/a"},
	        {"type=cache,target=/a,readwrite=0,sharing=private", "cache ro! private target=/a"},
	        {"type=tmpfs,target=/a,size=64m", "tmpfs rw target=/a size=67108864"},
	        {"type=tmpfs,target=/a,size=1.5KiB", "tmpfs rw target=/a size=1536"},
	        {"type=secret,id=a,required,mode=440", "secret ro required id=a mode=288"},
	        {"type=secret,id=a,env=TOKEN", "secret ro id=a env=TOKEN"},
	        {"type=secret,target=/t,required=false", "secret ro target=/t"},
	        {"type=ssh", "ssh ro"},
	        {"type=ssh,required=1,id=", "ssh ro required"},
	        {"'\"target=/a,b\"',type=bind", "bind ro target=/a,b"},
	        {"'target=/a,source=\"',x", NULL},
	        {"target=/$a,source=${b:-c}", "bind ro target=/$a source=${b:-c}"},
	        {"target=/a=b", "bind ro target=/a=b"},
	        {"from=a$,target=/x", "bind ro target=/x from=a$"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_dockerfile struct dockerfile *d = parse(rows[i].input, &e);
		if (!d && rows[i].want)
			fail_msg("%s: %s", rows[i].input, e.msg);
		if (!d)
			continue;
		auto_buf struct buf b = {0};
		dump(&b, &d->stages[0].instrs[0]->mounts[0]);
		assert_string_equal(buf_cstr(&b), rows[i].want);
	}
}

static void test_errors(void **state)
{
	static const struct row rows[] = {
	        {"type=bnd,target=/a", "unsupported mount type \"bnd\" (did you mean bind?)"},
	        {"tgt=/a", "unexpected key 'tgt' in 'tgt=/a'"},
	        {"targt=/a", "unexpected key 'targt' in 'targt=/a' (did you mean target?)"},
	        {"target", "invalid field 'target' must be a key=value pair"},
	        {"target=/a,", "invalid field '' must be a key=value pair"},
	        {"", "failed to parse csv mounts"},
	        {"'a\"b'", "failed to parse csv mounts: bare \" in non-quoted-field"},
	        {"'\"a'", "failed to parse csv mounts: extraneous or missing \""},
	        {"from=$x,target=/a",
	                "'from' doesn't support variable expansion, define alias stage"},
	        {"target=/a,required", "unexpected key 'required' for mount type 'bind'"},
	        {"required,type=secret,id=a", "unexpected key 'required' for mount type 'bind'"},
	        {"target=/a,size=1", "unexpected key 'size' for mount type 'bind'"},
	        {"type=tmpfs,size=x", "invalid value for size: x"},
	        {"target=/a,mode=7", "mode not allowed for \"bind\" type mounts"},
	        {"type=tmpfs,target=/a,uid=7", "uid not allowed for \"tmpfs\" type mounts"},
	        {"target=/a,gid=7", "gid not allowed for \"bind\" type mounts"},
	        {"type=cache,target=/a,mode=8", "invalid value 8 for mode"},
	        {"type=cache,target=/a,uid=-1", "invalid value -1 for uid"},
	        {"type=cache,target=/a,gid=4294967296", "invalid value 4294967296 for gid"},
	        {"type=cache,target=/a,ro=maybe", "invalid value for ro: maybe"},
	        {"type=cache,target=/a,sharing=lock", "unsupported sharing value \"lock\""},
	        {"target=/a,sharing=locked", "invalid cache sharing set for bind mount"},
	        {"target=/a,env=X", "unexpected key 'env' for mount type 'bind'"},
	        {"type=secret", "invalid secret mount. one of source, target required"},
	        {"type=secret,id=a,source=b", "both source and id can't be set"},
	        {"type=secret,id=a,from=b", "secret mount should not have a from"},
	        {"type=secret,id=a,sharing=shared", "secret mount should not define sharing"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_dockerfile struct dockerfile *d = parse(rows[i].input, &e);
		if (d || !strstr(e.msg, rows[i].want) || e.pos.line != 2)
			fail_msg("%s: got '%s', want '%s'", rows[i].input, e.msg, rows[i].want);
	}
}

static void test_variables(void **state)
{
	static const struct row rows[] = {
	        {"type=$T,target=/$D,id=${I}x,sharing=$S", "cache rw locked target=/dir id=idx"},
	        {"type=$T,'\"target=/a b\"',mode=$M", "cache rw target=/a b mode=493"},
	        {"type=tmpfs,target=/x,size=$Z", "tmpfs rw target=/x size=1024"},
	        {"type=$T,target=/x,ro=$NO", "cache rw! target=/x"},
	        {"type=$NOPE", "!unsupported mount type \"\""},
	        {"type=$D", "!unsupported mount type \"dir\""},
	        {"'target=${D:?}/${Q:?no q}'", "!failed to process \"${D:?}/${Q:?no q}\": Q: no q"},
	        {"type=$T,target=/x,required", "!unexpected key 'required' for mount type 'cache'"},
	};
	auto_strv struct strv vars = {0};
	static const char *const set[] = {
	        "T=Cache", "D=dir", "I=id", "S=locked", "M=755", "Z=1k", "NO=false"};
	for (size_t i = 0; i < ARRAY_LEN(set); i++) {
		auto_free char *key = xstrdup(set[i]);
		*strchr(key, '=') = '\0';
		strv_env_set(&vars, key, strchr(set[i], '=') + 1);
	}
	struct expand_env env = {.get = expand_get_strv, .arg = &vars, .escape = '\\'};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_arena struct arena a = {0};
		auto_buf struct buf b = {0};
		auto_dockerfile struct dockerfile *d = parse(rows[i].input, &e);
		if (!d)
			fail_msg("%s: %s", rows[i].input, e.msg);
		struct mount_spec m;
		if (dockerfile_expand_mount(&a, &d->stages[0].instrs[0]->mounts[0], &env, &m, &e) <
		        0)
			buf_printf(&b, "!%s", e.msg);
		else
			dump(&b, &m);
		if (strcmp(buf_cstr(&b), rows[i].want) != 0)
			fail_msg("%s: got '%s', want '%s'", rows[i].input, buf_cstr(&b),
			        rows[i].want);
	}
}

static void test_devices(void **state)
{
	static const struct row rows[] = {
	        {"vendor/class=name", NULL},
	        {"*", NULL},
	        {"name=a/b=c,required=true", NULL},
	        {"a/b=c,required", NULL},
	        {"a,b", "invalid field 'b' must be a key=value pair"},
	        {"a,name=b", "device name already set"},
	        {"a,x=y", "unexpected key in 'x=y'"},
	        {"a,required=x", "invalid value for required: x"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		auto_free char *text = xasprintf("FROM a\nRUN --device=%s x\n", rows[i].input);
		auto_dockerfile struct dockerfile *d =
		        dockerfile_parse(text, strlen(text), NULL, &e);
		if (!d != !!rows[i].want || (!d && !strstr(e.msg, rows[i].want)))
			fail_msg("%s: got '%s', want '%s'", rows[i].input, e.msg,
			        rows[i].want ? rows[i].want : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_mounts),
	        cmocka_unit_test(test_errors),
	        cmocka_unit_test(test_variables),
	        cmocka_unit_test(test_devices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
