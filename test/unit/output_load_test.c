// SPDX-License-Identifier: Apache-2.0
// Loading what was saved, and refusing what lies.
#include "output_fixture.h"

#include <zlib.h>

static void load_into(const char *store, const char *archive, struct digest *ret)
{
	auto_store struct store *t = other_store(store);
	auto_strv struct strv loaded = {0};
	struct image_row row = {0};
	size_t findings = 0;
	OK(output_load(t, archive, &loaded, e));
	assert_int_equal(loaded.n, 1);
	assert_string_equal(loaded.v[0], "two:1");
	OK(store_image_find(t, "docker.io/library/two:1", &row, e));
	*ret = row.manifest;
	image_row_release(&row);
	OK(store_check(t, true, NULL, &findings, e));
	assert_int_equal(findings, 0);
}

static void test_round_trip(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2], got;
	struct output_request q = two_layers(s, &names, layers);
	static const char *const types[] = {"type=oci", "type=docker",
	        "type=docker,compression=uncompressed", "type=oci,compression=zstd",
	        "type=oci,oci-mediatypes=false", "type=oci,tar=false"};
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		auto_free char *file = xasprintf("%s/f%zu", fixture_root, i),
		               *store = xasprintf("s%zu", i);
		struct descriptor d = run_spec(&q, types[i], file);
		load_into(store, file, &got);
		assert_true(digest_eq(&got, &d.digest));
		descriptor_release(&d);
	}
}

static void test_save(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2], got, both[2];
	struct output_request q = two_layers(s, &names, layers);
	auto_free char *a = beside("a"), *b = beside("b");
	char first[] = "docker.io/library/two:1", second[] = "docker.io/library/two:2";
	char *list[] = {first, second};
	both[0] = both[1] = q.manifest;
	OK(output_save(&q, both, list, 1, a, e));
	load_into("s", a, &got);
	assert_true(digest_eq(&got, &q.manifest));
	OK(output_save(&q, both, list, 2, b, e));
	auto_store struct store *t = other_store("t");
	auto_strv struct strv loaded = {0};
	OK(output_load(t, b, &loaded, e));
	assert_int_equal(loaded.n, 2);
	assert_string_equal(loaded.v[1], "two:2");
}

// ---- archives made by hand

struct member {
	const char *path;
	const char *text; // "@layer", "@cut": the layer's tar, its first half; "->x": a link to x
};

struct parts {
	struct buf layer;
	char diff[HASH_HEX], config_hex[HASH_HEX], manifest_hex[HASH_HEX];
	struct buf config, manifest;
};

static void expand(const struct parts *p, const char *text, struct buf *out)
{
	for (const char *s = text; *s; s++) {
		if (*s != '%') {
			buf_putc(out, *s);
			continue;
		}
		switch (*++s) {
		case 'D':
			buf_puts(out, p->diff);
			break;
		case 'C':
			buf_puts(out, p->config_hex);
			break;
		case 'M':
			buf_puts(out, p->manifest_hex);
			break;
		case 'c':
			buf_printf(out, "%zu", p->config.n);
			break;
		case 'm':
			buf_printf(out, "%zu", p->manifest.n);
			break;
		case 'l':
			buf_printf(out, "%zu", p->layer.n);
			break;
		default:
			fail_msg("unknown token");
		}
	}
}

#define CONFIG                                                                          \
	"{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\"," \
	"\"diff_ids\":[\"sha256:%D\"]}}"
#define MANIFEST                                                                              \
	"{\"schemaVersion\":2,\"mediaType\":\"" MT_OCI_MANIFEST                               \
	"\",\"config\":{\"mediaType\":\"" MT_OCI_CONFIG                                       \
	"\",\"digest\":\"sha256:%C\",\"size\":%c},\"layers\":[{\"mediaType\":\"" MT_OCI_LAYER \
	"\",\"digest\":\"sha256:%D\",\"size\":%l}]}"
#define INDEX                                                                   \
	"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MT_OCI_MANIFEST \
	"\",\"digest\":\"sha256:%M\",\"size\":%m,\"annotations\":{"             \
	"\"org.opencontainers.image.ref.name\":\"x:1\"}}]}"
