/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where models are installed, and what a user's MODEL means. */
#include "core/model/library.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

static void
add_folder (GPtrArray *folders, char *folder)
{
  if (!g_ptr_array_find_with_equal_func (folders, folder, g_str_equal, NULL))
    g_ptr_array_add (folders, folder);
  else
    g_free (folder);
}

char **
diffusion_library_get_folders (void)
{
  GPtrArray *folders = g_ptr_array_new ();
  const char *given = g_getenv ("DIFFUSION_MODELS");
  const char *const *system = g_get_system_data_dirs ();

  if (given != NULL)
    {
      g_auto (GStrv) parts = g_strsplit (given, G_SEARCHPATH_SEPARATOR_S, -1);

      for (guint i = 0; parts[i] != NULL; i++)
        if (parts[i][0] != '\0')
          add_folder (folders, g_strdup (parts[i]));
    }
  add_folder (folders, g_build_filename (g_get_user_data_dir (), "gimp-diffusion", "models", NULL));
  for (guint i = 0; system[i] != NULL; i++)
    add_folder (folders, g_build_filename (system[i], "gimp-diffusion", "models", NULL));
  add_folder (folders, g_strdup (DIFFUSION_MODELS_FOLDER));
  g_ptr_array_add (folders, NULL);
  return (char **) g_ptr_array_free (folders, FALSE);
}

gboolean
diffusion_library_is_model (const char *folder)
{
  g_autofree char *config = g_build_filename (folder, "config.json", NULL);

  return g_file_test (config, G_FILE_TEST_IS_REGULAR);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char **
diffusion_library_list (void)
{
  GPtrArray *names = g_ptr_array_new ();
  g_auto (GStrv) folders = diffusion_library_get_folders ();

  for (guint i = 0; folders[i] != NULL; i++)
    {
      g_autoptr (GDir) entries = g_dir_open (folders[i], 0, NULL);
      const char *name = NULL;

      while (entries != NULL && (name = g_dir_read_name (entries)) != NULL)
        {
          g_autofree char *path = g_build_filename (folders[i], name, NULL);

          if (diffusion_library_is_model (path) && g_utf8_validate (name, -1, NULL)
              && !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
            g_ptr_array_add (names, g_strdup (name));
        }
    }
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (names, FALSE);
}

static char *
find_installed (const char *name)
{
  g_auto (GStrv) folders = diffusion_library_get_folders ();

  if (name[0] == '\0' || name[0] == '.' || strchr (name, G_DIR_SEPARATOR) != NULL)
    return NULL;
  for (guint i = 0; folders[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (folders[i], name, NULL);

      if (diffusion_library_is_model (path))
        return g_steal_pointer (&path);
    }
  return NULL;
}

char *
diffusion_library_find (const char *model, GError **error)
{
  char *path = find_installed (model);

  if (path != NULL)
    return path;
  if (model[0] != '\0' && g_file_test (model, G_FILE_TEST_EXISTS))
    return g_strdup (model);

  g_auto (GStrv) names = diffusion_library_list ();
  g_autofree char *installed = g_strjoinv (", ", names);
  g_autofree char *display = g_filename_display_name (model);

  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND,
               _ ("no model “%s”: expected a model folder, a .safetensors, .pt or .ckpt file, or the name of an installed "
                  "model (%s)"),
               display, names[0] != NULL ? installed : _ ("none is installed"));
  return NULL;
}
