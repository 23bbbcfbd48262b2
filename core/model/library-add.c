/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies models to where the user's models are. */
#include "core/model/library-add.h"

#include <errno.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/library.h"
#include "core/model/model-folder.h"

char *
diffusion_library_get_user_folder (void)
{
  return g_build_filename (g_get_user_data_dir (), "gimp-diffusion", "models", NULL);
}

/* The folder that a file belongs to, or the file where it stands alone. */
static char *
find_whole (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);

  if (!g_file_test (path, G_FILE_TEST_IS_DIR) && diffusion_library_is_model (folder))
    return g_steal_pointer (&folder);
  return g_strdup (path);
}

/* "256x256_diffusion.pt" becomes "256x256_diffusion", or "256x256_diffusion-2" where that is taken. */
static char *
choose_name (const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  g_auto (GStrv) taken = diffusion_library_list ();
  char *dot = g_file_test (path, G_FILE_TEST_IS_DIR) ? NULL : strrchr (base, '.');
  g_autofree char *name = NULL;

  if (dot != NULL && dot != base)
    *dot = '\0';
  g_strdelimit (base, "/:", '_');
  name = g_strdup (base);
  for (guint i = 2; g_strv_contains ((const char *const *) taken, name); i++)
    {
      g_free (name);
      name = g_strdup_printf ("%s-%u", base, i);
    }
  return g_steal_pointer (&name);
}

static gboolean
check_kind (const DiffusionModel *model, DiffusionModelKind kind, GError **error)
{
  DiffusionModelKind found = diffusion_model_get_kind (model);
  const char *const names[] = { [DIFFUSION_MODEL_UNET] = _ ("a model that makes pictures"),
                                [DIFFUSION_MODEL_CLASSIFIER] = _ ("a classifier"),
                                [DIFFUSION_MODEL_PHOTO] = _ ("a model for photos") };

  if (found == kind)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("“%s” is %s; expected %s"),
               diffusion_model_get_name (model), names[found], names[kind]);
  return FALSE;
}

static void
copy_thumbnail (const char *from, const char *to)
{
  g_autofree char *source_path = g_build_filename (from, DIFFUSION_THUMBNAIL_FILE, NULL);
  g_autofree char *target_path = g_build_filename (to, DIFFUSION_THUMBNAIL_FILE, NULL);
  g_autoptr (GFile) source = g_file_new_for_path (source_path);
  g_autoptr (GFile) target = g_file_new_for_path (target_path);

  /* Most models have none. */
  g_file_copy (source, target, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, NULL);
}

char *
diffusion_library_add (const char *path, DiffusionModelKind kind, GError **error)
{
  g_autofree char *whole = find_whole (path);
  g_autoptr (DiffusionModel) model = diffusion_model_open (whole, NULL, NULL, error);
  g_autofree char *folder = diffusion_library_get_user_folder ();
  g_autofree char *name = NULL, *target = NULL;
  DiffusionDtype dtype;

  if (model == NULL || !check_kind (model, kind, error))
    return NULL;
  if (g_mkdir_with_parents (folder, 0777) != 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("cannot make the folder %s: %s"), folder,
                   g_strerror (errno));
      return NULL;
    }
  dtype = diffusion_model_get_tensors (model)[0].dtype;
  if (dtype != DIFFUSION_DTYPE_F16 && dtype != DIFFUSION_DTYPE_BF16)
    dtype = DIFFUSION_DTYPE_F32;
  name = choose_name (whole);
  target = g_build_filename (folder, name, NULL);
  if (!diffusion_model_save (model, target, dtype, error))
    return NULL;
  copy_thumbnail (whole, target);
  return g_steal_pointer (&name);
}
