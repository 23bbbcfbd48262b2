/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MPI is loaded where mpirun has started the process only: its libraries take longer to start than all
 * others. */
#include "cli/config.h"
#include "cli/group-mpi.h"

#include "core/base/error.h"
#include "core/base/i18n.h"

static void (*leave) (gboolean failed);

/* Beside the program, as in a build folder, or where it was installed. */
static GModule *
open_module (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program != NULL ? g_path_get_dirname (program) : NULL;
  const char *folders[] = { g_getenv ("DIFFUSION_MODULES"), folder, CLI_MODULES_FOLDER };

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    if (folders[i] != NULL)
      {
        g_autofree char *path = g_build_filename (folders[i], CLI_GROUP_MODULE, NULL);

        if (g_file_test (path, G_FILE_TEST_EXISTS))
          return g_module_open (path, G_MODULE_BIND_LOCAL);
      }
  return NULL;
}

gboolean
cli_group_join (DiffusionGroup **group, GError **error)
{
  gboolean (*join) (DiffusionGroup **group, GError **error);
  const char *problem;
  GModule *module;

  *group = NULL;
  if (!cli_group_is_launched ())
    return TRUE;
  module = open_module ();
  if (module == NULL || !g_module_symbol (module, "cli_group_mpi_join", (gpointer *) &join)
      || !g_module_symbol (module, "cli_group_mpi_leave", (gpointer *) &leave))
    {
      problem = g_module_error ();
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _ ("%s cannot be loaded: %s; start this program without mpirun"), CLI_GROUP_MODULE,
                   problem != NULL ? problem : _ ("it is not installed"));
      return FALSE;
    }
  g_module_make_resident (module);
  return join (group, error);
}

void
cli_group_leave (gboolean failed)
{
  if (leave != NULL)
    leave (failed);
}
