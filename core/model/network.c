/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model with its weights in memory, and all that is needed to use it. */
#include "core/model/network.h"

#include "core/base/error.h"
#include "core/base/i18n.h"

struct _DiffusionNetwork
{
  DiffusionModel *model;
  DiffusionParams *params;
  DiffusionUnetRunner *runner;
  DiffusionPredictor predictor;
  DiffusionSchedule *schedule;
};

DiffusionNetwork *
diffusion_network_new (DiffusionModel *model, DiffusionPrecision precision, GError **error)
{
  const DiffusionUnetConfig *config = diffusion_model_get_unet (model);
  g_autoptr (DiffusionNetwork) network = g_new0 (DiffusionNetwork, 1);

  if (config == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _ ("%s: found a model for denoising photographs, expected one that generates pictures"),
                   diffusion_model_get_path (model));
      return NULL;
    }
  network->model = diffusion_model_ref (model);
  network->schedule = diffusion_scheduler_config_make_schedule (diffusion_model_get_scheduler (model), error);
  if (network->schedule == NULL)
    return NULL;
  network->params = diffusion_params_new ();
  diffusion_unet_declare_params (config, network->params);
  if (!diffusion_model_load (model, network->params, error))
    return NULL;
  network->runner = diffusion_unet_runner_new (config, network->params, precision);
  network->predictor = diffusion_unet_runner_get_predictor (network->runner);
  return g_steal_pointer (&network);
}

void
diffusion_network_free (DiffusionNetwork *network)
{
  if (network == NULL)
    return;
  g_clear_pointer (&network->runner, diffusion_unet_runner_free);
  g_clear_pointer (&network->params, diffusion_params_free);
  g_clear_pointer (&network->schedule, diffusion_schedule_unref);
  g_clear_pointer (&network->model, diffusion_model_unref);
  g_free (network);
}

DiffusionModel *
diffusion_network_get_model (const DiffusionNetwork *network)
{
  return network->model;
}

DiffusionUnetRunner *
diffusion_network_get_runner (const DiffusionNetwork *network)
{
  return network->runner;
}

const DiffusionPredictor *
diffusion_network_get_predictor (const DiffusionNetwork *network)
{
  return &network->predictor;
}

const DiffusionSchedule *
diffusion_network_get_schedule (const DiffusionNetwork *network)
{
  return network->schedule;
}

DiffusionEditor
diffusion_network_get_editor (const DiffusionNetwork *network)
{
  const DiffusionSchedulerConfig *config = diffusion_model_get_scheduler (network->model);

  return (DiffusionEditor) { .schedule = network->schedule,
                             .parameterisation = diffusion_scheduler_config_get_parameterisation (config),
                             .predictor = &network->predictor };
}
