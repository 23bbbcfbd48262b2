/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model as users have it: a folder or a file, opened and understood, its weights still on disk. */
#include "core/model/model.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/architecture.h"
#include "core/model/json.h"
#include "core/model/library.h"
#include "core/model/model-folder.h"
#include "core/model/params-load.h"
#include "core/model/photo-model.h"
#include "core/model/unet-parameters.h"

struct _DiffusionModel
{
  gatomicrefcount references;
  char *path;
  char *name;
  const struct _ModelClass *class;
  DiffusionArchitecture architecture;
  JsonObject *config;
  JsonObject *card; /* nullable */
  DiffusionTensorFile *file;
  GPtrArray *parameters;
  DiffusionTensorEntry *tensors;
};

/**
 * ModelClass:
 * @name: _class_name of config.json
 * @kind: what it is for
 * @read: reads model->config, named @name in errors, and lists the parameters
 */
typedef struct _ModelClass
{
  const char *name;
  DiffusionModelKind kind;
  gboolean (*read) (DiffusionModel *model, const char *name, GError **error);
} ModelClass;

static gboolean
read_unet (DiffusionModel *model, const char *name, GError **error)
{
  if (!diffusion_unet_config_from_json (name, model->config, &model->architecture.unet, error))
    return FALSE;
  model->parameters = diffusion_unet_config_list_parameters (&model->architecture.unet);
  return TRUE;
}

/* Building the network once declares its parameters. */
static gboolean
read_photo (DiffusionModel *model, const char *name, GError **error)
{
  g_autoptr (DiffusionParams) params = diffusion_params_new ();
  DiffusionPhotoConfig config;
  DiffusionPhotoValues values;

  if (!diffusion_photo_config_parse (model->config, &config, error))
    {
      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }
  diffusion_graph_free (diffusion_photo_model_build (&config, params, 1, DIFFUSION_PHOTO_ALIGNMENT,
                                                     DIFFUSION_PHOTO_ALIGNMENT, &values));
  model->parameters = diffusion_parameter_list_new ();
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);

      diffusion_parameter_list_add (model->parameters, g_strdup (param->name), (gint)param->n_dims,
                                    param->shape, param->init, param->fan_in);
    }
  return TRUE;
}

static const ModelClass classes[] = {
  { "UNet2DModel", DIFFUSION_MODEL_UNET, read_unet },
  { "DiffusionUNet", DIFFUSION_MODEL_UNET, read_unet },
  { "DiffusionClassifier", DIFFUSION_MODEL_CLASSIFIER, read_unet },
  { DIFFUSION_PHOTO_CLASS_NAME, DIFFUSION_MODEL_PHOTO, read_photo },
};

static const ModelClass *
find_class (const char *path, JsonObject *config, GError **error)
{
  const char *name = "UNet2DModel";

  if (!diffusion_json_get_string (path, config, "_class_name", &name, error))
    return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++)
    if (strcmp (classes[i].name, name) == 0)
      return &classes[i];
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
               _("%s: models of the class “%s” are not supported"), path, name);
  return NULL;
}

/* The first of @names that exists in @folder. */
static char *
find_file (const char *folder, const char *const *names)
{
  for (; *names != NULL; names++)
    {
      g_autofree char *path = g_build_filename (folder, *names, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&path);
    }
  return NULL;
}

static void
read_card (DiffusionModel *model, const char *folder)
{
  g_autofree char *path = g_build_filename (folder, DIFFUSION_CARD_FILE, NULL);

  /* Only for reading by people: a broken card is no reason not to work. */
  model->card = diffusion_json_load_object (path, NULL);
}

static gboolean
read_scheduler (DiffusionModel *model, const char *folder, GError **error)
{
  static const char *const names[] = { DIFFUSION_SCHEDULER_FILE, "../scheduler/scheduler_config.json", NULL };
  g_autofree char *path = find_file (folder, names);
  g_autoptr (JsonObject) object = NULL;

  if (path == NULL)
    {
      diffusion_scheduler_config_init (&model->architecture.scheduler);
      if (diffusion_model_get_unet (model) != NULL &&
          model->architecture.unet.out_channels == 2 * model->architecture.unet.in_channels)
        model->architecture.scheduler.variance = DIFFUSION_VARIANCE_LEARNED_RANGE;
      return TRUE;
    }
  object = diffusion_json_load_object (path, error);
  return object != NULL &&
         diffusion_scheduler_config_from_json (path, object, &model->architecture.scheduler, error);
}

