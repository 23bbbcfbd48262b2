/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise schedules: the tables that say how noisy x_t is, for all steps of training or for those a sampler takes. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DiffusionSchedule:
 * @steps: number of steps
 * @original_steps: T of the schedule that the network was trained with
 * @time_scale: what the network is told is @times[i]·@time_scale
 * @times: the 0-based t of each step in the original schedule, ascending; may be fractional
 * @betas: β_t
 * @alphas_cumprod: ᾱ_t = ∏ (1 − β_s)
 * @alphas_cumprod_prev: ᾱ_{t−1}, 1 at the first step
 * @alphas_cumprod_next: ᾱ_{t+1}, 0 at the last step
 * @sqrt_alphas_cumprod: √ᾱ_t
 * @sqrt_one_minus_alphas_cumprod: √(1 − ᾱ_t)
 * @sqrt_recip_alphas_cumprod: √(1 / ᾱ_t)
 * @sqrt_recipm1_alphas_cumprod: √(1 / ᾱ_t − 1)
 * @posterior_variance: β̃_t of DDPM eq. 7
 * @posterior_log_variance_clipped: log β̃_t, where the first step, whose variance is zero, takes the second's
 * @posterior_mean_coef1: the factor of x_0 in DDPM eq. 7
 * @posterior_mean_coef2: the factor of x_t in DDPM eq. 7
 * @large_variance: β_t, except β̃ of the second step at the first ("fixed large")
 * @large_log_variance: its logarithm
 *
 * Immutable tables of [steps] float64 values. A respaced schedule is one whose steps are a subset of another's:
 * samplers always walk through all steps of the schedule they are given.
 */
typedef struct
{
  gsize steps;
  gsize original_steps;
  double time_scale;
  const double *times;
  const double *betas;
  const double *alphas_cumprod;
  const double *alphas_cumprod_prev;
  const double *alphas_cumprod_next;
  const double *sqrt_alphas_cumprod;
  const double *sqrt_one_minus_alphas_cumprod;
  const double *sqrt_recip_alphas_cumprod;
  const double *sqrt_recipm1_alphas_cumprod;
  const double *posterior_variance;
  const double *posterior_log_variance_clipped;
  const double *posterior_mean_coef1;
  const double *posterior_mean_coef2;
  const double *large_variance;
  const double *large_log_variance;
} DiffusionSchedule;

/* More steps than any published model has; bounds what a file can make us allocate. */
#define DIFFUSION_MAX_STEPS 1000000

/**
 * diffusion_schedule_new_betas:
 * @betas: [steps] variances, each in (0, 1)
 * @steps: 1 to %DIFFUSION_MAX_STEPS
 * @error: return location for %DIFFUSION_ERROR_INVALID
 *
 * Returns: (transfer full) (nullable): a schedule with the β_t given, to be freed with diffusion_schedule_unref()
 */
DiffusionSchedule *diffusion_schedule_new_betas (const double *betas, gsize steps, GError **error);

/** diffusion_schedule_new_linear: β_t equally spaced from @first to @last (DDPM section 4: 1e-4, 0.02, T = 1000). */
DiffusionSchedule *diffusion_schedule_new_linear (gsize steps, double first, double last, GError **error);

/** diffusion_schedule_new_scaled_linear: √β_t equally spaced between the roots of @first and @last. */
DiffusionSchedule *diffusion_schedule_new_scaled_linear (gsize steps, double first, double last, GError **error);

/** diffusion_schedule_new_cosine: Nichol & Dhariwal 2021 eq. 17 with s = 0.008, β_t at most 0.999. */
DiffusionSchedule *diffusion_schedule_new_cosine (gsize steps, GError **error);

/**
 * diffusion_schedule_new_named:
 * @name: "linear", "scaled_linear", "cosine" (also "squaredcos_cap_v2") or "sigmoid"
 * @steps: T
 * @first: β_1; 0 for the usual value, which for "linear" is 1e-4 at T = 1000 and scaled by 1000/T elsewhere
 * @last: β_T; 0 for the usual value
 * @error: return location for %DIFFUSION_ERROR_UNSUPPORTED or %DIFFUSION_ERROR_INVALID
 *
 * Returns: (transfer full) (nullable): the schedule of that name
 */
DiffusionSchedule *diffusion_schedule_new_named (const char *name, gsize steps, double first, double last,
                                                 GError **error);

/**
 * diffusion_schedule_respace:
 * @schedule: the schedule to take steps from
 * @times: [steps] strictly ascending t in 0 … schedule->steps − 1; may be fractional
 * @steps: how many
 * @error: return location for %DIFFUSION_ERROR_INVALID
 *
 * A schedule that jumps from each of @times to the one before it and from the first to the picture:
 * β'_i = 1 − ᾱ(t_i) / ᾱ(t_{i−1}) (Nichol & Dhariwal 2021 section 4).
 *
 * Returns: (transfer full) (nullable): the shorter schedule
 */
DiffusionSchedule *diffusion_schedule_respace (const DiffusionSchedule *schedule, const double *times, gsize steps,
                                               GError **error);

/**
 * diffusion_schedule_rescale_timesteps:
 * @schedule: a schedule
 *
 * Returns: (transfer full): the same tables, for a network that wants t·1000/T instead of t
 *   ("rescale_timesteps" of improved-diffusion)
 */
DiffusionSchedule *diffusion_schedule_rescale_timesteps (const DiffusionSchedule *schedule);

DiffusionSchedule *diffusion_schedule_ref (const DiffusionSchedule *schedule);
void diffusion_schedule_unref (DiffusionSchedule *schedule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionSchedule, diffusion_schedule_unref)

/**
 * diffusion_schedule_log_sigma:
 * @schedule: a schedule
 * @t: 0-based index into its tables, may be fractional; clamped to the range the schedule covers
 *
 * Returns: log √((1 − ᾱ)/ᾱ), exact at whole t and linear in between. This quantity is half of −log SNR; it bends
 *   the least of those that name a noise level, and noise levels are equally perceptible in it.
 */
double diffusion_schedule_log_sigma (const DiffusionSchedule *schedule, double t);

/** diffusion_schedule_alpha_bar: ᾱ at a fractional t, by diffusion_schedule_log_sigma(). */
double diffusion_schedule_alpha_bar (const DiffusionSchedule *schedule, double t);

/**
 * diffusion_schedule_t_for_sigma:
 * @schedule: the schedule of the network
 * @sigma: standard deviation of the noise on the 0..255 scale
 *
 * The level at which x_t / √ᾱ is the picture plus noise of that deviation: √((1 − ᾱ)/ᾱ) = 2σ/255.
 *
 * Returns: the fractional 0-based t; 0 or the last step where the schedule has no such level
 */
double diffusion_schedule_t_for_sigma (const DiffusionSchedule *schedule, double sigma);

/** diffusion_schedule_sigma_for_t: the inverse of diffusion_schedule_t_for_sigma(), in 0..255 units. */
double diffusion_schedule_sigma_for_t (const DiffusionSchedule *schedule, double t);

/** diffusion_schedule_model_time: what the network is told at step @index. */
double diffusion_schedule_model_time (const DiffusionSchedule *schedule, gsize index);

/** diffusion_schedule_model_time_at: what the network is told at a fractional index @t. */
double diffusion_schedule_model_time_at (const DiffusionSchedule *schedule, double t);

G_END_DECLS