#define LIST "[{\"Config\":\"%C.json\",\"RepoTags\":[\"x:1\"],\"Layers\":[\"l/layer.tar\"]}]"

static void hex_of(const struct buf *b, char out[static HASH_HEX])
{
	struct digest d = digest_of(b->p, b->n);
	digest_hex(&d, out);
}

static void make_parts(struct store *s, struct parts *p)
{
	struct digest d;
	OK(fixture_layer(s, "hello", &d, e));
	digest_hex(&d, p->diff);
	OK(store_blob_read(s, &d, 1 << 20, &p->layer, e));
	expand(p, CONFIG, &p->config);
	hex_of(&p->config, p->config_hex);
	expand(p, MANIFEST, &p->manifest);
	hex_of(&p->manifest, p->manifest_hex);
}

static void member_text(const struct parts *p, const char *text, struct buf *ret)
{
	if (!strcmp(text, "@layer"))
		buf_add(ret, p->layer.p, p->layer.n);
	else if (!strcmp(text, "@cut"))
		buf_add(ret, p->layer.p, p->layer.n / 2);
	else
		expand(p, text, ret);
}

// POSIX's ustar, written here: the layer writer refuses the names that some of these must have.
static void put_member(
        struct buf *out, const char *name, char type, const char *link, struct buf *body)
{
	char h[512] = {0};
	unsigned sum = 0;
	snprintf(h, 100, "%s", name);
	snprintf(h + 100, 8, "%07o", 0644u);
	snprintf(h + 108, 8, "%07o", 0u);
	snprintf(h + 116, 8, "%07o", 0u);
	snprintf(h + 124, 12, "%011zo", body->n);
	snprintf(h + 136, 12, "%011o", 0u);
	memset(h + 148, ' ', 8);
	h[156] = type;
	snprintf(h + 157, 100, "%s", link);
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	buf_add(out, h, sizeof(h));
	while (body->n % 512)
		buf_putc(body, '\0');
	buf_add(out, body->p, body->n);
}

static void write_archive(
        const struct parts *p, const struct member *members, size_t n, const char *path)
{
	static const char end[1024];
	auto_fd int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	auto_buf struct buf tar = {0};
	for (size_t i = 0; i < n && members[i].path; i++) {
		auto_buf struct buf name = {0}, body = {0};
		expand(p, members[i].path, &name);
		if (!strncmp(members[i].text, "->", 2)) {
			put_member(&tar, name.p, '2', members[i].text + 2, &body);
			continue;
		}
		member_text(p, members[i].text, &body);
		put_member(&tar, name.p, '0', "", &body);
	}
	buf_add(&tar, end, sizeof(end));
	OK(fs_write_all(fd, tar.p, tar.n, e));
}

#define BLOB "blobs/sha256/"
#define OCI_DOCUMENTS                                 \
	{"index.json", INDEX}, {BLOB "%M", MANIFEST}, \
	{                                             \
		BLOB "%C", CONFIG                     \
	}

