/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the settings to the options of tasks and of the trainer. */
#include "core/training/recipe.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

static gboolean
refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list args;
  g_autofree char *message = NULL;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, message);
  return FALSE;
}

gboolean
diffusion_recipe_wants_classes (const DiffusionRecipe *recipe)
{
  return recipe->network == DIFFUSION_RECIPE_CLASSIFIER
         || (recipe->network == DIFFUSION_RECIPE_UNET && recipe->classes);
}

static gboolean
parse_phases (const DiffusionRecipe *recipe, DiffusionTrainOptions *options, GError **error)
{
  g_auto (GStrv) phases = recipe->phases != NULL ? g_strsplit (recipe->phases, ",", -1) : NULL;
  double before = 0;

  if (phases == NULL)
    {
      options->n_phases = 1;
      options->phases[0] = (DiffusionTrainPhase) { 1, (gint) recipe->batch, (gint) recipe->size };
      return TRUE;
    }
  options->n_phases = g_strv_length (phases);
  if (options->n_phases < 1 || options->n_phases > DIFFUSION_MAX_PHASES)
    return refuse (error, _ ("phases: found %u phases, expected 1 to %d"), options->n_phases, DIFFUSION_MAX_PHASES);
  for (guint i = 0; i < options->n_phases; i++)
    {
      DiffusionTrainPhase *phase = &options->phases[i];
      g_auto (GStrv) numbers = g_strsplit (phases[i], ":", -1);
      char *ends[3] = { NULL };
      gint64 batch = 0, size = 0;
      double share = 0;

      if (g_strv_length (numbers) == 3)
        {
          share = g_ascii_strtod (numbers[0], &ends[0]);
          batch = g_ascii_strtoll (numbers[1], &ends[1], 10);
          size = g_ascii_strtoll (numbers[2], &ends[2], 10);
        }
      for (guint k = 0; k < 3; k++)
        if (ends[k] == NULL || ends[k] == numbers[k] || *ends[k] != '\0')
          return refuse (error, _ ("phases: found “%s”, expected SHARE:BATCH:SIZE"), phases[i]);
      if (!(share > before && share <= 1) || (i + 1 == options->n_phases && share < 1))
        return refuse (error, _ ("phases: found the share %s, expected shares that rise to 1"), numbers[0]);
      if (batch < 1 || batch > 65536)
        return refuse (error, _ ("phases: found a batch of %s, expected 1 to 65536"), numbers[1]);
      if (size < 8 || size > 4096)
        return refuse (error, _ ("phases: found a size of %s, expected 8 to 4096"), numbers[2]);
      *phase = (DiffusionTrainPhase) { share, (gint) batch, (gint) size };
      before = share;
    }
  return TRUE;
}

/* "4G", "500M", "1.5GiB"; without a unit bytes. */
static gboolean
parse_memory (const char *text, gsize *bytes, GError **error)
{
  static const char units[] = "KMGT";
  char *end = NULL;
  double value = g_ascii_strtod (text, &end), factor = 1;
  const char *unit = *end != '\0' ? strchr (units, g_ascii_toupper (*end)) : NULL;

  if (unit != NULL)
    {
      for (gssize i = 0; i <= unit - units; i++)
        factor *= 1024;
      end++;
      if (g_ascii_strcasecmp (end, "iB") == 0 || g_ascii_strcasecmp (end, "B") == 0)
        end += strlen (end);
    }
  if (end == text || *end != '\0' || !(value * factor >= 1 && value * factor < 1e18))
    return refuse (error, _ ("memory: found “%s”, expected a size as 4G or 500M"), text);
  *bytes = (gsize) (value * factor);
  return TRUE;
}

