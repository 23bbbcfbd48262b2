/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Built without MPI: one process, and no mistaking it for several. */
#include "cli/group.h"

#include "core/base/error.h"
#include "core/base/i18n.h"

gboolean
cli_group_join (DiffusionGroup **group, GError **error)
{
  *group = NULL;
  if (!cli_group_is_launched ())
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
               _ ("This program was built without MPI (meson option “mpi”); start it without mpirun"));
  return FALSE;
}

void
cli_group_leave (gboolean failed)
{
}