static const struct {
	const char *name;
	struct member members[6];
	enum err_kind want; // ERR_NONE: loads
} rows[] = {
        {"docker", {{"manifest.json", LIST}, {"%C.json", CONFIG}, {"l/layer.tar", "@layer"}},
                ERR_NONE},
        {"docker, layer behind a link",
                {{"manifest.json", LIST}, {"%C.json", CONFIG}, {"m/layer.tar", "@layer"},
                        {"l/layer.tar", "->../m/layer.tar"}},
                ERR_NONE},
        {"docker, dots before the names",
                {{"./manifest.json", LIST}, {"./%C.json", CONFIG}, {"./l/layer.tar", "@layer"}},
                ERR_NONE},
        {"oci", {OCI_DOCUMENTS, {BLOB "%D", "@layer"}}, ERR_NONE},
        {"nothing", {{"hello", "x"}}, ERR_CORRUPT},
        {"empty list", {{"manifest.json", "[]"}}, ERR_NOT_FOUND},
        {"no list", {{"manifest.json", "{}"}}, ERR_CORRUPT},
        {"no JSON", {{"manifest.json", "["}}, ERR_CORRUPT},
        {"list of nothing", {{"manifest.json", "[1]"}}, ERR_CORRUPT},
        {"config missing", {{"manifest.json", LIST}, {"l/layer.tar", "@layer"}}, ERR_CORRUPT},
        {"layer missing", {{"manifest.json", LIST}, {"%C.json", CONFIG}}, ERR_CORRUPT},
        {"config under another's digest",
                {{"manifest.json", LIST}, {"%C.json", CONFIG " "}, {"l/layer.tar", "@layer"}},
                ERR_CORRUPT},
        {"another layer", {{"manifest.json", LIST}, {"%C.json", CONFIG}, {"l/layer.tar", "hello"}},
                ERR_CORRUPT},
        {"half a layer", {{"manifest.json", LIST}, {"%C.json", CONFIG}, {"l/layer.tar", "@cut"}},
                ERR_CORRUPT},
        {"more layers than in the config",
                {{"manifest.json", "[{\"Config\":\"%C.json\",\"Layers\":[\"l\",\"l\"]}]"},
                        {"%C.json", CONFIG}, {"l", "@layer"}},
                ERR_CORRUPT},
        {"layer is no string",
                {{"manifest.json", "[{\"Config\":\"%C.json\",\"Layers\":[1]}]"},
                        {"%C.json", CONFIG}},
                ERR_CORRUPT},
        {"config on the host",
                {{"manifest.json",
                        "[{\"Config\":\"../../../../../../etc/passwd\",\"Layers\":[]}]"}},
                ERR_CORRUPT},
        {"link to the host",
                {{"manifest.json", LIST}, {"%C.json", "->/etc/passwd"}, {"l/layer.tar", "@layer"}},
                ERR_CORRUPT},
        {"link to itself", {{"manifest.json", "->manifest.json"}}, ERR_CORRUPT},
        {"bad tag",
                {{"manifest.json",
                         "[{\"Config\":\"%C.json\",\"RepoTags\":[\"X Y\"],\"Layers\":[\"l\"]}]"},
                        {"%C.json", CONFIG}, {"l", "@layer"}},
                ERR_USAGE},
        {"oci, layer missing", {OCI_DOCUMENTS}, ERR_CORRUPT},
        {"oci, another layer", {OCI_DOCUMENTS, {BLOB "%D", "hello"}}, ERR_CORRUPT},
        {"oci, another config",
                {{"index.json", INDEX}, {BLOB "%M", MANIFEST}, {BLOB "%C", "{}"},
                        {BLOB "%D", "@layer"}},
                ERR_CORRUPT},
        {"oci, another manifest",
                {{"index.json", INDEX}, {BLOB "%M", MANIFEST " "}, {BLOB "%C", CONFIG},
                        {BLOB "%D", "@layer"}},
                ERR_CORRUPT},
        {"oci, manifest missing", {{"index.json", INDEX}}, ERR_CORRUPT},
        {"oci, empty index", {{"index.json", "{\"schemaVersion\":2,\"manifests\":[]}"}},
                ERR_NOT_FOUND},
        {"oci, an index that is itself",
                {{"index.json", "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MT_OCI_INDEX
                                "\",\"digest\":\"sha256:%C\",\"size\":%c}]}"},
                        {BLOB "%C", CONFIG}},
                ERR_UNSUPPORTED},
};

static void parts_release(struct parts *p)
{
	buf_release(&p->layer);
	buf_release(&p->config);
	buf_release(&p->manifest);
}

