// SPDX-License-Identifier: Apache-2.0
// The temporary database. Texts that come again and again (names, packages, notes, vectors) are
// rows of their own; everything else refers to them by number.
#include "advisory/stage-int.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include <assert.h>
#include <string.h>

// 8 MiB of pages in memory, and as much for each sort; the rest is on the disk.
static const char schema[] =
        "PRAGMA page_size=8192; PRAGMA cache_size=-8192; PRAGMA journal_mode=OFF;"
        "PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; PRAGMA locking_mode=EXCLUSIVE;"
        "CREATE TABLE name(id INTEGER PRIMARY KEY, rank INT, text TEXT, UNIQUE(rank, text));"
        "CREATE TABLE text(id INTEGER PRIMARY KEY, value TEXT UNIQUE);"
        "CREATE TABLE ecosystem(id INTEGER PRIMARY KEY, name TEXT, release TEXT, codename TEXT,"
        " end_of_life TEXT, UNIQUE(name, release));"
        "CREATE TABLE package(id INTEGER PRIMARY KEY, ecosystem INT, name TEXT,"
        " UNIQUE(ecosystem, name));"
        "CREATE TABLE record(name INTEGER PRIMARY KEY, version INT, modified TEXT, digest TEXT,"
        " withdrawn INT, title TEXT, published INT, day INT);"
        "CREATE TABLE link(record INT, version INT, name INT, kind INT);"
        "CREATE TABLE range(package INT, record INT, version INT, introduced TEXT, fixed TEXT,"
        " last TEXT, status INT, severity INT, note INT);"
        "CREATE TABLE rating(name INT, version INT, origin INT, source INT, vector INT,"
        " cvss INT, score INT, severity INT);"
        "CREATE TABLE description(name INTEGER PRIMARY KEY, text TEXT);"
        "CREATE TABLE exploited(name INTEGER PRIMARY KEY, day INT);"
        "CREATE TABLE epss(name INTEGER PRIMARY KEY, score INT, percentile INT);"
        "CREATE TABLE source(name TEXT PRIMARY KEY, records INT, withdrawn INT, newest INT);"
        "BEGIN;";

int stage_open(struct stage *s, struct err *e)
{
	*s = (struct stage){.sql.what = "compile the advisory database"};
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	return sql_open(&s->sql, "", flags, e) || sql_exec(&s->sql, schema, e) ? -1 : 0;
}

void stage_close(struct stage *s)
{
	sql_close(&s->sql);
}

int64_t stage_day(const char *text)
{
	char date[21] = "0000-00-00T00:00:00Z";
	struct timestamp t;
	if (!text || strnlen(text, 10) < 10)
		return 0;
	memcpy(date, text, 10);
	if (!time_parse(date, &t) || t.sec <= 0 || t.sec > time_now().sec)
		return 0;
	return t.sec / 86400;
}

static int rank_of(const char *name)
{
	return str_has_prefix(name, "CVE-") ? 0 : str_has_prefix(name, "GHSA-") ? 1 : 2;
}

int stage_name(struct stage *s, const char *text, int64_t *ret, struct err *e)
{
	size_t n = text ? strcspn(text, " \t\r\n") : 0;
	if (n == 0 || text[n] || n > ADVISORY_ID_MAX)
		return err_set(e, ERR_CORRUPT, "not an id: '%.80s'", text ? text : "");
	int64_t rank = rank_of(text), id = 0;
	if (sql_int(&s->sql, e, &id, "SELECT id FROM name WHERE rank=? AND text=?", "it", rank,
	            text))
		return -1;
	if (!id) {
		if (sql_run(&s->sql, e, "INSERT INTO name(rank, text) VALUES(?,?)", "it", rank,
		            text))
			return -1;
		id = sqlite3_last_insert_rowid(s->sql.db);
	}
	*ret = id;
	return 0;
}

static int intern_text(struct stage *s, const char *text, int64_t *ret, struct err *e)
{
	int64_t id = 0;
	if (text && sql_int(&s->sql, e, &id, "SELECT id FROM text WHERE value=?", "t", text))
		return -1;
	if (text && !id) {
		if (sql_run(&s->sql, e, "INSERT INTO text(value) VALUES(?)", "t", text))
			return -1;
		id = sqlite3_last_insert_rowid(s->sql.db);
	}
	*ret = id;
	return 0;
}

