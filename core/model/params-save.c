/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a block of parameters to the tensors of a file. */
#include "core/model/params-save.h"

#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/model/tensor-writer.h"

gboolean
diffusion_params_save (const DiffusionParams *params,
                       const float *weights,
                       DiffusionDtype dtype,
                       const char *path,
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
      diffusion_tensor_writer_add_floats (writer, param->name, dtype, (gint) param->n_dims, param->shape,
                                          ordered + param->offset);
    }
  /* Where diffusers looks for the framework that wrote the file. */
  diffusion_tensor_writer_set_metadata (writer, "format", "pt");
  ok = diffusion_tensor_writer_write (writer, path, error);
  diffusion_free (ordered);
  return ok;
}
