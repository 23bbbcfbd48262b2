/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Photo models as folders on disk. */
#include "core/model/photo-folder.h"

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/params-load.h"
#include "core/model/params-save.h"
#include "core/model/scheduler-config.h"

gboolean
diffusion_photo_folder_save (const char *folder,
                             const DiffusionPhotoConfig *config,
                             const DiffusionParams *params,
                             const float *weights,
                             JsonObject *card,
                             GError **error)
{
  g_autoptr (JsonObject) config_json = diffusion_photo_config_serialise (config);
  g_autoptr (JsonObject) scheduler_json = NULL;
  DiffusionSchedulerConfig scheduler;

  diffusion_scheduler_config_init (&scheduler);
  scheduler_json = diffusion_scheduler_config_to_json (&scheduler);
  return diffusion_params_save (params, weights, folder, config_json, scheduler_json, card, error);
}

struct _DiffusionPhotoModel
{
  DiffusionPhotoConfig config;
  DiffusionParams *params;
};

static gboolean
read_config (const char *folder, DiffusionPhotoConfig *config, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "config.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) problem = NULL;
  JsonObject *object = NULL;
  const char *class_name = NULL;

  if (!json_parser_load_from_mapped_file (parser, path, &problem))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _ ("%s cannot be read: %s"), path, problem->message);
      return FALSE;
    }
  if (json_parser_get_root (parser) != NULL && JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    object = json_node_get_object (json_parser_get_root (parser));
  if (object != NULL)
    class_name = json_object_get_string_member_with_default (object, "_class_name", NULL);
  if (g_strcmp0 (class_name, DIFFUSION_PHOTO_CLASS_NAME) != 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _ ("%s describes a \"%s\"; denoising needs a \"%s\""), path, class_name != NULL ? class_name : "?",
                   DIFFUSION_PHOTO_CLASS_NAME);
      return FALSE;
    }
  if (diffusion_photo_config_parse (object, config, error))
    return TRUE;
  g_prefix_error (error, "%s: ", path);
  return FALSE;
}

static gboolean
read_weights (DiffusionPhotoModel *model, const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "diffusion_pytorch_model.safetensors", NULL);
  g_autoptr (DiffusionTensorFile) file = diffusion_tensor_file_open (path, error);

  if (file == NULL)
    return FALSE;
  for (guint i = 0; i < diffusion_tensor_file_get_n_tensors (file); i++)
    {
      const DiffusionTensorEntry *entry = diffusion_tensor_file_get_tensor (file, i);

      if (diffusion_params_find (model->params, entry->name) < 0)
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                       _ ("%s: tensor \"%s\" does not belong to the network of config.json"), path, entry->name);
          return FALSE;
        }
    }
  return diffusion_params_load (model->params, file, NULL, TRUE, error);
}

DiffusionPhotoModel *
diffusion_photo_model_open (const char *folder, GError **error)
{
  g_autoptr (DiffusionPhotoModel) model = g_new0 (DiffusionPhotoModel, 1);
  DiffusionPhotoValues values;

  model->params = diffusion_params_new ();
  if (!read_config (folder, &model->config, error))
    return NULL;
  /* Building once declares the parameters. */
  diffusion_graph_free (diffusion_photo_model_build (&model->config, model->params, 1, DIFFUSION_PHOTO_ALIGNMENT,
                                                     DIFFUSION_PHOTO_ALIGNMENT, &values));
  if (!read_weights (model, folder, error))
    return NULL;
  return g_steal_pointer (&model);
}

void
diffusion_photo_model_free (DiffusionPhotoModel *model)
{
  if (model == NULL)
    return;
  diffusion_params_free (model->params);
  g_free (model);
}

const DiffusionPhotoConfig *
diffusion_photo_model_get_config (const DiffusionPhotoModel *model)
{
  return &model->config;
}

DiffusionParams *
diffusion_photo_model_get_params (DiffusionPhotoModel *model)
{
  return model->params;
}