static void test_by_hand(void **state)
{
	auto_store struct store *s = fixture_open();
	struct parts p = {0};
	auto_free char *path = beside("archive");
	make_parts(s, &p);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = ERR_INIT;
		struct image_list images = {0};
		auto_strv struct strv loaded = {0};
		auto_free char *name = xasprintf("s%zu", i);
		auto_store struct store *t = other_store(name);
		write_archive(&p, rows[i].members, ARRAY_LEN(rows[i].members), path);
		int rc = output_load(t, path, &loaded, &err);
		if ((rc ? err.kind : ERR_NONE) != rows[i].want)
			fail_msg("%s: kind %d: %s", rows[i].name, err.kind, err.msg);
		OK(store_image_list(t, &images, e));
		assert_int_equal(images.n, rows[i].want == ERR_NONE);
		assert_int_equal(loaded.n, rows[i].want == ERR_NONE);
		image_list_release(&images);
	}
	parts_release(&p);
}

static void gzip_file(const char *from, const char *to, size_t cut)
{
	auto_buf struct buf text = {0};
	slurp(from, &text);
	gzFile z = gzopen(to, "wb1");
	assert_non_null(z);
	assert_int_equal(gzwrite(z, text.p, (unsigned)text.n), (int)text.n);
	gzclose(z);
	struct stat st;
	assert_int_equal(stat(to, &st), 0);
	if (cut)
		assert_int_equal(truncate(to, st.st_size - (off_t)cut), 0);
}

static void test_compressed(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0};
	struct digest layers[2], got;
	struct err err = ERR_INIT;
	auto_strv struct strv loaded = {0};
	struct output_request q = two_layers(s, &names, layers);
	auto_free char *a = beside("a"), *z = beside("z");
	struct descriptor d = run_spec(&q, "type=docker", a);
	gzip_file(a, z, 0);
	load_into("s", z, &got);
	assert_true(digest_eq(&got, &d.digest));
	gzip_file(a, z, 200);
	auto_store struct store *t = other_store("t");
	assert_int_equal(output_load(t, z, &loaded, &err), -1);
	assert_int_equal(err.kind, ERR_CORRUPT);
	descriptor_release(&d);
}

// An image that says of a layer which is here that it is in a blob which is here too, but is not.
static void test_false_blob(void **state)
{
	auto_store struct store *s = fixture_open();
	auto_strv struct strv names = {0}, loaded = {0};
	struct parts p = {0};
	struct digest layers[2], other;
	struct layer_blob b;
	struct err err = ERR_INIT;
	auto_free char *good = beside("good"), *path = beside("bad");
	struct output_request q = two_layers(s, &names, layers);
	struct descriptor d = run_spec(&q, "type=docker", good); // gzip blobs of both are here
	make_parts(s, &p);
	assert_int_equal(store_layer_blob(s, &layers[0], NULL, &b, &err), 1);
	other = b.digest;
	char hex[HASH_HEX];
	digest_hex(&other, hex);
	buf_reset(&p.manifest);
	auto_free char *manifest =
	        xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" MT_OCI_MANIFEST
	                  "\",\"config\":{\"mediaType\":\"" MT_OCI_CONFIG
	                  "\",\"digest\":\"sha256:%s\",\"size\":%zu},\"layers\":[{\"mediaType\":"
	                  "\"" MT_OCI_LAYER_GZIP "\",\"digest\":\"sha256:%s\",\"size\":%llu}]}",
	                p.config_hex, p.config.n, hex, (unsigned long long)b.size);
	buf_puts(&p.manifest, manifest);
	hex_of(&p.manifest, p.manifest_hex);
	auto_buf struct buf blob = {0};
	OK(store_blob_read(s, &other, 1 << 20, &blob, e));
	buf_release(&p.layer);
	p.layer = blob;
	blob = (struct buf){0};
	auto_free char *blob_path = xasprintf(BLOB "%s", hex);
	const struct member members[] = {{"index.json", INDEX}, {BLOB "%M", manifest},
	        {BLOB "%C", CONFIG}, {blob_path, "@layer"}};
	write_archive(&p, members, ARRAY_LEN(members), path);
	assert_int_equal(output_load(s, path, &loaded, &err), -1);
	assert_int_equal(err.kind, ERR_CORRUPT);
	assert_int_equal(loaded.n, 0);
	descriptor_release(&d);
	parts_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        SETUP(test_round_trip),
	        SETUP(test_save),
	        SETUP(test_by_hand),
	        SETUP(test_compressed),
	        SETUP(test_false_blob),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
