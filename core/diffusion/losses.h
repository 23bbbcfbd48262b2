/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a network is trained on. */
#pragma once

#include "core/diffusion/bound.h"
#include "core/diffusion/parameterisation.h"

G_BEGIN_DECLS

/**
 * DiffusionLossType:
 * @DIFFUSION_LOSS_MSE: mean squared error of the predicted quantity (DDPM eq. 14)
 * @DIFFUSION_LOSS_L1: mean absolute error
 * @DIFFUSION_LOSS_HYBRID: MSE, plus the bound for a learned variance with the mean held fixed, times T/1000
 *   (Nichol & Dhariwal 2021 eq. 16)
 * @DIFFUSION_LOSS_BOUND: the bound alone, for mean and variance (DDPM eq. 5)
 */
typedef enum
{
  DIFFUSION_LOSS_MSE,
  DIFFUSION_LOSS_L1,
  DIFFUSION_LOSS_HYBRID,
  DIFFUSION_LOSS_BOUND
} DiffusionLossType;

/**
 * DiffusionLoss:
 * @simple: the error of the predicted quantity; 0 for %DIFFUSION_LOSS_BOUND
 * @bound: the bound in bits per dimension, weighted as it enters @total; 0 where it does not
 * @total: what is trained on
 */
typedef struct
{
  double simple, bound, total;
} DiffusionLoss;

/**
 * diffusion_loss:
 * @type: which loss
 * @schedule: the schedule
 * @index: the step t
 * @parameterisation: what @output is; clipping is not applied
 * @x0: [pixels, channels] the picture
 * @noise: [pixels, channels] ε that @x_t was made with
 * @x_t: [pixels, channels]
 * @output: [pixels, channels] or, if the variance is learned, [pixels, 2·channels]
 * @pixels: number of pixels
 * @channels: channels of x_t
 * @gradient: (out caller-allocates) (nullable): like @output: d total / d output
 *
 * The loss of one training example, averaged over its values. The mean over a batch divides by the batch size.
 */
DiffusionLoss diffusion_loss (DiffusionLossType type, const DiffusionSchedule *schedule, gsize index,
                              const DiffusionParameterisation *parameterisation, const float *x0, const float *noise,
                              const float *x_t, const float *output, gsize pixels, gsize channels, float *gradient);

/** diffusion_loss_target: [count] the quantity that the mean type predicts; @target may be any input. */
void diffusion_loss_target (const DiffusionSchedule *schedule, gsize index, DiffusionMeanType mean, const float *x0,
                            const float *noise, const float *x_t, gsize count, float *target);

G_END_DECLS
