/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a model's noise was scheduled in training and what its output means: scheduler_config.json. */
#pragma once

#include <json-glib/json-glib.h>

#include "core/diffusion/parameterisation.h"
#include "core/diffusion/schedule.h"

G_BEGIN_DECLS

/**
 * DiffusionBetaSchedule:
 * @DIFFUSION_BETAS_LINEAR: equally spaced
 * @DIFFUSION_BETAS_SCALED_LINEAR: their square roots equally spaced
 * @DIFFUSION_BETAS_COSINE: Nichol & Dhariwal 2021 eq. 17 ("squaredcos_cap_v2")
 * @DIFFUSION_BETAS_SIGMOID: along a sigmoid
 * @DIFFUSION_BETAS_GIVEN: listed one by one
 */
typedef enum
{
  DIFFUSION_BETAS_LINEAR,
  DIFFUSION_BETAS_SCALED_LINEAR,
  DIFFUSION_BETAS_COSINE,
  DIFFUSION_BETAS_SIGMOID,
  DIFFUSION_BETAS_GIVEN
} DiffusionBetaSchedule;

/**
 * DiffusionSchedulerConfig:
 * @steps: T
 * @schedule: the form of β_t
 * @beta_start: β_1, where the form has one
 * @beta_end: β_T, where the form has one
 * @betas: (nullable) (array length=steps): with %DIFFUSION_BETAS_GIVEN
 * @mean: what the network predicts
 * @variance: where the variance comes from
 * @clip: whether x̂₀ is limited to ±@clip_range
 * @clip_range: 1 for ordinary pictures
 * @rescale_timesteps: the network is told t·1000/T instead of t
 */
typedef struct
{
  gint steps;
  DiffusionBetaSchedule schedule;
  double beta_start;
  double beta_end;
  double *betas;
  DiffusionMeanType mean;
  DiffusionVarianceType variance;
  gboolean clip;
  double clip_range;
  gboolean rescale_timesteps;
} DiffusionSchedulerConfig;

/** diffusion_scheduler_config_init: DDPM's: linear from 1e-4 to 0.02 in 1000 steps, ε, fixed small variance,
 * clipped. */
void diffusion_scheduler_config_init (DiffusionSchedulerConfig *config);

/** diffusion_scheduler_config_clear: frees what @config points to. */
void diffusion_scheduler_config_clear (DiffusionSchedulerConfig *config);

/** diffusion_scheduler_config_copy: @to is initialised; whatever it held is not freed. */
void diffusion_scheduler_config_copy (DiffusionSchedulerConfig *to, const DiffusionSchedulerConfig *from);

/**
 * diffusion_scheduler_config_from_json:
 * @name: what to call the object in errors, its file
 * @object: scheduler_config.json of a DDPM-like scheduler of diffusers; further key: rescale_timesteps
 * @config: (out caller-allocates): to be cleared
 * @error: return location for %DIFFUSION_ERROR_FORMAT or %DIFFUSION_ERROR_UNSUPPORTED
 */
gboolean diffusion_scheduler_config_from_json (const char *name,
                                               JsonObject *object,
                                               DiffusionSchedulerConfig *config,
                                               GError **error);

/** diffusion_scheduler_config_to_json: (transfer full): a DDPMScheduler, as diffusers writes it. */
JsonObject *diffusion_scheduler_config_to_json (const DiffusionSchedulerConfig *config);

/**
 * diffusion_scheduler_config_make_schedule:
 * @config: the configuration
 * @error: return location for %DIFFUSION_ERROR_INVALID
 *
 * Returns: (transfer full) (nullable): all T steps, with the network's own time scale
 */
DiffusionSchedule *diffusion_scheduler_config_make_schedule (const DiffusionSchedulerConfig *config,
                                                             GError **error);

/** diffusion_scheduler_config_get_parameterisation: what the output means and how x̂₀ is clipped. */
DiffusionParameterisation
diffusion_scheduler_config_get_parameterisation (const DiffusionSchedulerConfig *config);

G_END_DECLS