static int intern_ecosystem(
        struct stage *s, const struct ecosystem *eco, int64_t *ret, struct err *e)
{
	int64_t id = 0;
	if (sql_int(&s->sql, e, &id, "SELECT id FROM ecosystem WHERE name=? AND release=?", "tt",
	            eco->name, eco->release))
		return -1;
	if (!id) {
		if (sql_run(&s->sql, e, "INSERT INTO ecosystem(name, release) VALUES(?,?)", "tt",
		            eco->name, eco->release))
			return -1;
		id = sqlite3_last_insert_rowid(s->sql.db);
	}
	*ret = id;
	return 0;
}

int stage_package(struct stage *s, const struct ecosystem *eco, const char *package, int64_t *ret,
        struct err *e)
{
	int64_t ecosystem, id = 0;
	auto_buf struct buf name = {0};
	if (!package || !*package || strlen(package) > 1000)
		return err_set(e, ERR_CORRUPT, "a package without a name, or with too long a one");
	package_name(eco->name, package, &name);
	if (intern_ecosystem(s, eco, &ecosystem, e) ||
	        sql_int(&s->sql, e, &id, "SELECT id FROM package WHERE ecosystem=? AND name=?",
	                "it", ecosystem, buf_cstr(&name)))
		return -1;
	if (!id) {
		if (sql_run(&s->sql, e, "INSERT INTO package(ecosystem, name) VALUES(?,?)", "it",
		            ecosystem, buf_cstr(&name)))
			return -1;
		id = sqlite3_last_insert_rowid(s->sql.db);
	}
	*ret = id;
	return 0;
}

// The first line, at most TITLE_MAX bytes, cut between words; NULL if nothing is left.
static const char *make_title(const char *text, char buf[static TITLE_MAX + 4])
{
	if (!text)
		return NULL;
	text += strspn(text, " \t\r\n#");
	size_t n = strcspn(text, "\r\n\t"), cut = n;
	if (n > TITLE_MAX) {
		for (cut = TITLE_MAX; cut > 0 && text[cut] != ' ';)
			cut--;
		for (cut = cut ? cut : TITLE_MAX; cut > 0 && (text[cut] & 0xc0) == 0x80;)
			cut--;
	}
	memcpy(buf, text, cut);
	memcpy(buf + cut, "...", n > TITLE_MAX ? 4 : 0);
	if (n <= TITLE_MAX)
		buf[cut] = '\0';
	return cut ? buf : NULL;
}

// Is what is there newer than r? Then it stays.
static int is_older(struct stage *s, int64_t name, const struct stage_record *r, const char *digest,
        bool *ret, struct err *e)
{
	int64_t there = 0;
	const char *modified = r->modified ? r->modified : "";
	if (sql_int(&s->sql, e, &there,
	            "SELECT 1 FROM record WHERE name=? AND (modified, digest) >= (?,?)", "itt",
	            name, modified, digest))
		return -1;
	*ret = there;
	return 0;
}

int stage_record(
        struct stage *s, const struct stage_record *r, struct stage_owner *ret, struct err *e)
{
	int64_t name;
	bool older;
	char digest[HASH_HEX], title[TITLE_MAX + 4];
	struct hash h = hash_bytes(r->bytes.p, r->bytes.n);
	hash_hex(&h, digest);
	digest[16] = '\0'; // it only has to tell two apart
	if (stage_name(s, r->id, &name, e) || is_older(s, name, r, digest, &older, e))
		return -1;
	if (older)
		return 0;
	if (sql_run(&s->sql, e, "INSERT OR REPLACE INTO record VALUES(?,?,?,?,?,?,?,?)", "iittitoo",
	            name, ++s->version, r->modified ? r->modified : "", digest,
	            (int64_t)r->withdrawn, make_title(r->title, title), stage_day(r->published),
	            stage_day(r->modified)))
		return -1;
	*ret = (struct stage_owner){name, s->version};
	return 1;
}

int stage_link(struct stage *s, const struct stage_owner *owner, const char *name,
        enum stage_link kind, struct err *e)
{
	int64_t id;
	if (stage_name(s, name, &id, e))
		return -1;
	// An advisory that has no flaw with another name is given as its own.
	return id != owner->name && sql_run(&s->sql, e, "INSERT INTO link VALUES(?,?,?,?)", "iiii",
	                                    owner->name, owner->version, id, (int64_t)kind)
	               ? -1
	               : 0;
}

