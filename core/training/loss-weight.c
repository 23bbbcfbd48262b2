/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much each noise level counts in training. */
#include "core/training/loss-weight.h"

#include <math.h>

#define MIN_SNR_LIMIT 5

/* What the squared error of x_0 is multiplied by where the squared error of @mean is taken. */
static double
own_weight (const DiffusionSchedule *schedule, gsize index, DiffusionMeanType mean, double snr)
{
  switch (mean)
    {
    case DIFFUSION_MEAN_EPSILON:
      return snr;
    case DIFFUSION_MEAN_V:
      return snr + 1;
    case DIFFUSION_MEAN_PREVIOUS_X:
      return pow (schedule->posterior_mean_coef1[index], 2);
    default:
      return 1;
    }
}

double
diffusion_loss_weight (DiffusionLossWeighting weighting,
                       const DiffusionSchedule *schedule,
                       gsize index,
                       DiffusionMeanType mean)
{
  double kept = schedule->alphas_cumprod[index], snr = kept / (1 - kept), wanted;

  switch (weighting)
    {
    case DIFFUSION_WEIGHTING_EPSILON:
      wanted = snr;
      break;
    case DIFFUSION_WEIGHTING_TRUNCATED_SNR:
      wanted = MAX (snr, 1);
      break;
    case DIFFUSION_WEIGHTING_SNR_PLUS_ONE:
      wanted = snr + 1;
      break;
    case DIFFUSION_WEIGHTING_MIN_SNR:
      wanted = MIN (snr, MIN_SNR_LIMIT);
      break;
    case DIFFUSION_WEIGHTING_P2:
      wanted = snr / (1 + snr);
      break;
    default:
      return 1;
    }
  return wanted / own_weight (schedule, index, mean, snr);
}