gboolean
diffusion_recipe_make_options (const DiffusionRecipe *recipe, DiffusionTrainOptions *options, GError **error)
{
  *options = diffusion_train_options_default ();
  if (!parse_phases (recipe, options, error)
      || (recipe->memory != NULL && !parse_memory (recipe->memory, &options->memory_limit, error)))
    return FALSE;
  options->steps = (guint64) recipe->steps;
  options->micro_batch = (gint) recipe->micro_batch;
  options->optimizer = (DiffusionOptimizer) recipe->optimizer;
  options->momentum = recipe->momentum;
  options->precision = (DiffusionPrecision) recipe->precision;
  options->adamw
    = (DiffusionAdamW) { recipe->learning_rate, recipe->beta1, recipe->beta2, 1e-8, recipe->weight_decay };
  options->warmup = (guint64) recipe->warmup;
  options->schedule = (DiffusionRateSchedule) recipe->schedule;
  options->decay_share = recipe->decay_share;
  options->clip_norm = recipe->clip;
  options->n_emas = recipe->ema.n;
  for (guint i = 0; i < recipe->ema.n; i++)
    options->ema_rates[i] = recipe->ema.values[i];
  options->seed = (guint64) recipe->seed;
  options->checkpoint_seconds = recipe->checkpoint_minutes * 60;
  options->keep = (guint) recipe->keep;
  return TRUE;
}

static gboolean
make_augmentation (const DiffusionRecipe *recipe, const char *const *classes, DiffusionAugmentation *augmentation,
                   GError **error)
{
  g_auto (GStrv) turned = NULL;

  *augmentation = (DiffusionAugmentation) {
    .n_scales = recipe->scales.n,
    .flips = recipe->flips,
    .shifts = recipe->shifts,
    .soft_probability = (float) recipe->soft,
    .soft_minimum = (float) recipe->soft_range.values[0],
    .soft_maximum = (float) recipe->soft_range.values[1],
  };
  for (guint i = 0; i < recipe->scales.n; i++)
    augmentation->scales[i] = (float) recipe->scales.values[i];
  if (recipe->soft_range.values[0] > recipe->soft_range.values[1])
    return refuse (error, _ ("soft-range: found a least value above the greatest"));
  if (recipe->turns == NULL || g_str_equal (recipe->turns, "no") || g_str_equal (recipe->turns, "yes"))
    {
      augmentation->turns = recipe->turns != NULL && g_str_equal (recipe->turns, "yes");
      return TRUE;
    }
  if (!diffusion_recipe_wants_classes (recipe))
    return refuse (error, _ ("turns: found “%s”, expected yes or no: there are no classes"), recipe->turns);
  turned = g_strsplit (recipe->turns, ",", -1);
  for (guint i = 0; classes != NULL && turned[i] != NULL; i++)
    {
      gint label = 0;

      while (classes[label] != NULL && !g_str_equal (classes[label], turned[i]))
        label++;
      if (classes[label] != NULL)
        diffusion_augmentation_turn_class (augmentation, label);
      /* A preset names the classes that it knows; the user's word is to be right. */
      else if (diffusion_recipe_is_given (recipe, "turns"))
        {
          g_autofree char *names = g_strjoinv (", ", (char **) classes);

          return refuse (error, _ ("turns: found “%s”, expected yes, no or some of: %s"), turned[i], names);
        }
    }
  return TRUE;
}

