// SPDX-License-Identifier: Apache-2.0
// URLs as transfers need them (RFC 3986): strict parsing of http and https, resolving a Location,
// telling whether two URLs have the same origin (only then may credentials go along).
#pragma once

#include "base/buf.h"

struct err;

struct url {
	bool https;
	char *host;     // lower case; with brackets if IPv6
	unsigned port;  // never 0
	char *userinfo; // NULL if none; percent-decoded
	char *target;   // path and query, begins with '/'; no fragment
};
#define auto_url __attribute__((cleanup(url_release)))
void url_release(struct url *u);
// Refuses (ERR_USAGE) what two parsers might read differently: controls, blanks, backslashes, odd
// names of hosts.
int url_parse(const char *text, struct url *ret, struct err *e);
// Without userinfo; the port only where it is not the default one. Caller frees.
char *url_text(const struct url *u);
char *url_host_port(const struct url *u); // "host" or "host:port". Caller frees.
bool url_same_origin(const struct url *a, const struct url *b);
// `location` of an answer to a request for `base`: absolute, //host, /path, ?query or relative.
int url_resolve(const struct url *base, const char *location, struct url *ret, struct err *e);
// Where an answer from `at` says to go next. Behind a TLS proxy some servers call themselves http:
// same host, so it is the proxy that is meant. False: it is plain http elsewhere.
bool url_keep_https(const struct url *at, struct url *next);
// True for localhost, *.localhost, 127.0.0.0/8 and ::1; host may carry a port.
bool url_host_is_loopback(const char *host_port);
void url_escape(struct buf *out, const char *s); // percent-encodes all but unreserved characters
