// SPDX-License-Identifier: Apache-2.0
// The tar format: numbers, names, pax records, hostile headers, and our own headers read back.
#include "layer_fixture.h"

#include "layer/tar-int.h"
#include <stdio.h>

// --- archives made by hand ---------------------------------------------------------------------

struct memory_input {
	struct tar_input in; // first
	const uint8_t *p;
	size_t n, step;
};

static int memory_fill(struct tar_input *in, struct err *e)
{
	struct memory_input *m = (struct memory_input *)in;
	size_t n = m->n < m->step ? m->n : m->step;
	in->p = m->p;
	in->n = n;
	m->p += n;
	m->n -= n;
	return 0;
}

static void seal(struct tar_raw_header *h)
{
	memset(h->chksum, ' ', 8);
	unsigned sum = 0;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += ((unsigned char *)h)[i];
	snprintf(h->chksum, 8, "%06o", sum);
}

#define SET(field, text) memcpy((field), (text), sizeof(text) - 1)

static struct tar_raw_header blank(char typeflag, const char *name)
{
	struct tar_raw_header h = {.typeflag = typeflag};
	memcpy(h.name, name, strnlen(name, 100));
	SET(h.mode, "0000644");
	SET(h.uid, "0000000");
	SET(h.gid, "0000000");
	SET(h.size, "00000000000");
	SET(h.mtime, "00000000017");
	memcpy(h.magic, "ustar\00000", 8);
	return h;
}

static void add_header(struct buf *b, struct tar_raw_header *h)
{
	seal(h);
	buf_add(b, h, TAR_BLOCK);
}

static void add_body(struct buf *b, const void *p, size_t n)
{
	static const char zero[TAR_BLOCK];
	buf_add(b, p, n);
	buf_add(b, zero, -n & (TAR_BLOCK - 1));
}

static void add_member(struct buf *b, char typeflag, const char *name, const void *body, size_t n)
{
	struct tar_raw_header h = blank(typeflag, name);
	snprintf(h.size, sizeof(h.size), "%011o", (unsigned)n);
	add_header(b, &h);
	if (n > 0)
		add_body(b, body, n);
}

static void add_end(struct buf *b)
{
	static const char zero[2 * TAR_BLOCK];
	buf_add(b, zero, sizeof(zero));
}

// Reads all members; their data too. rc of the last next.
static int read_all(const struct buf *b, size_t step, struct buf *out, struct err *e)
{
	struct memory_input m = {
	        .in.fill = memory_fill, .p = (uint8_t *)b->p, .n = b->n, .step = step};
	auto_tar_reader struct tar_reader *r = tar_reader_new(&m.in);
	struct tar_member mem;
	int rc;
	while ((rc = tar_reader_next(r, &mem, e)) == 1) {
		if (mem.hard_link)
			mem.en.type = ENTRY_FILE;
		dump_entry(out, &mem.en);
		const uint8_t *p;
		size_t n;
		bool first = true;
		do {
			if (tar_reader_data(r, &p, &n, e) != 0)
				return -1;
			if (n > 0)
				buf_printf(
				        out, "%s%.*s", first ? "=" : "", (int)n, (const char *)p);
			first = false;
		} while (n > 0);
	}
	return rc;
}

static void expect(const char *name, const struct buf *b, const char *want)
{
	static const size_t steps[] = {1, 7, 512, 4096, 1 << 20};
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct err e = ERR_INIT;
		auto_buf struct buf got = {0};
		int rc = read_all(b, steps[i], &got, &e);
		if (rc < 0)
			buf_printf(&got, "%s!%s", got.n ? ";" : "", err_code(&e));
		if (strcmp(buf_cstr(&got), want) != 0)
			fail_msg("%s (step %zu): got '%s' (%s), want '%s'", name, steps[i],
			        buf_cstr(&got), e.msg, want);
	}
}