/* The network that the settings describe. */
static gboolean
describe_unet (const DiffusionRecipe *recipe, DiffusionUnetConfig *config, GError **error)
{
  gint n = (gint) recipe->widths.n, inner = (gint) (recipe->size / recipe->pixel_unshuffle);
  gboolean guided = recipe->style == 1;
  guint used = 0;

  diffusion_unet_config_init (config);
  config->sample_height = config->sample_width = (gint) recipe->size;
  config->pixel_unshuffle = (gint) recipe->pixel_unshuffle;
  config->circular = recipe->circular;
  config->n_levels = n;
  if (recipe->blocks.n != 1)
    return refuse (error, _ ("blocks: found %u numbers, expected one for this network"), recipe->blocks.n);
  config->layers_per_block = (gint) recipe->blocks.values[0];
  for (gint i = 0; i < n; i++)
    {
      gboolean attends = FALSE;

      config->channels[i] = (gint) recipe->widths.values[i];
      for (guint k = 0; k < recipe->attention.n; k++)
        attends |= (gint) recipe->attention.values[k] == inner >> i;
      used += attends;
      config->down_attention[i] = config->up_attention[n - 1 - i] = attends;
      config->down_resample[i] = config->up_resample[i]
        = i + 1 < n ? (DiffusionResample) recipe->resample : DIFFUSION_RESAMPLE_CONV;
      if (recipe->resample == DIFFUSION_RESAMPLE_PLAIN)
        config->down_resample[i] = config->up_resample[i] = DIFFUSION_RESAMPLE_PLAIN;
    }
  if (used < recipe->attention.n)
    return refuse (error, _ ("attention: found a resolution that the network does not have; it works at %d down to %d"),
                   inner, inner >> (n - 1));
  config->mid_attention = recipe->middle_attention;
  config->norm_groups = (gint) recipe->groups;
  config->mid_attention_groups = (gint) recipe->groups;
  config->attention_head_channels = (gint) recipe->head_channels;
  config->scale_shift = recipe->adaptive_norm;
  config->time_channels = (gint) recipe->time_width;
  config->norm_eps = guided ? 1e-5 : 1e-6;
  config->flip_sin_to_cos = guided;
  config->freq_shift = guided ? 0 : 1;
  config->downsample_padding = guided ? 1 : 0;
  config->low_res_channels = recipe->upscale > 1 ? config->in_channels : 0;
  if (recipe->network == DIFFUSION_RECIPE_CLASSIFIER)
    {
      config->head = recipe->head == DIFFUSION_HEAD_IMAGE ? DIFFUSION_HEAD_ATTENTION
                                                          : (DiffusionUnetHead) recipe->head;
      config->pool_head_channels = (gint) recipe->head_channels;
    }
  return TRUE;
}

static void
describe_scheduler (const DiffusionRecipe *recipe, DiffusionSchedulerConfig *scheduler)
{
  diffusion_scheduler_config_init (scheduler);
  scheduler->steps = (gint) recipe->diffusion_steps;
  scheduler->schedule = (DiffusionBetaSchedule) recipe->noise_schedule;
  scheduler->mean = (DiffusionMeanType) recipe->predict;
  scheduler->variance = (DiffusionVarianceType) recipe->variance;
  /* The usual end points belong to 1000 steps. */
  if (scheduler->schedule == DIFFUSION_BETAS_LINEAR)
    {
      scheduler->beta_start *= 1000.0 / scheduler->steps;
      scheduler->beta_end = MIN (0.999, scheduler->beta_end * 1000.0 / scheduler->steps);
    }
}

/* With a network from elsewhere: nothing that the user said may speak against it. */
static gboolean
check_given (const DiffusionRecipe *recipe, const char *source, GError **error)
{
  guint n;
  const DiffusionSetting *settings = diffusion_recipe_get_settings (&n);

  for (guint i = 0; i < n; i++)
    if (settings[i].network && !g_str_equal (settings[i].name, "architecture")
        && !g_str_equal (settings[i].name, "network") && !g_str_equal (settings[i].name, "variance")
        && !g_str_equal (settings[i].name, "upscale") && diffusion_recipe_is_given (recipe, settings[i].name))
      return refuse (error, _ ("%s: the network is that of %s, which says this already"), settings[i].name, source);
  return TRUE;
}

static void
take_model_scheduler (const DiffusionRecipe *recipe, const DiffusionModel *model, DiffusionSchedulerConfig *scheduler)
{
  const DiffusionSchedulerConfig *old = diffusion_model_get_scheduler (model);
  DiffusionSchedulerConfig asked = *scheduler;

  *scheduler = *old;
  if (diffusion_recipe_is_given (recipe, "noise-schedule") || diffusion_recipe_is_given (recipe, "diffusion-steps"))
    {
      scheduler->schedule = asked.schedule;
      scheduler->steps = asked.steps;
      scheduler->beta_start = asked.beta_start;
      scheduler->beta_end = asked.beta_end;
      scheduler->betas = NULL;
    }
  if (diffusion_recipe_is_given (recipe, "predict"))
    scheduler->mean = asked.mean;
  if (diffusion_recipe_is_given (recipe, "variance"))
    scheduler->variance = asked.variance;
}

