// SPDX-License-Identifier: Apache-2.0
// hew under other programs' names. A pipeline that calls docker, docker buildx or a scanner finds
// hew there (`hew install` puts the names in place), and gets the answers that it waits for.
#pragma once

struct command;

// What stands in for the program of that name or path: "docker-buildx", "/usr/bin/trivy". NULL:
// none.
const struct command *names_called(const char *argv0);
// Called as that: argv[0] is the name. As a plugin of docker's it takes docker's own options first.
int names_main(const struct command *c, int argc, char **argv);
// Called as a verb of hew's, "hew docker login": what follows it. A password goes off the process
// list.
int names_verb(const struct command *c, int argc, char **argv);