static void test_ends(void **state)
{
	auto_buf struct buf b = {0};
	expect("empty", &b, "");
	add_member(&b, '0', "a", "xy", 2);
	expect("no end blocks", &b, "f a 2=xy");
	static const char zero[TAR_BLOCK];
	buf_add(&b, zero, TAR_BLOCK);
	expect("one zero block", &b, "f a 2=xy");
	buf_add(&b, zero, TAR_BLOCK);
	expect("two zero blocks", &b, "f a 2=xy");
	buf_puts(&b, "anything may follow");
	expect("after the end", &b, "f a 2=xy");
	b.n = TAR_BLOCK + 1;
	expect("cut in the data", &b, "f a 2=x;!corrupt");
	b.n = TAR_BLOCK + 2;
	expect("cut in the padding", &b, "f a 2=xy");
	b.n = 100;
	expect("cut in a header", &b, "!corrupt");
	buf_reset(&b);
	add_member(&b, '0', "a", "", 0);
	buf_add(&b, zero, TAR_BLOCK);
	add_member(&b, '0', "b", "", 0);
	expect("more after one zero block", &b, "f a 0;!corrupt");
	buf_reset(&b);
	add_member(&b, 'x', "p", "11 path=abc\n", 12);
	add_end(&b);
	expect("pax header of nothing", &b, "!corrupt");
}

static void test_types(void **state)
{
	static const struct {
		char flag;
		const char *name, *want;
	} rows[] = {{'0', "a", "f a 0"}, {'\0', "a", "f a 0"}, {'7', "a", "f a 0"},
	        {'5', "a", "d a 644"}, {'0', "a/", "d a/ 644"}, {'\0', "a/", "d a/ 644"},
	        {'3', "a", "c a"}, {'4', "a", "b a"}, {'6', "a", "p a"}, {'2', "a", "!corrupt"},
	        {'1', "a", "!corrupt"}, {'S', "a", "!corrupt"}, {'M', "a", "!unsupported"},
	        {'Z', "a", "!unsupported"}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf b = {0};
		add_member(&b, rows[i].flag, rows[i].name, "", 0);
		expect(rows[i].want, &b, rows[i].want);
	}
	// A directory or link has no data, whatever its size says.
	auto_buf struct buf b = {0};
	struct tar_raw_header h = blank('5', "d");
	SET(h.size, "00000007777");
	add_header(&b, &h);
	h = blank('1', "l");
	SET(h.size, "00000007777");
	SET(h.linkname, "target");
	add_header(&b, &h);
	add_member(&b, '0', "f", "x", 1);
	expect("sizes of what has none", &b, "d d 644;h l target;f f 1=x");
}

