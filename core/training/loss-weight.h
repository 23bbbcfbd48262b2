/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much each noise level counts in training. */
#pragma once

#include "core/diffusion/parameterisation.h"

G_BEGIN_DECLS

/**
 * DiffusionLossWeighting:
 * @DIFFUSION_WEIGHTING_NONE: the squared error of whatever is predicted, as it is (L_simple for ε, DDPM eq. 14)
 * @DIFFUSION_WEIGHTING_EPSILON: as if ε were predicted: the error of x_0 times SNR
 * @DIFFUSION_WEIGHTING_TRUNCATED_SNR: the error of x_0 times max (SNR, 1) (Salimans & Ho 2022, section 4)
 * @DIFFUSION_WEIGHTING_SNR_PLUS_ONE: the error of x_0 times SNR + 1, that of v (the same section)
 * @DIFFUSION_WEIGHTING_MIN_SNR: the error of x_0 times min (SNR, 5) (Hang et al. 2023, section 3.4)
 * @DIFFUSION_WEIGHTING_P2: the error of ε over 1 + SNR (Choi et al. 2022, eq. 8 with k = γ = 1)
 *
 * SNR = ᾱ/(1 − ᾱ).
 */
typedef enum
{
  DIFFUSION_WEIGHTING_NONE,
  DIFFUSION_WEIGHTING_EPSILON,
  DIFFUSION_WEIGHTING_TRUNCATED_SNR,
  DIFFUSION_WEIGHTING_SNR_PLUS_ONE,
  DIFFUSION_WEIGHTING_MIN_SNR,
  DIFFUSION_WEIGHTING_P2
} DiffusionLossWeighting;

/**
 * diffusion_loss_weight:
 * @index: the step t
 * @mean: what the network predicts, and so what its loss is the squared error of
 *
 * Returns: the factor that turns the squared error of the predicted quantity into the weighted one
 */
double diffusion_loss_weight (DiffusionLossWeighting weighting, const DiffusionSchedule *schedule, gsize index,
                              DiffusionMeanType mean);

G_END_DECLS
