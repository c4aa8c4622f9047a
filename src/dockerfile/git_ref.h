// SPDX-License-Identifier: Apache-2.0
// A git repository as ADD and build contexts name it: git@host:path, ssh://, git://, and
// http(s)://....git, each with #ref[:subdir] and ?ref=, tag=, branch=, commit= and so on.
#pragma once

#include <stdbool.h>

struct err;

struct git_ref {
	char *remote;   // for git: no query, no fragment; never begins with '-'
	char *shown;    // the same without a password
	char *host;     // "host" or "host:port"
	char *userinfo; // of http(s), "user[:password]", decoded; not in remote. NULL: none
	char *ref;      // NULL: the default branch; never begins with '-'
	char *commit;   // checksum: hex digits that the commit's id begins with; NULL
	char *subdir;   // clean, relative; NULL: all
	bool is_http, is_ssh;
	bool has_keep_git_dir, keep_git_dir;
	bool no_submodules, mtime_of_commit, fetch_by_commit;
};
#define auto_git_ref __attribute__((cleanup(git_ref_release)))
void git_ref_release(struct git_ref *r);
// Does it look like one? Nothing is said of whether it is a good one. is_context: github.com/x/y
// counts too.
bool git_ref_is(const char *text, bool is_context);
// ERR_DOCKERFILE if it is none, or not a good one.
int git_ref_parse(const char *text, struct git_ref *ret, struct err *e);
// What --checksum says, for a reference that says nothing else.
int git_ref_set_commit(struct git_ref *r, const char *commit, struct err *e);
// 40 or 64 hex digits.
bool git_is_commit(const char *s);
// The other thing that is not here: http:// or https://. A repository may look like it, too.
bool source_is_url(const char *text);
