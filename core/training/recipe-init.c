/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fine-tuning: what a training takes from the model that it starts from. */
#include "core/training/recipe-init.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

void
diffusion_recipe_use_model (DiffusionRecipe *recipe, const DiffusionModel *model)
{
  const DiffusionUnetConfig *unet = diffusion_model_get_unet (model);
  const DiffusionSchedulerConfig *scheduler = diffusion_model_get_scheduler (model);

  if (unet == NULL)
    {
      recipe->network = DIFFUSION_RECIPE_PHOTO;
      return;
    }
  recipe->network = diffusion_model_get_kind (model) == DIFFUSION_MODEL_CLASSIFIER ? DIFFUSION_RECIPE_CLASSIFIER
                                                                                   : DIFFUSION_RECIPE_UNET;
  if (!diffusion_recipe_is_given (recipe, "classes"))
    recipe->classes = unet->class_input == DIFFUSION_CLASS_LABEL;
  if (!diffusion_recipe_is_given (recipe, "size") && unet->sample_width > 0)
    recipe->size = unet->sample_width;
  if (!diffusion_recipe_is_given (recipe, "upscale"))
    recipe->upscale = unet->low_res_channels > 0 ? 4 : 1;
  if (!diffusion_recipe_is_given (recipe, "dropout"))
    recipe->dropout = unet->dropout;
  if (!diffusion_recipe_is_given (recipe, "predict"))
    recipe->predict = (gint64) scheduler->mean;
  if (!diffusion_recipe_is_given (recipe, "variance"))
    recipe->variance = (gint64) scheduler->variance;
  if (!diffusion_recipe_is_given (recipe, "loss"))
    recipe->loss = diffusion_variance_is_learned (scheduler->variance) ? DIFFUSION_LOSS_HYBRID : DIFFUSION_LOSS_MSE;
  if (!diffusion_recipe_is_given (recipe, "diffusion-steps"))
    recipe->diffusion_steps = scheduler->steps;
}

/* Parameters whose shape hangs on the number of classes. */
static gboolean
belongs_to_classes (const char *name)
{
  return g_str_equal (name, "class_embedding.weight") || g_str_has_prefix (name, "class_head.");
}

static gboolean
load_one (const DiffusionModel *model, const DiffusionParam *param, float *block, GError **error)
{
  const DiffusionTensorEntry *entry = diffusion_model_get_tensor (model, param->name);
  g_autofree float *values = NULL;

  if (entry == NULL || entry->n_elements != (gint64) param->size || !diffusion_dtype_is_float (entry->dtype))
    {
      g_autofree char *found = entry != NULL ? diffusion_tensor_entry_format_shape (entry) : g_strdup (_ ("nothing"));
      g_autofree char *expected = diffusion_format_shape ((gint) param->n_dims, param->shape);

      if (belongs_to_classes (param->name))
        return TRUE;
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _ ("%s: tensor %s: found %s, expected %s"),
                   diffusion_model_get_path (model), param->name, found, expected);
      return FALSE;
    }
  values = g_new (float, param->size);
  diffusion_tensor_entry_to_floats (entry, values);
  if (!diffusion_tensor_file_check_finite (diffusion_model_get_file (model), entry, values, error))
    return FALSE;
  diffusion_param_to_working (param, values, block + param->offset);
  return TRUE;
}

gboolean
diffusion_recipe_load_weights (const DiffusionModel *model,
                               const DiffusionParams *params,
                               guint64 seed,
                               float *block,
                               GError **error)
{
  diffusion_params_initialise (params, seed, block);
  for (guint i = 0; i < diffusion_params_get_n (params); i++)
    if (!load_one (model, diffusion_params_get (params, i), block, error))
      return FALSE;
  return TRUE;
}
