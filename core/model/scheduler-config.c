/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a model's noise was scheduled in training and what its output means: scheduler_config.json. */
#include "core/model/scheduler-config.h"

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/json.h"

static const char *const schedule_names[] = { "linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid",
                                              NULL };
static const char *const mean_names[] = { "epsilon", "sample", "previous_x", "v_prediction", NULL };
static const char *const variance_names[] = {
  "fixed_small", "fixed_large", "learned", "learned_range", "fixed_small_log", "fixed_large_log", NULL
};

void
diffusion_scheduler_config_init (DiffusionSchedulerConfig *config)
{
  *config = (DiffusionSchedulerConfig){
    .steps = 1000,
    .schedule = DIFFUSION_BETAS_LINEAR,
    .beta_start = 1e-4,
    .beta_end = 0.02,
    .mean = DIFFUSION_MEAN_EPSILON,
    .variance = DIFFUSION_VARIANCE_FIXED_SMALL,
    .clip = TRUE,
    .clip_range = 1,
  };
}

void
diffusion_scheduler_config_clear (DiffusionSchedulerConfig *config)
{
  g_clear_pointer (&config->betas, g_free);
}

void
diffusion_scheduler_config_copy (DiffusionSchedulerConfig *to, const DiffusionSchedulerConfig *from)
{
  *to = *from;
  if (from->betas != NULL)
    to->betas = g_memdup2 (from->betas, (gsize)from->steps * sizeof (double));
}

static gboolean
read_betas (const char *name, JsonObject *object, DiffusionSchedulerConfig *config, GError **error)
{
  JsonArray *array;

  if (!diffusion_json_get_array (name, object, "trained_betas", &array, error))
    return FALSE;
  if (array == NULL)
    return TRUE;
  if (json_array_get_length (array) < 1 || json_array_get_length (array) > DIFFUSION_MAX_STEPS)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("%s: “trained_betas” has %u values, expected 1 to %d"), name,
                   json_array_get_length (array), DIFFUSION_MAX_STEPS);
      return FALSE;
    }
  config->steps = (gint)json_array_get_length (array);
  config->schedule = DIFFUSION_BETAS_GIVEN;
  config->betas = g_new0 (double, (gsize)config->steps);
  for (gint i = 0; i < config->steps; i++)
    {
      g_autoptr (JsonObject) one = json_object_new ();

      config->betas[i] = -1;
      json_object_set_member (one, "trained_betas",
                              json_node_copy (json_array_get_element (array, (guint)i)));
      if (!diffusion_json_get_double (name, one, "trained_betas", 0, 1, &config->betas[i], error))
        return FALSE;
    }
  return TRUE;
}

/* Noise that grows without the signal shrinking is another mathematics, and so is a last step without signal.
 */
