// SPDX-License-Identifier: Apache-2.0
// Certificate authorities. Reading Debian's bundle costs OpenSSL 25 to 45 ms a process, its hashed
// directory nothing, so the directory is preferred where it has hash links. Per registry, the
// files of certs.d/<host[:port]>/ are added (docker's and podman's layout).

#include "registry/http-int.h"

#include "base/fs.h"
#include "base/mem.h"
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#define CERT_MAX (1u << 20)

static bool is_hashed_dir(const char *path)
{
	auto_dir DIR *d = opendir(path);
	for (struct dirent *en; d && (en = readdir(d));)
		if (str_has_suffix(en->d_name, ".0"))
			return true;
	return false;
}

static void set_text(char **slot, const char *value)
{
	free(*slot);
	*slot = value && *value ? xstrdup(value) : NULL;
}

void http_trust_system(struct http *h, const struct curl_api *curl)
{
	static const char *const dirs[] = {"/etc/ssl/certs", "/etc/pki/tls/certs"};
	static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
	        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
	        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"};
	set_text(&h->ca_file, getenv("SSL_CERT_FILE"));
	set_text(&h->ca_path, getenv("SSL_CERT_DIR"));
	for (size_t i = 0; curl->is_openssl && i < ARRAY_LEN(dirs); i++)
		if (!h->ca_file && !h->ca_path && is_hashed_dir(dirs[i]))
			set_text(&h->ca_path, dirs[i]);
	for (size_t i = 0; i < ARRAY_LEN(bundles); i++)
		if (!h->ca_file && !h->ca_path && access(bundles[i], R_OK) == 0)
			set_text(&h->ca_file, bundles[i]);
	h->has_roots = h->ca_file || h->ca_path;
}

static void load_dir(struct http_trust *t, const char *dir)
{
	auto_strv struct strv names = {0};
	struct err e = ERR_INIT;
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fs_list_dir(fd, &names, &e) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];
		if (str_has_suffix(name, ".crt")) {
			auto_buf struct buf pem = {0};
			if (t->ca.n < CERT_MAX && fs_read_file(fd, name, CERT_MAX, &pem, &e) == 0) {
				buf_add(&t->ca, pem.p, pem.n);
				buf_putc(&t->ca, '\n');
			}
		} else if (str_has_suffix(name, ".cert") && !t->cert) {
			int stem = (int)strlen(name) - 5;
			t->cert = xasprintf("%s/%s", dir, name);
			t->key = xasprintf("%s/%.*s.key", dir, stem, name);
		}
	}
}

static bool add_trust_dir(struct strv *dirs, const char *base, const char *below)
{
	if (!base || base[0] != '/')
		return false;
	strv_addf(dirs, "%s%s", base, below);
	return true;
}

static struct http_trust *load(const char *host_port)
{
	struct http_trust *t = xcalloc(1, sizeof(*t));
	auto_strv struct strv dirs = {0};
	t->host = xstrdup(host_port);
	if (strchr(host_port, '/') || host_port[0] == '.')
		return t;
	if (!add_trust_dir(&dirs, getenv("XDG_CONFIG_HOME"), "/containers/certs.d"))
		add_trust_dir(&dirs, getenv("HOME"), "/.config/containers/certs.d");
	strv_add(&dirs, "/etc/containers/certs.d");
	strv_add(&dirs, "/etc/docker/certs.d");
	for (size_t i = 0; i < dirs.n; i++) {
		auto_free char *dir = xasprintf("%s/%s", dirs.v[i], host_port);
		load_dir(t, dir);
	}
	return t;
}

static struct http_trust *find(struct http *h, const char *host_port)
{
	struct http_trust *t = h->trust;
	while (t && strcmp(t->host, host_port) != 0)
		t = t->next;
	return t;
}

const struct http_trust *http_trust_for(struct http *h, const char *host_port)
{
	pthread_mutex_lock(&h->lock);
	struct http_trust *t = find(h, host_port);
	if (!t) {
		t = load(host_port);
		t->next = h->trust;
		h->trust = t;
	}
	pthread_mutex_unlock(&h->lock);
	return t;
}

static int add_files(
        struct http_trust *t, const struct strv *ca, const struct strv *clients, struct err *e)
{
	for (size_t i = 0; i < ca->n; i++) {
		auto_buf struct buf pem = {0};
		if (fs_read_file(AT_FDCWD, ca->v[i], CERT_MAX, &pem, e) < 0)
			return err_wrap(e, "certificate authority of '%s'", t->host);
		buf_add(&t->ca, pem.p, pem.n);
		buf_putc(&t->ca, '\n');
	}
	if (clients->n < 2)
		return 0;
	set_text(&t->cert, clients->v[0]);
	set_text(&t->key, *clients->v[1] ? clients->v[1] : clients->v[0]);
	return 0;
}

// What is there stays as it is: an exchange of another thread may be reading it.
int http_trust_add(struct http *h, const char *host_port, const struct strv *ca,
        const struct strv *clients, struct err *e)
{
	struct http_trust *t = load(host_port);
	if (add_files(t, ca, clients, e) < 0) {
		http_trust_free(t);
		return -1;
	}
	pthread_mutex_lock(&h->lock);
	t->next = h->trust;
	h->trust = t;
	pthread_mutex_unlock(&h->lock);
	return 0;
}

void http_trust_free(struct http_trust *t)
{
	for (struct http_trust *next; t; t = next) {
		next = t->next;
		free(t->host);
		free(t->cert);
		free(t->key);
		buf_release(&t->ca);
		free(t);
	}
}
