/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Photo models as folders on disk. */
#include "core/model/photo-folder.h"

#include <string.h>

#include "core/base/memory.h"
#include "core/base/output-file.h"
#include "core/model/tensor-writer.h"

static gboolean
save_json (const char *folder, const char *name, JsonObject *object, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autofree char *text = json_to_string (node, TRUE);
  g_autofree char *lines = g_strconcat (text, "\n", NULL);

  return diffusion_output_file_set_contents (path, lines, strlen (lines), error);
}

gboolean
diffusion_photo_folder_save (const char *folder,
                             const DiffusionPhotoConfig *config,
                             const DiffusionParams *params,
                             const float *weights,
                             GError **error)
{
  g_autoptr (JsonObject) config_json = diffusion_photo_config_serialise (config);
  g_autoptr (JsonObject) scheduler = json_object_new ();
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autofree char *path = g_build_filename (folder, "diffusion_pytorch_model.safetensors", NULL);
  float *ordered = diffusion_try_alloc (diffusion_params_get_total (params) * sizeof (float), "the model file", error);
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
  diffusion_tensor_writer_set_metadata (writer, "format", "pt");
  json_object_set_string_member (scheduler, "_class_name", "DDPMScheduler");
  json_object_set_string_member (scheduler, "beta_schedule", "linear");
  json_object_set_double_member (scheduler, "beta_start", 0.0001);
  json_object_set_double_member (scheduler, "beta_end", 0.02);
  json_object_set_int_member (scheduler, "num_train_timesteps", 1000);
  json_object_set_string_member (scheduler, "prediction_type", "epsilon");
  json_object_set_string_member (scheduler, "variance_type", "fixed_small");
  json_object_set_boolean_member (scheduler, "clip_sample", TRUE);
  ok = save_json (folder, "config.json", config_json, error)
       && save_json (folder, "scheduler_config.json", scheduler, error)
       && diffusion_tensor_writer_write (writer, path, error);
  diffusion_free (ordered);
  return ok;
}