static gboolean
take_published (const DiffusionRecipe *recipe, DiffusionUnetConfig *config, DiffusionSchedulerConfig *scheduler,
                GError **error)
{
  DiffusionArchitecture architecture;

  if (!diffusion_preset_load (recipe->architecture, &architecture))
    {
      g_auto (GStrv) names = diffusion_presets_list ();
      g_autofree char *known = g_strjoinv (", ", names);

      return refuse (error, _ ("architecture: found “%s”, expected one of: %s"), recipe->architecture, known);
    }
  *config = architecture.unet;
  scheduler->rescale_timesteps = architecture.scheduler.rescale_timesteps;
  diffusion_architecture_clear (&architecture);
  return check_given (recipe, recipe->architecture, error);
}

/* Classes follow the data, also in networks from elsewhere; @keep: their outputs are theirs. */
static void
set_classes (const DiffusionRecipe *recipe, gint n_classes, gboolean keep, DiffusionUnetConfig *config)
{
  if (recipe->network == DIFFUSION_RECIPE_CLASSIFIER)
    {
      config->out_channels = n_classes;
      return;
    }
  if (config->class_input != DIFFUSION_CLASS_TIMESTEP)
    {
      config->class_input = recipe->classes ? DIFFUSION_CLASS_LABEL : DIFFUSION_CLASS_NONE;
      config->n_classes = recipe->classes ? n_classes : 0;
    }
  if (!keep)
    config->out_channels = diffusion_variance_is_learned ((DiffusionVarianceType) recipe->variance) ? 6 : 3;
}

gboolean
diffusion_recipe_make_unet (const DiffusionRecipe *recipe,
                            const char *const *classes,
                            const DiffusionModel *model,
                            DiffusionUnetTaskOptions *unet,
                            GError **error)
{
  gsize steps, first = 1, last;

  *unet = (DiffusionUnetTaskOptions) {
    .loss = (DiffusionLossType) recipe->loss,
    .weighting = (DiffusionLossWeighting) recipe->weighting,
    .timesteps = (DiffusionTimestepDistribution) recipe->t_distribution,
    .low_res_factor = (gint) recipe->upscale,
    .precision = (DiffusionPrecision) recipe->precision,
  };
  describe_scheduler (recipe, &unet->scheduler);
  if (unet->weighting != DIFFUSION_WEIGHTING_NONE && unet->loss != DIFFUSION_LOSS_MSE && unet->loss != DIFFUSION_LOSS_L1)
    return refuse (error, _ ("weighting: the bound has its own weights, expected none with this loss"));
  if (recipe->network == DIFFUSION_RECIPE_UNET && unet->loss == DIFFUSION_LOSS_HYBRID && model == NULL
      && !diffusion_variance_is_learned (unet->scheduler.variance))
    return refuse (error, _ ("loss: the hybrid loss needs a learned variance (variance: learned-range)"));
  if (!make_augmentation (recipe, classes, &unet->augmentation, error))
    return FALSE;
  if (model != NULL)
    {
      if (diffusion_model_get_unet (model) == NULL)
        return refuse (error, _ ("init: %s is a photo model, expected a U-Net"), diffusion_model_get_path (model));
      unet->config = *diffusion_model_get_unet (model);
      take_model_scheduler (recipe, model, &unet->scheduler);
      if (!check_given (recipe, diffusion_model_get_path (model), error))
        return FALSE;
    }
  else if (recipe->architecture != NULL)
    {
      if (!take_published (recipe, &unet->config, &unet->scheduler, error))
        return FALSE;
    }
  else if (!describe_unet (recipe, &unet->config, error))
    return FALSE;
  set_classes (recipe, classes != NULL ? (gint) g_strv_length ((char **) classes) : 0, model != NULL, &unet->config);
  unet->config.dropout = recipe->dropout;

  steps = last = (gsize) unet->scheduler.steps;
  if (recipe->t_range.n == 2)
    {
      first = (gsize) recipe->t_range.values[0];
      last = (gsize) recipe->t_range.values[1];
    }
  if (recipe->t_range.n == 1 || first > last || last > steps)
    return refuse (error, _ ("t-range: found t from %zu to %zu"
                             ", expected FIRST,LAST within 1 to %zu"),
                   first, last, steps);
  unet->t_first = first - 1;
  unet->t_last = last - 1;
  return TRUE;
}