static gboolean
check_unsupported (const char *name, JsonObject *object, GError **error)
{
  const char *class_name = NULL;
  gboolean zero_snr = FALSE;

  if (!diffusion_json_get_string (name, object, "_class_name", &class_name, error) ||
      !diffusion_json_get_boolean (name, object, "rescale_betas_zero_snr", &zero_snr, error))
    return FALSE;
  if (zero_snr || (class_name != NULL &&
                   (g_str_has_prefix (class_name, "ScoreSde") || g_str_has_prefix (class_name, "KarrasVe") ||
                    g_str_has_prefix (class_name, "FlowMatch"))))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _("%s: noise of the kind “%s” is not supported"), name,
                   zero_snr ? "rescale_betas_zero_snr" : class_name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
read_all (const char *name, JsonObject *object, DiffusionSchedulerConfig *config, GError **error)
{
  gint schedule = (gint)config->schedule, mean = (gint)config->mean, variance = (gint)config->variance;

  if (!check_unsupported (name, object, error) ||
      !diffusion_json_get_int (name, object, "num_train_timesteps", 1, DIFFUSION_MAX_STEPS, &config->steps,
                               error) ||
      !diffusion_json_get_choice (name, object, "beta_schedule", schedule_names, &schedule, error) ||
      !diffusion_json_get_double (name, object, "beta_start", 0, 1, &config->beta_start, error) ||
      !diffusion_json_get_double (name, object, "beta_end", 0, 1, &config->beta_end, error) ||
      !diffusion_json_get_choice (name, object, "prediction_type", mean_names, &mean, error) ||
      !diffusion_json_get_choice (name, object, "variance_type", variance_names, &variance, error) ||
      !diffusion_json_get_boolean (name, object, "clip_sample", &config->clip, error) ||
      !diffusion_json_get_double (name, object, "clip_sample_range", 0, 1e9, &config->clip_range, error) ||
      !diffusion_json_get_boolean (name, object, "rescale_timesteps", &config->rescale_timesteps, error))
    return FALSE;
  config->schedule = (DiffusionBetaSchedule)schedule;
  config->mean = (DiffusionMeanType)mean;
  config->variance =
      (DiffusionVarianceType)(variance > DIFFUSION_VARIANCE_LEARNED_RANGE ? variance - 4 : variance);
  return read_betas (name, object, config, error);
}

gboolean
diffusion_scheduler_config_from_json (const char *name,
                                      JsonObject *object,
                                      DiffusionSchedulerConfig *config,
                                      GError **error)
{
  diffusion_scheduler_config_init (config);
  if (read_all (name, object, config, error))
    return TRUE;
  diffusion_scheduler_config_clear (config);
  return FALSE;
}

JsonObject *
diffusion_scheduler_config_to_json (const DiffusionSchedulerConfig *config)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "_class_name", "DDPMScheduler");
  json_object_set_int_member (object, "num_train_timesteps", config->steps);
  json_object_set_double_member (object, "beta_start", config->beta_start);
  json_object_set_double_member (object, "beta_end", config->beta_end);
  json_object_set_string_member (
      object, "beta_schedule",
      schedule_names[config->schedule == DIFFUSION_BETAS_GIVEN ? 0 : (gint)config->schedule]);
  if (config->schedule == DIFFUSION_BETAS_GIVEN)
    {
      JsonArray *array = json_array_sized_new ((guint)config->steps);

      for (gint i = 0; i < config->steps; i++)
        json_array_add_double_element (array, config->betas[i]);
      json_object_set_array_member (object, "trained_betas", array);
    }
  else
    json_object_set_null_member (object, "trained_betas");
  json_object_set_string_member (object, "prediction_type", mean_names[config->mean]);
  json_object_set_string_member (object, "variance_type", variance_names[config->variance]);
  json_object_set_boolean_member (object, "clip_sample", config->clip);
  json_object_set_double_member (object, "clip_sample_range", config->clip_range);
  if (config->rescale_timesteps)
    json_object_set_boolean_member (object, "rescale_timesteps", TRUE);
  return object;
}

DiffusionSchedule *
diffusion_scheduler_config_make_schedule (const DiffusionSchedulerConfig *config, GError **error)
{
  g_autoptr (DiffusionSchedule) schedule = NULL;

  switch (config->schedule)
    {
    case DIFFUSION_BETAS_LINEAR:
      schedule =
          diffusion_schedule_new_linear ((gsize)config->steps, config->beta_start, config->beta_end, error);
      break;
    case DIFFUSION_BETAS_SCALED_LINEAR:
      schedule = diffusion_schedule_new_scaled_linear ((gsize)config->steps, config->beta_start,
                                                       config->beta_end, error);
      break;
    case DIFFUSION_BETAS_COSINE:
      schedule = diffusion_schedule_new_cosine ((gsize)config->steps, error);
      break;
    case DIFFUSION_BETAS_SIGMOID:
      schedule = diffusion_schedule_new_named ("sigmoid", (gsize)config->steps, config->beta_start,
                                               config->beta_end, error);
      break;
    case DIFFUSION_BETAS_GIVEN:
      schedule = diffusion_schedule_new_betas (config->betas, (gsize)config->steps, error);
      break;
    }
  if (schedule != NULL && config->rescale_timesteps)
    return diffusion_schedule_rescale_timesteps (schedule);
  return g_steal_pointer (&schedule);
}

DiffusionParameterisation
diffusion_scheduler_config_get_parameterisation (const DiffusionSchedulerConfig *config)
{
  DiffusionParameterisation parameterisation = DIFFUSION_PARAMETERISATION_INIT;

  parameterisation.mean = config->mean;
  parameterisation.variance = config->variance;
  parameterisation.clip = config->clip ? DIFFUSION_CLIP_STATIC : DIFFUSION_CLIP_NONE;
  parameterisation.clip_range = (float)config->clip_range;
  return parameterisation;
}
