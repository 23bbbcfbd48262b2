/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a block of parameters to a model folder. */
#include "core/model/params-save.h"

#include "core/base/i18n.h"
#include "core/base/memory.h"

gboolean
diffusion_params_save (const DiffusionParams *params,
                       const float *weights,
                       const char *folder,
                       JsonObject *config,
                       JsonObject *scheduler,
                       JsonObject *card,
                       GError **error)
{
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  float *ordered
    = diffusion_try_alloc (diffusion_params_get_total (params) * sizeof (float), _ ("the model file"), error);
  gboolean ok;

  if (ordered == NULL)
    return FALSE;
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);

      diffusion_param_to_file (param, weights + param->offset, ordered + param->offset);
      diffusion_tensor_writer_add_floats (writer, param->name, DIFFUSION_DTYPE_F32, (gint) param->n_dims, param->shape,
                                          ordered + param->offset);
    }
  /* Where diffusers looks for the framework that wrote the file. */
  diffusion_tensor_writer_set_metadata (writer, "format", "pt");
  ok = diffusion_model_folder_update (folder, config, scheduler, card, writer, error);
  diffusion_free (ordered);
  return ok;
}
