/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model with its weights in memory, and all that is needed to use it. */
#include "core/model/network.h"

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/diffusion/picture-means.h"
#include "core/imaging/photo-predictor.h"
#include "core/model/card-colours.h"

struct _DiffusionNetwork
{
  DiffusionModel *model;
  DiffusionParams *params;
  DiffusionUnetRunner *runner;    /* (nullable) */
  DiffusionPhotoPredictor *photo; /* (nullable) */
  DiffusionMeanColours *colours;  /* (nullable) */
  DiffusionPictureMeans means;
  DiffusionPredictor predictor;
  DiffusionSchedule *schedule;
};

static gboolean
open_photo (DiffusionNetwork *network, DiffusionPrecision precision, GError **error)
{
  DiffusionPhotoModel *model = diffusion_photo_model_open (diffusion_model_get_path (network->model), error);

  if (model == NULL)
    return FALSE;
  network->photo = diffusion_photo_predictor_new (model, network->schedule, precision);
  network->predictor = diffusion_photo_predictor_get (network->photo);
  return TRUE;
}

static gboolean
open_unet (DiffusionNetwork *network, const DiffusionUnetConfig *config, DiffusionPrecision precision, GError **error)
{
  DiffusionPredictor bare;

  network->params = diffusion_params_new ();
  diffusion_unet_declare_params (config, network->params);
  if (!diffusion_model_load (network->model, network->params, TRUE, error))
    return FALSE;
  network->runner = diffusion_unet_runner_new (config, network->params, precision);
  network->colours = diffusion_card_get_mean_colours (diffusion_model_get_card (network->model));
  bare = diffusion_unet_runner_get_predictor (network->runner);
  network->predictor = bare;
  if (config->head == DIFFUSION_HEAD_IMAGE)
    network->predictor
      = diffusion_picture_means_init (&network->means, &bare, (gsize) config->pixel_unshuffle, network->colours,
                                      network->schedule, diffusion_model_get_scheduler (network->model)->mean);
  return TRUE;
}

DiffusionNetwork *
diffusion_network_new (DiffusionModel *model, DiffusionPrecision precision, GError **error)
{
  const DiffusionUnetConfig *config = diffusion_model_get_unet (model);
  g_autoptr (DiffusionNetwork) network = g_new0 (DiffusionNetwork, 1);

  network->model = diffusion_model_ref (model);
  network->schedule = diffusion_scheduler_config_make_schedule (diffusion_model_get_scheduler (model), error);
  if (network->schedule == NULL)
    return NULL;
  if (!(config != NULL ? open_unet (network, config, precision, error) : open_photo (network, precision, error)))
    return NULL;
  return g_steal_pointer (&network);
}

void
diffusion_network_free (DiffusionNetwork *network)
{
  if (network == NULL)
    return;
  g_clear_pointer (&network->photo, diffusion_photo_predictor_free);
  g_clear_pointer (&network->runner, diffusion_unet_runner_free);
  g_clear_pointer (&network->colours, g_free);
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

gsize
diffusion_network_get_memory (const DiffusionNetwork *network, gsize height, gsize width)
{
  const DiffusionUnetConfig *config = diffusion_model_get_unet (network->model);
  DiffusionUnetCost cost;
  gint multiple = (gint) MAX (1, network->predictor.multiple);
  gint h = ((gint) height + multiple - 1) / multiple * multiple, w = ((gint) width + multiple - 1) / multiple * multiple;

  if (config == NULL)
    return diffusion_photo_predictor_get_weight_bytes (network->photo)
           + diffusion_photo_predictor_get_memory (network->photo, (gint) height, (gint) width);
  if (!diffusion_unet_get_cost (config, network->params, 1, h, w, DIFFUSION_RUN_INFERENCE, &cost, NULL))
    return diffusion_params_get_bytes (network->params);
  return (gsize) (cost.weight_bytes + cost.run_bytes);
}

DiffusionEditor
diffusion_network_get_editor (const DiffusionNetwork *network)
{
  const DiffusionSchedulerConfig *config = diffusion_model_get_scheduler (network->model);

  return (DiffusionEditor) { .schedule = network->schedule,
                             .last_t = network->photo != NULL ? diffusion_photo_predictor_get_last_t (network->schedule)
                                                              : (double) (network->schedule->steps - 1),
                             .parameterisation = diffusion_scheduler_config_get_parameterisation (config),
                             .predictor = &network->predictor };
}
