/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes an untrained photo model: tiny-model FOLDER [whole]. The tests of the plug-in need one that is quick, not good;
 * benchmarks one of the shipped size. */
#include <glib/gstdio.h>

#include "core/model/photo-folder.h"

int
main (int argc, char **argv)
{
  const gboolean whole = argc == 3 && g_str_equal (argv[2], "whole");
  const DiffusionPhotoConfig tiny = { { 8, 12, 16 }, { 1, 1, 1, 1, 1 }, 16 };
  const DiffusionPhotoConfig config = whole ? diffusion_photo_config_default () : tiny;
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionGraph) graph = NULL;
  g_autoptr (GError) error = NULL;
  DiffusionPhotoValues values;
  float *weights;

  if (argc != 2 && !whole)
    return 2;
  graph = diffusion_photo_model_build (&config, params, 1, DIFFUSION_PHOTO_ALIGNMENT, DIFFUSION_PHOTO_ALIGNMENT, &values);
  weights = diffusion_params_allocate (params, &error);
  if (weights)
    {
      diffusion_params_initialise (params, 1, weights);
      if (g_mkdir_with_parents (argv[1], 0777) == 0
          && diffusion_photo_folder_save (argv[1], &config, params, weights, NULL, &error))
        return 0;
    }
  g_printerr ("%s: %s\n", argv[1], error ? error->message : "cannot make the folder");
  return 1;
}