gboolean
diffusion_recipe_make_photo (const DiffusionRecipe *recipe,
                             const DiffusionModel *model,
                             DiffusionPhotoTaskOptions *photo,
                             GError **error)
{
  *photo = diffusion_photo_task_options_default ();
  if (!make_augmentation (recipe, NULL, &photo->augmentation, error))
    return FALSE;
  if (model != NULL)
    {
      if (diffusion_model_get_kind (model) != DIFFUSION_MODEL_PHOTO)
        return refuse (error, _ ("init: %s is not a photo model"), diffusion_model_get_path (model));
      if (!check_given (recipe, diffusion_model_get_path (model), error)
          || !diffusion_photo_config_parse (diffusion_model_get_config (model), &photo->config, error))
        return FALSE;
    }
  else
    {
      g_autoptr (JsonObject) described = NULL;

      if (recipe->widths.n != 3)
        return refuse (error, _ ("widths: found %u numbers, expected three for a photo model"), recipe->widths.n);
      if (recipe->blocks.n != 5)
        return refuse (error, _ ("blocks: found %u numbers, expected five for a photo model"), recipe->blocks.n);
      for (guint i = 0; i < 3; i++)
        photo->config.widths[i] = (gint) recipe->widths.values[i];
      for (guint i = 0; i < 5; i++)
        photo->config.blocks[i] = (gint) recipe->blocks.values[i];
      photo->config.time_width = recipe->time_width > 0 ? (gint) recipe->time_width : photo->config.widths[0];
      /* One place checks all of it: the reader of model folders. */
      described = diffusion_photo_config_serialise (&photo->config);
      if (!diffusion_photo_config_parse (described, &photo->config, error))
        return FALSE;
    }
  if (recipe->sigma.values[0] > recipe->sigma.values[1])
    return refuse (error, _ ("sigma: found a least value above the greatest"));
  if (recipe->loss != DIFFUSION_LOSS_MSE && recipe->loss != DIFFUSION_LOSS_L1)
    return refuse (error, _ ("loss: a photo model learns by l1 or mse"));
  photo->noise = (DiffusionNoiseKind) recipe->noise;
  photo->loss = (DiffusionLossType) recipe->loss;
  photo->sigma_least = recipe->sigma.values[0];
  photo->sigma_most = recipe->sigma.values[1];
  photo->uniform_share = recipe->sigma_uniform;
  photo->jpeg_share = recipe->jpeg;
  photo->camera_share = recipe->camera;
  photo->misjudged_share = recipe->misjudged;
  photo->precision = (DiffusionPrecision) recipe->precision;
  return TRUE;
}

gboolean
diffusion_recipe_check (const DiffusionRecipe *recipe, GError **error)
{
  static const char *const classes[] = { "0", "1", NULL };
  DiffusionTrainOptions options;
  DiffusionPhotoTaskOptions photo;
  DiffusionUnetTaskOptions unet;
  DiffusionRecipe open = *recipe;
  gint multiple = DIFFUSION_PHOTO_ALIGNMENT;

  if (!diffusion_recipe_make_options (recipe, &options, error))
    return FALSE;
  if (recipe->init != NULL)
    return TRUE;
  /* Which classes there are only the data tells. */
  if (diffusion_recipe_wants_classes (recipe))
    open.turns = NULL;
  if (recipe->network == DIFFUSION_RECIPE_PHOTO)
    {
      if (!diffusion_recipe_make_photo (&open, NULL, &photo, error))
        return FALSE;
    }
  else
    {
      if (!diffusion_recipe_make_unet (&open, diffusion_recipe_wants_classes (recipe) ? classes : NULL, NULL, &unet,
                                       error)
          || !diffusion_unet_config_validate (&unet.config, _ ("The network"), error))
        return FALSE;
      multiple = diffusion_unet_config_get_multiple (&unet.config);
    }
  for (guint i = 0; i < options.n_phases; i++)
    if (options.phases[i].size % multiple != 0)
      return refuse (error, _ ("size: found %d, expected a multiple of %d for this network"), options.phases[i].size,
                     multiple);
  if (recipe->upscale > 1 && recipe->size % recipe->upscale != 0)
    return refuse (error, _ ("upscale: found %d, expected a divisor of the size %d"), (int) recipe->upscale,
                   (int) recipe->size);
  return TRUE;
}