static gboolean
apply_names (DiffusionModel *model, DiffusionNameStyle style, GError **error)
{
  model->tensors = diffusion_name_map_apply (model->file, style, &model->architecture.unet,
                                             model->architecture.new_qkv_order, model->parameters, error);
  return model->tensors != NULL;
}

/* A folder as diffusers writes it. */
static gboolean
open_folder (DiffusionModel *model, const char *folder, const char *weights, GError **error)
{
  static const char *const names[] = { DIFFUSION_WEIGHTS_FILE, "diffusion_pytorch_model.fp16.safetensors",
                                       "diffusion_pytorch_model.bin", "model.safetensors", NULL };
  g_autofree char *config_path = g_build_filename (folder, DIFFUSION_CONFIG_FILE, NULL);
  g_autofree char *weights_path = weights != NULL ? g_strdup (weights) : find_file (folder, names);

  model->config = diffusion_json_load_object (config_path, error);
  if (model->config == NULL)
    return FALSE;
  model->class = find_class (config_path, model->config, error);
  if (model->class == NULL || !model->class->read (model, config_path, error) ||
      !read_scheduler (model, folder, error))
    return FALSE;
  if (weights_path == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND, _("%s: the weights (%s) are missing"),
                   folder, names[0]);
      return FALSE;
    }
  read_card (model, folder);
  if (model->file == NULL)
    model->file = diffusion_tensor_file_open (weights_path, error);
  return model->file != NULL && apply_names (model, DIFFUSION_NAMES_DIFFUSERS, error);
}

/* A file that holds nothing but tensors. */
static gboolean
open_file (DiffusionModel *model, const char *preset, const char *flags_path, GError **error)
{
  DiffusionNameStyle style;

  if (!diffusion_architecture_find (model->file, preset, flags_path, &style, &model->architecture, error))
    return FALSE;
  model->config = diffusion_unet_config_to_json (&model->architecture.unet);
  model->class = find_class (model->path, model->config, error);
  model->parameters = diffusion_unet_config_list_parameters (&model->architecture.unet);
  return model->class != NULL && apply_names (model, style, error);
}

static gboolean
open_at (DiffusionModel *model, const char *preset, const char *flags, GError **error)
{
  static const char *const files[] = { "model.safetensors", "model.pt", "model.ckpt", NULL };
  g_autofree char *folder = NULL, *beside = NULL, *inner = NULL, *file = NULL, *flags_beside = NULL;
  DiffusionNameStyle style;

  if (g_file_test (model->path, G_FILE_TEST_IS_DIR))
    {
      inner = g_build_filename (model->path, "unet", NULL);
      if (diffusion_library_is_model (model->path))
        return open_folder (model, model->path, NULL, error);
      if (diffusion_library_is_model (inner))
        return open_folder (model, inner, NULL, error);
      file = find_file (model->path, files);
      flags_beside = g_build_filename (model->path, "flags.json", NULL);
      if (file == NULL)
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND,
                       _("%s: there is no config.json: this is no model folder"), model->path);
          return FALSE;
        }
      if (flags == NULL && preset == NULL && g_file_test (flags_beside, G_FILE_TEST_IS_REGULAR))
        flags = flags_beside;
      model->file = diffusion_tensor_file_open (file, error);
      return model->file != NULL && open_file (model, preset, flags, error);
    }

  model->file = diffusion_tensor_file_open (model->path, error);
  if (model->file == NULL)
    return FALSE;
  folder = g_path_get_dirname (model->path);
  beside = g_build_filename (folder, DIFFUSION_CONFIG_FILE, NULL);
  /* Photo models have names of their own, so an unknown style may still be described by the file beside it.
   */
  if (flags == NULL && preset == NULL && g_file_test (beside, G_FILE_TEST_IS_REGULAR) &&
      (!diffusion_name_style_detect (model->file, &style, NULL) || style == DIFFUSION_NAMES_DIFFUSERS))
    return open_folder (model, folder, model->path, error);
  return open_file (model, preset, flags, error);
}

