/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training U-Nets: generators, class-conditional ones, upsamplers. */
#pragma once

#include "core/diffusion/losses.h"
#include "core/model/scheduler-config.h"
#include "core/model/unet.h"
#include "core/training/dataset.h"
#include "core/training/loss-weight.h"
#include "core/training/timesteps.h"
#include "core/training/train-task.h"

G_BEGIN_DECLS

/**
 * DiffusionUnetTaskOptions:
 * @config: the network; with learned variance its output has twice the channels
 * @scheduler: noise schedule, and what the network predicts; what it points to must outlive the task
 * @loss: the objective
 * @weighting: what the losses of each t are multiplied by
 * @timesteps: how t is drawn
 * @t_first: lowest t, 0-based
 * @t_last: highest t
 * @augmentation: how pictures are varied
 * @low_res_factor: for networks with a low-resolution input: how much smaller it is
 * @precision: of the matrix products
 */
typedef struct
{
  DiffusionUnetConfig config;
  DiffusionSchedulerConfig scheduler;
  DiffusionLossType loss;
  DiffusionLossWeighting weighting;
  DiffusionTimestepDistribution timesteps;
  gsize t_first;
  gsize t_last;
  DiffusionAugmentation augmentation;
  gint low_res_factor;
  DiffusionPrecision precision;
} DiffusionUnetTaskOptions;

/**
 * diffusion_unet_task_new:
 * @options: what to train
 * @dataset: (transfer none): pictures, with classes where the network knows any; must outlive the task
 * @error: return location for %DIFFUSION_ERROR_INVALID where network, objective and data do not fit together
 *
 * DDPM algorithm 1 with the objectives of diffusion_loss(). The low-resolution input of upsamplers is the picture
 * reduced by area averaging (Dhariwal & Nichol 2021, section 4.4).
 *
 * Returns: (transfer full) (nullable): the task
 */
DiffusionTrainTask *diffusion_unet_task_new (const DiffusionUnetTaskOptions *options, const DiffusionDataset *dataset,
                                             GError **error);

G_END_DECLS
