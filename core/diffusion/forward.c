/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The forward process. */
#include "core/diffusion/forward.h"

#include <math.h>

static void
combine (double first, const float *a, double second, const float *b, gsize count, float *out)
{
  float f = (float) first, s = (float) second;

  for (gsize i = 0; i < count; i++)
    out[i] = f * a[i] + s * b[i];
}

void
diffusion_forward (const DiffusionSchedule *schedule, gsize index, const float *x0, const float *noise, gsize count,
                   float *x_t)
{
  combine (schedule->sqrt_alphas_cumprod[index], x0, schedule->sqrt_one_minus_alphas_cumprod[index], noise, count,
           x_t);
}

void
diffusion_forward_level (double alpha_bar, const float *x0, const float *noise, gsize count, float *x_t)
{
  combine (sqrt (alpha_bar), x0, sqrt (1.0 - alpha_bar), noise, count, x_t);
}

void
diffusion_forward_step (const DiffusionSchedule *schedule, gsize index, const float *x, const float *noise,
                        gsize count, float *x_t)
{
  combine (sqrt (1.0 - schedule->betas[index]), x, sqrt (schedule->betas[index]), noise, count, x_t);
}

void
diffusion_forward_posterior_mean (const DiffusionSchedule *schedule, gsize index, const float *x0, const float *x_t,
                                  gsize count, float *mean)
{
  combine (schedule->posterior_mean_coef1[index], x0, schedule->posterior_mean_coef2[index], x_t, count, mean);
}