static bool too_long(const char *version)
{
	return version && strnlen(version, VERSION_TEXT_MAX + 1) > VERSION_TEXT_MAX;
}

int stage_range(struct stage *s, const struct stage_range *r, struct err *e)
{
	int64_t note;
	char text[NOTE_MAX + 4];
	static_assert(NOTE_MAX == TITLE_MAX, "notes are cut as titles are");
	if (too_long(r->introduced) || too_long(r->fixed) || too_long(r->last_affected))
		return err_set(e, ERR_CORRUPT, "a version of more than %d bytes", VERSION_TEXT_MAX);
	if (intern_text(s, make_title(r->note, text), &note, e))
		return -1;
	return sql_run(&s->sql, e, "INSERT INTO range VALUES(?,?,?,?,?,?,?,?,?)", "iiitttiio",
	        r->package, r->owner.name, r->owner.version, r->introduced, r->fixed,
	        r->last_affected, (int64_t)r->status, (int64_t)r->severity, note);
}

int stage_rating(struct stage *s, const struct stage_rating *r, struct err *e)
{
	struct cvss c = {.severity = r->severity};
	int64_t source, vector;
	if (r->vector && cvss_score(r->vector, &c, e))
		return -1;
	if (c.severity == SEVERITY_UNKNOWN)
		return 0;
	if (intern_text(s, r->source, &source, e) || intern_text(s, r->vector, &vector, e))
		return -1;
	return sql_run(&s->sql, e, "INSERT INTO rating VALUES(?,?,?,?,?,?,?,?)", "iiioooii",
	        r->owner.name, r->owner.version, (int64_t)r->origin, source, vector,
	        (int64_t)c.version, (int64_t)c.score, (int64_t)c.severity);
}

// Of two, the first by bytes: whatever came first.
int stage_description(struct stage *s, int64_t name, const char *text, struct err *e)
{
	char title[TITLE_MAX + 4];
	const char *t = make_title(text, title);
	return !t ? 0
	          : sql_run(&s->sql, e,
	                    "INSERT INTO description VALUES(?,?) ON CONFLICT DO UPDATE"
	                    " SET text=min(text, excluded.text)",
	                    "it", name, t);
}

int stage_exploited(struct stage *s, int64_t name, const char *date, struct err *e)
{
	return sql_run(&s->sql, e,
	        "INSERT INTO exploited VALUES(?,?) ON CONFLICT DO UPDATE SET day=min(day, "
	        "excluded.day)",
	        "ii", name, stage_day(date));
}

int stage_epss(struct stage *s, int64_t name, int epss, int percentile, struct err *e)
{
	return sql_run(&s->sql, e,
	        "INSERT INTO epss VALUES(?,?,?) ON CONFLICT DO UPDATE SET score=excluded.score,"
	        " percentile=excluded.percentile WHERE excluded.score > score",
	        "iii", name, (int64_t)epss, (int64_t)percentile);
}

int stage_release(struct stage *s, const struct ecosystem *eco, const char *codename,
        const char *end_of_life, struct err *e)
{
	int64_t id;
	return intern_ecosystem(s, eco, &id,
	               e) || sql_run(&s->sql, e,
	                             "UPDATE ecosystem SET codename=max(?2, ifnull(codename, '')),"
	                             " end_of_life=max(?3, ifnull(end_of_life, '')) WHERE id=?1",
	                             "itt", id, codename, end_of_life)
	               ? -1
	               : 0;
}

int stage_count(
        struct stage *s, const char *source, const char *date, bool withdrawn, struct err *e)
{
	return sql_run(&s->sql, e,
	        "INSERT INTO source VALUES(?1, NOT ?2, ?2, ?3) ON CONFLICT DO UPDATE SET"
	        " records=records+NOT ?2, withdrawn=withdrawn+?2, newest=max(newest, ?3)",
	        "tii", source, (int64_t)withdrawn, stage_day(date));
}

int stage_date(struct stage *s, const char *source, const char *date, struct err *e)
{
	return sql_run(&s->sql, e,
	        "INSERT INTO source VALUES(?1, 0, 0, ?2) ON CONFLICT DO UPDATE SET"
	        " newest=max(newest, ?2)",
	        "ti", source, stage_day(date));
}