static void test_numbers(void **state)
{
	static const struct {
		const char *name, *field; // of the size, 12 bytes
		const char *want;
	} rows[] = {
	        {"plain", "00000000001\0", "f a 1=x"},
	        {"blanks before", "          1 ", "f a 1=x"},
	        {"no terminator", "000000000001", "f a 1=x"},
	        {"empty", "\0\0\0\0\0\0\0\0\0\0\0\0", "f a 0;!corrupt"},
	        {"not octal", "00000000008\0", "!corrupt"},
	        {"minus", "-0000000001\0", "!corrupt"},
	        {"base-256", "\x80\0\0\0\0\0\0\0\0\0\0\x01", "f a 1=x"},
	        {"base-256 negative", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	                "!corrupt"},
	        {"base-256 too large", "\x80\x01\0\0\0\0\0\0\0\0\0\0", "!corrupt"},
	        {"base-256 64 bit", "\x80\0\0\0\x80\0\0\0\0\0\0\0", "!corrupt"},
	        {"huge", "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", "!corrupt"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf b = {0};
		struct tar_raw_header h = blank('0', "a");
		memcpy(h.size, rows[i].field, 12);
		add_header(&b, &h);
		add_body(&b, "x", 1);
		expect(rows[i].name, &b, rows[i].want);
	}
}

static void test_checksum(void **state)
{
	auto_buf struct buf b = {0};
	add_member(&b, '0', "a", "", 0);
	b.p[0]++;
	expect("wrong", &b, "!corrupt");
	// Sums of signed bytes, as some old writers made them.
	buf_reset(&b);
	struct tar_raw_header h = blank('0', "\xc3\xa4");
	memset(h.chksum, ' ', 8);
	int sum = 0;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += ((signed char *)&h)[i];
	snprintf(h.chksum, 8, "%06o", (unsigned)sum);
	buf_add(&b, &h, TAR_BLOCK);
	expect("signed", &b, "f \xc3\xa4 0");
}

static void test_pax(void **state)
{
	static const struct {
		const char *name, *records, *want;
	} rows[] = {
	        {"path", "10 path=b\n", "f b 1=x"},
	        {"last wins", "10 path=b\n10 path=c\n", "f c 1=x"},
	        {"empty is not said", "10 path=b\n8 path=\n", "f a 1=x"},
	        {"unknown keyword", "12 comment=\n", "f a 1=x"},
	        {"size", "10 size=1\n", "f a 1=x"},
	        {"value with =", "14 path=b=c=d\n", "f b=c=d 1=x"},
	        {"value with newline", "13 path=b\nc\n\n", "f b\nc\n 1=x"},
	        {"no newline", "10 path=bb", "!corrupt"},
	        {"too long", "11 path=b\n", "!corrupt"},
	        {"too short", "8 path=b\n", "!corrupt"},
	        {"zero", "0 path=b\n", "!corrupt"},
	        {"huge", "99999999999999999999 path=b\n", "!corrupt"},
	        {"no length", "path=b\n", "!corrupt"},
	        {"no equals", "9 pathbb\n", "!corrupt"},
	        {"no keyword", "6 =bb\n", "!corrupt"},
	        {"negative size", "11 size=-1\n", "!corrupt"},
	        {"size is a word", "11 size=1x\n", "!corrupt"},
	        {"size overflows", "29 size=99999999999999999999\n", "!corrupt"},
	        {"uid -1", "18 uid=4294967295\n", "!corrupt"},
	        {"time", "20 mtime=1234567.89\n", "f a 1=x"},
	        {"bad time", "11 mtime=x\n", "!corrupt"},
	        {"sparse", "22 GNU.sparse.major=1\n", "!corrupt"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_buf struct buf b = {0};
		add_member(&b, 'x', "pax", rows[i].records, strlen(rows[i].records));
		add_member(&b, '0', "a", "x", 1);
		expect(rows[i].name, &b, rows[i].want);
	}
	// A global header is checked but, as in Go, says nothing about members.
	auto_buf struct buf b = {0};
	add_member(&b, 'g', "pax_global_header", "10 path=b\n", 10);
	add_member(&b, '0', "a", "x", 1);
	expect("global", &b, "f a 1=x");
	buf_reset(&b);
	add_member(&b, 'g', "pax_global_header", "10 path=bb", 10);
	expect("bad global", &b, "!corrupt");
	buf_reset(&b);
	add_member(&b, 'x', "pax", "12 path=b\0c\n", 12);
	expect("NUL in a path", &b, "!corrupt");
	struct tar_raw_header h = blank('x', "pax");
	SET(h.size, "00004000001"); // one more than 1 MiB
	buf_reset(&b);
	add_header(&b, &h);
	expect("too much", &b, "!corrupt");
}

static void test_pax_values(void **state)
{
	struct pax x;
	struct err e = ERR_INIT;
	char times[][24] = {
	        "12 mtime=17\n", "15 mtime=1.025\n", "15 mtime=-1.25\n", "13 mtime=-3\n"};
	static const struct {
		int64_t sec;
		uint32_t nsec;
	} want[] = {{17, 0}, {1, 25000000}, {-2, 750000000}, {-3, 0}};
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		char record[40];
		int n = snprintf(record, sizeof(record), "%zu%s", strlen(times[i]), times[i] + 2);
		MUST(pax_parse(record, (size_t)n, &x, &e), e);
		assert_int_equal(x.mtime_sec, want[i].sec);
		assert_int_equal(x.mtime_nsec, want[i].nsec);
	}
	char attr[] = "30 SCHILY.xattr.user.a=a\0=\n\xff"
	              "z\n";
	MUST(pax_parse(attr, 30, &x, &e), e);
	assert_int_equal(x.n_xattrs, 1);
	assert_string_equal(x.xattrs[0].name, "user.a");
	assert_int_equal(x.xattrs[0].size, 6);
	assert_memory_equal(x.xattrs[0].value,
	        "a\0=\n\xff"
	        "z",
	        6);
}

static void test_names(void **state)
{
	auto_buf struct buf b = {0};
	char longname[300];
	memset(longname, 'n', sizeof(longname));
	longname[299] = '\0';
	auto_free char *want = xasprintf("f %s 1=x", longname);
	add_member(&b, 'L', "././@LongLink", longname, 300);
	add_member(&b, '0', "nnn", "x", 1);
	expect("GNU long name", &b, want);
	buf_reset(&b);
	add_member(&b, 'K', "././@LongLink", longname, 300);
	add_member(&b, '2', "a", "", 0);
	auto_free char *want_link = xasprintf("s a %s", longname);
	expect("GNU long link", &b, want_link);
	buf_reset(&b);
	struct tar_raw_header h = blank('0', "name");
	SET(h.prefix, "some/prefix");
	add_header(&b, &h);
	expect("prefix", &b, "f some/prefix/name 0");
	memcpy(h.magic, "ustar  \0", 8);
	buf_reset(&b);
	add_header(&b, &h);
	expect("GNU has no prefix", &b, "f name 0");
	memset(h.magic, 0, 8);
	buf_reset(&b);
	add_header(&b, &h);
	expect("V7 has no prefix", &b, "f name 0");
	h = blank('L', "x");
	SET(h.size, "77777777777");
	buf_reset(&b);
	add_header(&b, &h);
	expect("8 GiB name", &b, "!corrupt");
}

// --- our headers, read back --------------------------------------------------------------------

static void round_trip(const char *name, const struct entry *en, bool pax)
{
	struct err e = ERR_INIT;
	auto_buf struct buf b = {0};
	if (tar_put_header(&b, en, &e) != 0)
		fail_msg("%s: %s", name, e.msg);
	if ((b.n > TAR_BLOCK) != pax)
		fail_msg("%s: %zu bytes", name, b.n);
	struct memory_input m = {
	        .in.fill = memory_fill, .p = (uint8_t *)b.p, .n = b.n, .step = 4096};
	auto_tar_reader struct tar_reader *r = tar_reader_new(&m.in);
	struct tar_member got;
	if (tar_reader_next(r, &got, &e) != 1)
		fail_msg("%s: %s", name, e.msg);
	auto_free char *clean = fs_clean_rel(got.en.path);
	if (strcmp(clean, en->path) != 0)
		fail_msg("%s: path '%s'", name, clean);
	if (got.en.type != en->type || got.en.mode != en->mode || got.en.uid != en->uid ||
	        got.en.gid != en->gid || got.en.mtime_sec != en->mtime_sec ||
	        got.en.mtime_nsec != en->mtime_nsec || got.en.dev_major != en->dev_major ||
	        got.en.dev_minor != en->dev_minor || got.en.n_xattrs != en->n_xattrs)
		fail_msg("%s: attributes", name);
	if (en->type == ENTRY_FILE && !en->link && got.en.size != en->size)
		fail_msg("%s: size", name);
	if (en->link && strcmp(got.en.link, en->link) != 0)
		fail_msg("%s: link", name);
	for (uint32_t i = 0; i < en->n_xattrs; i++) {
		assert_string_equal(got.en.xattrs[i].name, en->xattrs[i].name);
		assert_int_equal(got.en.xattrs[i].size, en->xattrs[i].size);
		assert_memory_equal(
		        got.en.xattrs[i].value, en->xattrs[i].value, en->xattrs[i].size);
	}
}

static char *path_of(size_t dir, size_t base)
{
	struct buf b = {0};
	while (b.n < dir)
		buf_putc(&b, 'd');
	if (dir > 0)
		buf_putc(&b, '/');
	for (size_t i = 0; i < base; i++)
		buf_putc(&b, 'b');
	return buf_steal(&b);
}

static void test_round_trip(void **state)
{
	static const struct {
		size_t dir, base;
		enum entry_type type;
		bool pax;
	} paths[] = {{0, 1, ENTRY_FILE, false}, {0, 100, ENTRY_FILE, false},
	        {0, 101, ENTRY_FILE, true}, {0, 99, ENTRY_DIR, false}, {0, 100, ENTRY_DIR, true},
	        {155, 100, ENTRY_FILE, false}, {155, 101, ENTRY_FILE, true},
	        {156, 99, ENTRY_FILE, true}, {156, 100, ENTRY_FILE, true},
	        {155, 99, ENTRY_DIR, false}, {155, 100, ENTRY_DIR, true},
	        {1, 100, ENTRY_FILE, false}, {4000, 200, ENTRY_FILE, true},
	        {99, 1, ENTRY_FILE, false}, {98, 1, ENTRY_FILE, false}};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		auto_free char *path = path_of(paths[i].dir, paths[i].base);
		auto_free char *name = xasprintf("path %zu/%zu", paths[i].dir, paths[i].base);
		struct entry en = {.path = path, .type = paths[i].type, .mode = 0644};
		round_trip(name, &en, paths[i].pax);
	}
	auto_free char *l100 = path_of(0, 100), *l101 = path_of(0, 101);
	struct xattr attrs[] = {
	        {"security.capability", "\1\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20},
	        {"user.a", "", 0}, {"user.b", "\n=\0", 3}};
	static char big[60000];
	struct xattr large[] = {{"user.big", big, sizeof(big)}};
	const struct {
		const char *name;
		struct entry en;
		bool pax;
	} rows[] = {
	        {"all bits", {.path = "a", .type = ENTRY_FILE, .mode = 07777}, false},
	        {"nanoseconds",
	                {.path = "a", .type = ENTRY_FILE, .mtime_sec = 5, .mtime_nsec = 120000000},
	                true},
	        {"before 1970", {.path = "a", .type = ENTRY_FILE, .mtime_sec = -1}, true},
	        {"just before 1970",
	                {.path = "a", .type = ENTRY_FILE, .mtime_sec = -1, .mtime_nsec = 999999999},
	                true},
	        {"negative fraction",
	                {.path = "a", .type = ENTRY_FILE, .mtime_sec = -7, .mtime_nsec = 1}, true},
	        {"last octal time", {.path = "a", .type = ENTRY_FILE, .mtime_sec = 077777777777},
	                false},
	        {"after it", {.path = "a", .type = ENTRY_FILE, .mtime_sec = 0100000000000}, true},
	        {"last octal id",
	                {.path = "a", .type = ENTRY_FILE, .uid = 07777777, .gid = 07777777}, false},
	        {"large ids",
	                {.path = "a", .type = ENTRY_FILE, .uid = 010000000, .gid = 4294967294u},
	                true},
	        {"last octal size", {.path = "a", .type = ENTRY_FILE, .size = 077777777777}, false},
	        {"large size", {.path = "a", .type = ENTRY_FILE, .size = 0100000000000}, true},
	        {"symlink", {.path = "a", .type = ENTRY_SYMLINK, .link = "/b/../c"}, false},
	        {"link of 100", {.path = "a", .type = ENTRY_SYMLINK, .link = l100}, false},
	        {"link of 101", {.path = "a", .type = ENTRY_SYMLINK, .link = l101}, true},
	        {"hard link", {.path = "a", .type = ENTRY_FILE, .link = "b", .size = 7}, false},
	        {"device",
	                {.path = "a", .type = ENTRY_BLOCK, .dev_major = 4095, .dev_minor = 1048575},
	                false},
	        {"fifo", {.path = "a", .type = ENTRY_FIFO}, false},
	        {"attributes", {.path = "a", .type = ENTRY_DIR, .xattrs = attrs, .n_xattrs = 3},
	                true},
	        {"large attribute",
	                {.path = "a", .type = ENTRY_DIR, .xattrs = large, .n_xattrs = 1}, true},
	        {"root", {.path = "", .type = ENTRY_DIR, .mode = 0755}, false},
	        {"not ASCII", {.path = "\xc3\xa4\xff", .type = ENTRY_FILE}, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		round_trip(rows[i].name, &rows[i].en, rows[i].pax);
}

static void test_refused(void **state)
{
	struct err e = ERR_INIT;
	auto_buf struct buf b = {0};
	struct xattr x[] = {{"user.a=b", "1", 1}};
	struct entry en = {.path = "a", .type = ENTRY_FILE, .xattrs = x, .n_xattrs = 1};
	assert_int_equal(tar_put_header(&b, &en, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	en = (struct entry){.path = "a", .type = ENTRY_CHAR, .dev_major = 010000000};
	assert_int_equal(tar_put_header(&b, &en, &e), -1);
}

// Record lengths count themselves: 9 to 10 and 99 to 100 bytes.
static void test_pax_lengths(void **state)
{
	for (size_t n = 101; n < 130; n++) {
		auto_free char *link = path_of(0, n);
		struct entry en = {.path = "a", .type = ENTRY_SYMLINK, .link = link};
		round_trip("pax length", &en, true);
	}
	static char value[1200];
	memset(value, 'v', sizeof(value));
	for (uint32_t n = 0; n < 1100; n++) {
		struct xattr x[] = {{"user.a", value, n}};
		struct entry en = {.path = "a", .type = ENTRY_DIR, .xattrs = x, .n_xattrs = 1};
		round_trip("xattr length", &en, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_ends),
	        cmocka_unit_test(test_types),
	        cmocka_unit_test(test_numbers),
	        cmocka_unit_test(test_checksum),
	        cmocka_unit_test(test_pax),
	        cmocka_unit_test(test_pax_values),
	        cmocka_unit_test(test_names),
	        cmocka_unit_test(test_round_trip),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_pax_lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
