/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether mpirun or the like has started this process, with or without MPI in it. */
#include "cli/group.h"

gboolean
cli_group_is_launched (void)
{
  static const char *const names[] = { "OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_SIZE", "PMI_RANK" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_getenv (names[i]) != NULL)
      return TRUE;
  return FALSE;
}
