// SPDX-License-Identifier: Apache-2.0
// One command a file: cmd_<verb> is defined in <verb>.c.
#pragma once

#include "cmd/command.h"

extern const struct command cmd_browse, cmd_build, cmd_builds, cmd_cache_mount, cmd_completion,
        cmd_copy, cmd_db, cmd_debug, cmd_diff, cmd_doctor, cmd_du, cmd_export, cmd_history,
        cmd_images, cmd_import, cmd_index, cmd_inspect, cmd_install, cmd_lint, cmd_load, cmd_lock,
        cmd_login, cmd_logout, cmd_prune, cmd_pull, cmd_push, cmd_report, cmd_rmi, cmd_run,
        cmd_save, cmd_sbom, cmd_scan, cmd_shell, cmd_size, cmd_tag, cmd_test, cmd_uninstall,
        cmd_version, cmd_why;
