// SPDX-License-Identifier: Apache-2.0
// Loads libcurl. RTLD_LOCAL keeps its OpenSSL apart from the one hew links statically. Debian has
// the same library built on GnuTLS, which git brings in; it serves where libcurl4 is not installed.
// A static hew has a libcurl of its own inside, and loads nothing: what a library of the machine's
// needs of glibc may not be what is linked here. So OpenSSL may not follow its configuration
// either, which names modules to load.

#include "registry/curl_load.h"

#include "base/err.h"
#include "base/mem.h"
#include <dlfcn.h>
#include <pthread.h>
#ifdef HEW_STATIC
#include <openssl/crypto.h>
#endif

static struct curl_api api;
static bool loaded;
static char why[300];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool begin(void)
{
	CURLcode rc = api.global_init(CURL_GLOBAL_DEFAULT);
	if (rc != CURLE_OK) {
		snprintf(why, sizeof(why), "%s", api.easy_strerror(rc));
		return false;
	}
	const curl_version_info_data *v = api.version_info(CURLVERSION_NOW);
	api.is_openssl = v->ssl_version && strstr(v->ssl_version, "OpenSSL");
	return true;
}

#ifdef HEW_STATIC

static void load(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
#define X(name) api.name = &curl_##name;
	CURL_FUNCTIONS(X)
#undef X
	loaded = begin();
}

#else

static bool find(void *lib, const char *name, void *slot, size_t size)
{
	void *p = dlsym(lib, name);
	if (!p) {
		snprintf(why, sizeof(why), "it has no function %s", name);
		return false;
	}
	memcpy(slot, &p, size);
	return true;
}

static void load(void)
{
	static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
	void *lib = NULL;
	for (size_t i = 0; i < ARRAY_LEN(names) && !lib; i++) {
		lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (!lib && !why[0])
			snprintf(why, sizeof(why), "%s", dlerror());
	}
	if (!lib)
		return;
#define X(name)                                                     \
	if (!find(lib, "curl_" #name, &api.name, sizeof(api.name))) \
		return;
	CURL_FUNCTIONS(X)
#undef X
	loaded = begin();
}

#endif

const struct curl_api *curl_load(struct err *e)
{
	pthread_once(&once, load);
	if (loaded)
		return &api;
	err_set(e, ERR_NET,
	        "cannot load libcurl, which every network transfer needs (%s): install the package "
	        "libcurl4 (Debian, Ubuntu), libcurl (Fedora, Alpine) or curl",
	        why);
	return NULL;
}
