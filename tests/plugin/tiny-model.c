/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a small untrained photo model: tiny-model FOLDER. The tests of the plug-in need one that is quick, not good. */
#include <glib/gstdio.h>

#include "core/model/photo-folder.h"

int
main (int argc, char **argv)
{
  const DiffusionPhotoConfig config = { { 8, 12, 16 }, { 1, 1, 1, 1, 1 }, 16 };
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  g_autoptr (DiffusionGraph) graph = NULL;
  g_autoptr (GError) error = NULL;
  DiffusionPhotoValues values;
  float *weights;

  if (argc != 2)
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
