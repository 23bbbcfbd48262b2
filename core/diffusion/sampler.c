/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One reverse step of each sampler. Float32 in the published order of operations. */
#include "core/diffusion/sampler.h"

#include <math.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/diffusion/parameterisation.h"

static void
ancestral_step (const DiffusionStep *step, gsize count, float *out)
{
  for (gsize i = 0; i < count; i++)
    /* The last step is drawn at its mean. */
    out[i] = step->index > 0 ? step->mean[i] + expf (0.5f * step->log_variance[i]) * step->z[i] : step->mean[i];
}

static void
ddim_step (const DiffusionStep *step, gsize count, float *out)
{
  float bar = (float) step->schedule->alphas_cumprod[step->index];
  float bar_prev = (float) step->schedule->alphas_cumprod_prev[step->index];
  float sigma = (float) step->eta * sqrtf ((1.0f - bar_prev) / (1.0f - bar)) * sqrtf (1.0f - bar / bar_prev);
  float of_x0 = sqrtf (bar_prev);
  /* η above 1 can ask for more noise than the next level has. */
  float of_epsilon = sqrtf (MAX (1.0f - bar_prev - sigma * sigma, 0.0f));

  if (step->index > 0 && sigma > 0.0f)
    for (gsize i = 0; i < count; i++)
      out[i] = step->x0[i] * of_x0 + of_epsilon * step->epsilon[i] + sigma * step->z[i];
  else
    for (gsize i = 0; i < count; i++)
      out[i] = step->x0[i] * of_x0 + of_epsilon * step->epsilon[i];
}

static void
ddim_inverse_step (const DiffusionStep *step, gsize count, float *out)
{
  float bar_next = (float) step->schedule->alphas_cumprod_next[step->index];
  float of_x0 = sqrtf (bar_next), of_epsilon = sqrtf (1.0f - bar_next);

  for (gsize i = 0; i < count; i++)
    out[i] = step->x0[i] * of_x0 + of_epsilon * step->epsilon[i];
}

/* log (α / σ), infinite at the picture. */
static double
half_log_snr (double alpha_bar)
{
  return 0.5 * (log (alpha_bar) - log1p (-alpha_bar));
}

static void
dpmpp_2m_step (const DiffusionStep *step, gsize count, float *out)
{
  const DiffusionSchedule *schedule = step->schedule;
  double bar = schedule->alphas_cumprod[step->index], bar_prev = schedule->alphas_cumprod_prev[step->index];
  double h = half_log_snr (bar_prev) - half_log_snr (bar);
  double growth = sqrt (bar_prev) * -expm1 (-h);
  float of_x = (float) (sqrt (1.0 - bar_prev) / sqrt (1.0 - bar));
  float of_x0 = (float) growth, of_previous = 0.0f;

  /* Straight from the last level to the picture there is no second order: h is infinite. */
  if (step->previous >= 0 && step->index > 0)
    {
      double r = (half_log_snr (bar) - half_log_snr (schedule->alphas_cumprod[step->previous])) / h;

      of_x0 = (float) (growth * (1.0 + 0.5 / r));
      of_previous = (float) (-growth * 0.5 / r);
    }
  if (of_previous != 0.0f)
    for (gsize i = 0; i < count; i++)
      out[i] = of_x * step->x_t[i] + of_x0 * step->x0[i] + of_previous * step->previous_x0[i];
  else
    for (gsize i = 0; i < count; i++)
      out[i] = of_x * step->x_t[i] + of_x0 * step->x0[i];
}

const DiffusionSampler diffusion_sampler_ancestral = {
  .name = "ancestral", .needs_posterior = TRUE, .needs_noise = TRUE, .step = ancestral_step
};

const DiffusionSampler diffusion_sampler_ddim = { .name = "ddim", .needs_noise_for_eta = TRUE, .step = ddim_step };

const DiffusionSampler diffusion_sampler_ddim_inverse = {
  .name = "ddim-inverse", .inverse = TRUE, .step = ddim_inverse_step
};

const DiffusionSampler diffusion_sampler_dpmpp_2m = {
  .name = "dpm++", .needs_history = TRUE, .open_spacing = TRUE, .step = dpmpp_2m_step
};

const DiffusionSampler *
diffusion_sampler_find (const char *name, GError **error)
{
  const DiffusionSampler *all[] = { &diffusion_sampler_ancestral, &diffusion_sampler_ddim,
                                    &diffusion_sampler_dpmpp_2m, &diffusion_sampler_ddim_inverse };

  for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
    if (g_str_equal (name, all[i]->name))
      return all[i];
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
               _("Sampler “%s” is not known, expected ancestral, ddim or dpm++"), name);
  return NULL;
}

void
diffusion_guide_mean (const float *variance, const float *gradient, gsize count, float *mean)
{
  for (gsize i = 0; i < count; i++)
    mean[i] = mean[i] + variance[i] * gradient[i];
}

double
diffusion_guide_share (const DiffusionSchedule *schedule, gsize index, const float *gradient, gsize count)
{
  double bar = schedule->alphas_cumprod[index], bar_prev = schedule->alphas_cumprod_prev[index];
  double square = 0.0, variance, move;

  for (gsize i = 0; i < count; i++)
    square += (double) gradient[i] * gradient[i];
  /* Two pictures in [−1, 1] differ by 2 at most. */
  if (sqrt (square / (double) count) * (1.0 - bar) / sqrt (bar) <= 2.0)
    return 1.0;
  variance = (1.0 - bar_prev) / (1.0 - bar) * (1.0 - bar / bar_prev);
  move = sqrt (1.0 - bar) * (sqrt (bar_prev * (1.0 - bar) / bar) - sqrt (1.0 - bar_prev));
  return MIN (variance / move, 1.0);
}

void
diffusion_guide_prediction (const DiffusionSchedule *schedule, gsize index, const float *x_t, const float *gradient,
                            gsize count, float *epsilon, float *x0)
{
  float factor = sqrtf (1.0f - (float) schedule->alphas_cumprod[index]);

  for (gsize i = 0; i < count; i++)
    epsilon[i] = epsilon[i] - factor * gradient[i];
  diffusion_epsilon_to_x0 (schedule, index, x_t, epsilon, count, x0);
  /* Rounded as x̂_0 is: near t = 0 the two forms differ by a hundred roundings, and published samplers go on from
   * x̂_0. */
  diffusion_x0_to_epsilon (schedule, index, x_t, x0, count, epsilon);
}
