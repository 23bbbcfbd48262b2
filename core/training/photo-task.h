/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Training the photo model to see noise in photographs. */
#pragma once

#include "core/diffusion/losses.h"
#include "core/model/photo-model.h"
#include "core/training/dataset.h"
#include "core/training/train-task.h"

G_BEGIN_DECLS

typedef enum
{
  DIFFUSION_NOISE_WHITE,
  DIFFUSION_NOISE_CAMERA,
  DIFFUSION_NOISE_MIX
} DiffusionNoiseKind;

/**
 * DiffusionPhotoTaskOptions:
 * @config: the network
 * @augmentation: how patches are cut from the pictures
 * @noise: what ε is
 * @loss: %DIFFUSION_LOSS_L1 or %DIFFUSION_LOSS_MSE, of ε
 * @sigma_least: least noise, 0..255 units
 * @sigma_most: greatest noise
 * @uniform_share: share of the examples whose σ is uniform between the two; the others' is log-uniform
 * @jpeg_share: share of the examples with camera noise that went through a JPEG file
 * @camera_share: of %DIFFUSION_NOISE_MIX, the share of the examples with a camera's noise
 * @misjudged_share: share of the examples whose σ is told wrong, so that the network does not take an estimate at its word
 * @precision: of the matrix products
 */
typedef struct
{
  DiffusionPhotoConfig config;
  DiffusionAugmentation augmentation;
  DiffusionNoiseKind noise;
  DiffusionLossType loss;
  double sigma_least;
  double sigma_most;
  double uniform_share;
  double jpeg_share;
  double camera_share;
  double misjudged_share;
  DiffusionPrecision precision;
} DiffusionPhotoTaskOptions;

/** diffusion_photo_task_options_default: the recipe of the model that ships. */
DiffusionPhotoTaskOptions diffusion_photo_task_options_default (void);

/**
 * diffusion_photo_task_new:
 * @dataset: (transfer none): clean photographs; must outlive the task
 *
 * ε-prediction at a continuous noise level (DDPM eq. 14 with t drawn so that the noise has a deviation σ of
 * @sigma_least to @sigma_most): x_t = (x_0 + r·ε)/√(1 + r²), r = 2σ/255.
 */
DiffusionTrainTask *diffusion_photo_task_new (const DiffusionPhotoTaskOptions *options,
                                              const DiffusionDataset *dataset);

G_END_DECLS
