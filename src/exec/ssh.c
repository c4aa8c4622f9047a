// SPDX-License-Identifier: Apache-2.0
// The agents that --ssh names: opened when a step or a repository first needs one, closed with the
// build. Nothing of them is in a key.
#include "source/ssh_agent.h"

#include "exec/exec-int.h"

// With agents_lock held.
static struct ssh_agent *open_agent(struct exec *x, size_t i, struct err *e)
{
	if (!x->agents)
		x->agents = xcalloc(x->req->n_ssh, sizeof(*x->agents));
	if (!x->agents[i])
		x->agents[i] = ssh_agent_open(x->store, &x->req->ssh[i].paths, e);
	return x->agents[i];
}

int ssh_find(struct exec *x, const char *id, struct ssh_agent **ret, struct err *e)
{
	size_t i = 0;
	while (i < x->req->n_ssh && strcmp(x->req->ssh[i].id, id) != 0)
		i++;
	if (i == x->req->n_ssh)
		return 0;
	pthread_mutex_lock(&x->agents_lock);
	*ret = open_agent(x, i, e);
	pthread_mutex_unlock(&x->agents_lock);
	return *ret ? 1 : -1;
}

// Without --ssh, git's ssh uses what the user's own would.
int ssh_agent_for_git(struct exec *x, const char **ret_path, struct err *e)
{
	struct ssh_agent *agent = NULL;
	int found = ssh_find(x, "default", &agent, e);
	*ret_path = found == 1 ? ssh_agent_path(agent) : NULL;
	return found < 0 ? -1 : 0;
}

void ssh_close(struct exec *x)
{
	for (size_t i = 0; x->agents && i < x->req->n_ssh; i++)
		ssh_agent_close(x->agents[i]);
	free(x->agents);
	x->agents = NULL;
}
