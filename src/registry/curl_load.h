// SPDX-License-Identifier: Apache-2.0
// libcurl as a table of functions, loaded when the first transfer needs it. The program does not
// link libcurl: loading it costs more than most commands take.
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

struct err;

#define CURL_FUNCTIONS(X)      \
	X(easy_cleanup)        \
	X(easy_getinfo)        \
	X(easy_init)           \
	X(easy_reset)          \
	X(easy_setopt)         \
	X(easy_strerror)       \
	X(global_init)         \
	X(multi_add_handle)    \
	X(multi_cleanup)       \
	X(multi_fdset)         \
	X(multi_info_read)     \
	X(multi_init)          \
	X(multi_perform)       \
	X(multi_poll)          \
	X(multi_remove_handle) \
	X(multi_strerror)      \
	X(share_cleanup)       \
	X(share_init)          \
	X(share_setopt)        \
	X(slist_append)        \
	X(slist_free_all)      \
	X(version_info)

struct curl_api {
#define X(name) __typeof__(&curl_##name) name; // NOLINT(bugprone-macro-parentheses)
	CURL_FUNCTIONS(X)
#undef X
	bool is_openssl; // else GnuTLS or NSS, which do not know OpenSSL's hashed directories
};

// The table, loaded and initialised once for the process; NULL with *e set if libcurl is missing.
const struct curl_api *curl_load(struct err *e);
