// SPDX-License-Identifier: Apache-2.0
// A step for another processor: looked for once an engine, then given to every step that needs it.
#include "rootfs/emulate.h"

#include "base/err.h"
#include "base/mem.h"
#include "image/platform.h"
#include "rootfs/engine.h"
#include "sandbox/foreign.h"
#include "sandbox/step.h"
#include <string.h>

struct engine_emulator {
	struct engine_emulator *next;
	char arch[sizeof(((struct platform *)NULL)->arch)];
	struct foreign found;
};

void emulators_free(struct engine_emulator *first)
{
	for (struct engine_emulator *m = first, *next; m; m = next) {
		next = m->next;
		foreign_release(&m->found);
		free(m);
	}
}

static const struct engine_emulator *find(struct engine *g, const char *arch, struct err *e)
{
	struct foreign found;
	for (const struct engine_emulator *m = g->emulators; m; m = m->next)
		if (!strcmp(m->arch, arch))
			return m;
	if (foreign_find(arch, &found, e))
		return NULL;
	struct engine_emulator *m = xcalloc(1, sizeof(*m));
	*m = (struct engine_emulator){.next = g->emulators, .found = found};
	memcpy(m->arch, arch, strlen(arch) + 1);
	g->emulators = m;
	return m;
}

static int cannot(const char *wanted, const struct platform *host, struct err *e)
{
	char here[80];
	platform_text(host, here);
	return err_wrap(e, "programs for %s do not run on this machine, %s", wanted, here);
}

int engine_emulate(
        struct engine *g, const struct platform *p, struct step_emulator *ret, struct err *e)
{
	const struct platform host = platform_host();
	struct platform wanted = *p;
	struct err ignored = ERR_INIT;
	char text[80];
	*ret = (struct step_emulator){.fd = -1};
	platform_text(p, text); // an image says it as it likes
	if (!*p->os || platform_parse(text, &wanted, &ignored))
		return 0;
	if (!strcmp(wanted.os, host.os) && !strcmp(wanted.arch, host.arch))
		return 0;
	if (strcmp(wanted.os, host.os) != 0) {
		(void)err_set(e, ERR_SANDBOX, "they are of another operating system");
		return cannot(text, &host, e);
	}
	pthread_mutex_lock(&g->lock);
	const struct engine_emulator *m = find(g, wanted.arch, e);
	pthread_mutex_unlock(&g->lock);
	if (!m)
		return cannot(text, &host, e);
	if (m->found.way == FOREIGN_EMULATOR)
		*ret = (struct step_emulator){m->arch, m->found.fd};
	return 0;
}
