/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the module with MPI in it offers: cli_group_join() and cli_group_leave() for a process that mpirun has
 * started. */
#pragma once

#include <gmodule.h>

#include "cli/group.h"

G_BEGIN_DECLS

#define CLI_GROUP_MODULE "diffusion-mpi.so"

G_MODULE_EXPORT gboolean cli_group_mpi_join (DiffusionGroup **group, GError **error);
G_MODULE_EXPORT void cli_group_mpi_leave (gboolean failed);

G_END_DECLS
