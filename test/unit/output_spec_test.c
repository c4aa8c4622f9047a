// SPDX-License-Identifier: Apache-2.0
// The value of --output as buildx reads it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "output/output.h"
#include <string.h>

static char *show(const struct output_spec *o)
{
	static const char *const types[] = {
	        "image", "registry", "oci", "docker", "local", "tar", "cacheonly"};
	struct buf b = {0};
	char recipe[RECIPE_TEXT] = "-";
	if (o->has_recipe)
		recipe_text(&o->recipe, recipe);
	buf_printf(&b, "%s %s", types[o->type], o->dest ? o->dest : "NULL");
	if (o->tar)
		buf_puts(&b, " tar");
	if (o->push)
		buf_puts(&b, " push");
	if (o->push_by_digest)
		buf_puts(&b, " by-digest");
	if (o->uncompressed)
		buf_puts(&b, " uncompressed");
	if (o->has_recipe)
		buf_printf(&b, " %s", recipe);
	if (o->force)
		buf_puts(&b, " force");
	if (o->docker_types)
		buf_puts(&b, " docker-types");
	if (o->has_split)
		buf_puts(&b, o->split ? " split" : " together");
	const struct {
		bool on;
		const char *name;
	} flags[] = {{o->estargz, "estargz"}, {o->load, "load"}, {o->insecure, "insecure"},
	        {o->canonical, "canonical"}, {o->dangling_empty_only, "empty-only"},
	        {o->delete, "delete"}, {o->prefer_nondist, "nondist"},
	        {o->rewrite_times, "rewrite"}, {o->squash == SQUASH_ALL, "all"},
	        {o->squash == SQUASH_FROM_BASE, "from-base"}, {o->epoch_given, "own-epoch"},
	        {o->has_epoch, "epoch"}};
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].on)
			buf_printf(&b, " %s", flags[i].name);
	if (o->context || o->dangling)
		buf_printf(&b, " %s", o->context ? o->context : o->dangling);
	for (size_t i = 0; i < o->names.n; i++)
		buf_printf(&b, " name:%s", o->names.v[i]);
	for (size_t i = 0; i < o->annotations.n; i++)
		buf_printf(&b, " annotation%d:%s", o->annotations.v[i].level,
		        o->annotations.v[i].text);
	return buf_steal(&b);
}

static const struct {
	const char *name, *input, *want;
} good[] = {
        {"folder", "out", "local out tar"},
        {"folder with a path", "./a/b c", "local ./a/b c tar"},
        {"standard output", "-", "tar - tar"},
        {"a lone dest is a folder", "dest=x", "local dest=x tar"},
        {"oci", "type=oci,dest=x.tar", "oci x.tar tar"},
        {"oci to standard output", "type=oci", "oci - tar"},
        {"oci folder", "type=oci,tar=false,dest=d", "oci d"},
        {"docker", "type=docker,dest=d.tar", "docker d.tar tar"},
        {"docker without dest is load", "type=docker", "docker NULL tar load"},
        {"into a context", "type=docker,context=there", "docker NULL tar load there"},
        {"estargz", "type=oci,compression=estargz,compression-level=0",
                "oci - tar gzip-libdeflate0-4m estargz"},
        {"squash", "type=image,squash=all", "image NULL tar all"},
        {"squash above the base", "type=oci,squash=from-base", "oci - tar from-base"},
        {"insecure", "type=registry,registry.insecure=true", "registry NULL tar push insecure"},
        {"other names", "type=image,dangling-name-prefix=x,danging-name-empty-only=1",
                "image NULL tar empty-only x"},
        {"delete", "type=local,dest=x,mode=delete", "local x tar delete"},
        {"nondist", "type=image,prefer-nondist-layers=true", "image NULL tar nondist"},
        {"times", "type=oci,rewrite-timestamp=true,source-date-epoch=5",
                "oci - tar rewrite own-epoch epoch"},
        {"no time", "type=oci,source-date-epoch=", "oci - tar own-epoch"},
        {"registry", "type=registry", "registry NULL tar push"},
        {"names in quotes", "type=image,\"name=a,b:1\",push=true",
                "image NULL tar push name:docker.io/library/a:latest "
                "name:docker.io/library/b:1"},
        {"doubled quote", "type=local,\"dest=a\"\"b\"", "local a\"b tar"},
        {"value with =", "type=local,dest=a=b", "local a=b tar"},
        {"key in capitals", "TYPE=tar,Dest=x", "tar x tar"},
        {"zstd", "type=image,compression=zstd", "image NULL tar zstd-3-4m"},
        {"zstd level", "type=image,compression=zstd,compression-level=19",
                "image NULL tar zstd-19-4m"},
        {"zstd level 0 is the default", "type=image,compression=zstd,compression-level=0",
                "image NULL tar zstd-3-4m"},
        {"gzip level", "type=image,compression-level=9", "image NULL tar gzip-libdeflate9-4m"},
        {"gzip", "type=image,compression=gzip", "image NULL tar gzip-libdeflate6-4m"},
        {"uncompressed", "type=oci,compression=uncompressed", "oci - tar uncompressed"},
        {"force", "type=oci,force-compression=1", "oci - tar force"},
        {"docker types", "type=oci,oci-mediatypes=false", "oci - tar docker-types"},
        {"push by digest",
                "type=image,push=true,push-by-digest=true,name-canonical=true,name=h.io/x",
                "image NULL tar push by-digest canonical name:h.io/x:latest"},
        {"annotation", "type=oci,annotation.org.X=1,annotation-index-descriptor.b=",
                "oci - tar annotation0:org.X=1 annotation3:b="},
        {"ignored", "type=image,store=true,unpack=false", "image NULL tar"},
        {"together", "type=local,dest=x,platform-split=false", "local x tar together"},
        {"split", "type=tar,dest=x,platform-split=true", "tar x tar split"},
        {"known and off", "type=image,prefer-nondist-layers=false", "image NULL tar"},
        {"cacheonly", "type=cacheonly", "cacheonly NULL tar"},
};

