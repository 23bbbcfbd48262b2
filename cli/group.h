/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processes that mpirun starts as one training. */
#pragma once

#include "core/training/group.h"

G_BEGIN_DECLS

/**
 * cli_group_join:
 * @group: (out) (transfer none) (nullable): this process's group; %NULL where it was started alone
 *
 * Returns: %FALSE with %DIFFUSION_ERROR_UNSUPPORTED where there are other processes and this program was built without
 *   MPI, or with %DIFFUSION_ERROR_IO
 */
gboolean cli_group_join (DiffusionGroup **group, GError **error);

/**
 * cli_group_leave:
 *
 * At the end of a process, after it has said what went wrong: waits for the others, or ends them where they cannot know
 * that this one has failed.
 */
void cli_group_leave (gboolean failed);

/** cli_group_is_launched: whether mpirun or the like has started this process. */
gboolean cli_group_is_launched (void);

G_END_DECLS