DiffusionModel *
diffusion_model_open (const char *model, const char *preset, const char *flags, GError **error)
{
  g_autoptr (DiffusionModel) opened = g_new0 (DiffusionModel, 1);

  g_atomic_ref_count_init (&opened->references);
  opened->path = diffusion_library_find (model, error);
  if (opened->path == NULL)
    return NULL;
  opened->name = g_path_get_basename (opened->path);
  return open_at (opened, preset, flags, error) ? g_steal_pointer (&opened) : NULL;
}

DiffusionModel *
diffusion_model_ref (DiffusionModel *model)
{
  g_atomic_ref_count_inc (&model->references);
  return model;
}

void
diffusion_model_unref (DiffusionModel *model)
{
  if (model == NULL || !g_atomic_ref_count_dec (&model->references))
    return;
  diffusion_architecture_clear (&model->architecture);
  g_clear_pointer (&model->config, json_object_unref);
  g_clear_pointer (&model->card, json_object_unref);
  g_clear_pointer (&model->file, diffusion_tensor_file_unref);
  g_clear_pointer (&model->parameters, g_ptr_array_unref);
  g_free (model->tensors);
  g_free (model->path);
  g_free (model->name);
  g_free (model);
}

const char *
diffusion_model_get_name (const DiffusionModel *model)
{
  return model->name;
}

const char *
diffusion_model_get_path (const DiffusionModel *model)
{
  return model->path;
}

DiffusionModelKind
diffusion_model_get_kind (const DiffusionModel *model)
{
  return model->class->kind;
}

const DiffusionUnetConfig *
diffusion_model_get_unet (const DiffusionModel *model)
{
  return model->class->kind != DIFFUSION_MODEL_PHOTO ? &model->architecture.unet : NULL;
}

JsonObject *
diffusion_model_get_config (const DiffusionModel *model)
{
  return model->config;
}

const DiffusionSchedulerConfig *
diffusion_model_get_scheduler (const DiffusionModel *model)
{
  return &model->architecture.scheduler;
}

JsonObject *
diffusion_model_get_card (const DiffusionModel *model)
{
  return model->card;
}

const DiffusionTensorFile *
diffusion_model_get_file (const DiffusionModel *model)
{
  return model->file;
}

const GPtrArray *
diffusion_model_get_parameters (const DiffusionModel *model)
{
  return model->parameters;
}

const DiffusionTensorEntry *
diffusion_model_get_tensors (const DiffusionModel *model)
{
  return model->tensors;
}

const DiffusionTensorEntry *
diffusion_model_get_tensor (const DiffusionModel *model, const char *name)
{
  for (guint i = 0; i < model->parameters->len; i++)
    if (strcmp (model->tensors[i].name, name) == 0)
      return &model->tensors[i];
  return NULL;
}

gint64
diffusion_model_count_parameters (const DiffusionModel *model)
{
  gint64 total = 0;

  for (guint i = 0; i < model->parameters->len; i++)
    total += ((const DiffusionParameter *)g_ptr_array_index (model->parameters, i))->n_elements;
  return total;
}

gboolean
diffusion_model_load (const DiffusionModel *model, DiffusionParams *params, gboolean keep_half, GError **error)
{
  return diffusion_params_load (params, model->file, model->tensors, keep_half, error);
}

void
diffusion_model_find_half (const DiffusionModel *model, DiffusionParams *params)
{
  diffusion_params_find_half (params, model->file, model->tensors);
}

char *
diffusion_model_get_hash (const DiffusionModel *model, GCancellable *cancellable, GError **error)
{
  return diffusion_file_hash (diffusion_tensor_file_get_path (model->file), cancellable, error);
}