static void test_good(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err e = ERR_INIT;
		struct output_spec o = {0};
		if (output_spec_parse(good[i].input, &o, &e))
			fail_msg("%s: %s", good[i].name, e.msg);
		auto_free char *got = show(&o);
		if (strcmp(got, good[i].want))
			fail_msg("%s: got '%s', want '%s'", good[i].name, got, good[i].want);
		output_spec_release(&o);
	}
}

static const struct {
	const char *name, *input;
	enum err_kind want;
	const char *says;
} bad[] = {
        {"empty", "", ERR_USAGE, "empty"},
        {"no type", "dest=x,name=y", ERR_USAGE, "no type="},
        {"misspelt type", "type=regisrty", ERR_USAGE, "did you mean \"registry\"?"},
        {"misspelt key", "type=oci,dst=x", ERR_USAGE, "did you mean \"dest\"?"},
        {"no value", "type=oci,dest", ERR_USAGE, "KEY=VALUE"},
        {"open quote", "type=oci,\"dest=x", ERR_USAGE, "quote"},
        {"quote inside", "type=oci,dest=a\"b", ERR_USAGE, "quote"},
        {"text after a quote", "type=oci,\"dest=a\"b", ERR_USAGE, "quote"},
        {"not a bool", "type=image,push=yes", ERR_USAGE, "true or false"},
        {"bad name", "type=image,name=UPPER", ERR_USAGE, "UPPER"},
        {"local without dest", "type=local", ERR_USAGE, "dest=FOLDER"},
        {"local to standard output", "type=local,dest=-", ERR_USAGE, "dest=FOLDER"},
        {"folder to standard output", "type=oci,tar=false", ERR_USAGE, "dest=FOLDER"},
        {"tar of local", "type=local,dest=x,tar=true", ERR_USAGE, "tar="},
        {"push of oci", "type=oci,push=true", ERR_USAGE, "push="},
        {"gzip level", "type=oci,compression-level=10", ERR_USAGE, "0 to 9"},
        {"zstd level", "type=oci,compression=zstd,compression-level=23", ERR_USAGE, "0 to 22"},
        {"level no number", "type=oci,compression-level=x", ERR_USAGE, "not a number"},
        {"zstd and docker", "type=oci,compression=zstd,oci-mediatypes=false", ERR_USAGE,
                "do not go together"},
        {"annotations and docker", "type=oci,annotation.a=b,oci-mediatypes=false", ERR_USAGE,
                "do not go together"},
        {"estargz level", "type=oci,compression=estargz,compression-level=10", ERR_USAGE,
                "0 to 9 for estargz"},
        {"estargz with docker's types", "type=oci,compression=estargz,oci-mediatypes=false",
                ERR_USAGE, "do not go together"},
        {"unknown compression", "type=oci,compression=gzipp", ERR_USAGE, "\"gzip\"?"},
        {"no level", "type=oci,annotation-layer.a=b", ERR_USAGE, "manifest-descriptor"},
        {"context of an archive", "type=docker,dest=x,context=y", ERR_USAGE, "context="},
        {"squash", "type=image,squash=yes", ERR_USAGE, "from-base"},
        {"epoch", "type=oci,source-date-epoch=-1", ERR_USAGE, "seconds"},
        {"mode", "type=local,dest=x,mode=move", ERR_USAGE, "copy or delete"},
        {"delete elsewhere", "type=oci,dest=x,mode=delete", ERR_USAGE, "type=local"},
};

static void test_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = ERR_INIT;
		struct output_spec o = {0};
		if (!output_spec_parse(bad[i].input, &o, &e))
			fail_msg("%s: accepted", bad[i].name);
		if (e.kind != bad[i].want || !strstr(e.msg, bad[i].says))
			fail_msg("%s: kind %d, '%s'", bad[i].name, e.kind, e.msg);
		assert_null(o.dest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_good),
	        cmocka_unit_test(test_bad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
