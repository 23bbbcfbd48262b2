/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise schedules. Tables are computed in float64 in the order of operations of the published implementations:
 * 1 − ᾱ near zero magnifies any other rounding. */
#include "core/diffusion/schedule.h"

#include <math.h>
#include <stdatomic.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

enum { TABLES = 15 };

typedef struct
{
  DiffusionSchedule tables;
  atomic_int references;
  double values[];
} Schedule;

static DiffusionSchedule *
schedule_new (const double *betas, const double *times, gsize steps, gsize original_steps, double time_scale)
{
  Schedule *self = g_malloc0 (sizeof (Schedule) + TABLES * steps * sizeof (double));
  double *table[TABLES];
  double product = 1.0;

  for (int i = 0; i < TABLES; i++)
    table[i] = self->values + (gsize) i * steps;

  for (gsize i = 0; i < steps; i++)
    {
      table[0][i] = times != NULL ? times[i] : (double) i;
      table[1][i] = betas[i];
      table[3][i] = product;
      product *= 1.0 - betas[i];
      table[2][i] = product;
    }
  for (gsize i = 0; i < steps; i++)
    {
      double bar = table[2][i], previous = table[3][i], alpha = 1.0 - betas[i];

      table[4][i] = i + 1 < steps ? table[2][i + 1] : 0.0;
      table[5][i] = sqrt (bar);
      table[6][i] = sqrt (1.0 - bar);
      table[7][i] = sqrt (1.0 / bar);
      table[8][i] = sqrt (1.0 / bar - 1.0);
      table[9][i] = betas[i] * (1.0 - previous) / (1.0 - bar);
      table[11][i] = betas[i] * sqrt (previous) / (1.0 - bar);
      table[12][i] = (1.0 - previous) * sqrt (alpha) / (1.0 - bar);
    }
  for (gsize i = 0; i < steps; i++)
    {
      double small = i > 0 ? table[9][i] : steps > 1 ? table[9][1] : betas[0];

      table[10][i] = log (small);
      table[13][i] = i > 0 ? betas[i] : small;
      table[14][i] = log (table[13][i]);
    }
  self->tables = (DiffusionSchedule) {
    .steps = steps,
    .original_steps = original_steps,
    .time_scale = time_scale,
    .times = table[0],
    .betas = table[1],
    .alphas_cumprod = table[2],
    .alphas_cumprod_prev = table[3],
    .alphas_cumprod_next = table[4],
    .sqrt_alphas_cumprod = table[5],
    .sqrt_one_minus_alphas_cumprod = table[6],
    .sqrt_recip_alphas_cumprod = table[7],
    .sqrt_recipm1_alphas_cumprod = table[8],
    .posterior_variance = table[9],
    .posterior_log_variance_clipped = table[10],
    .posterior_mean_coef1 = table[11],
    .posterior_mean_coef2 = table[12],
    .large_variance = table[13],
    .large_log_variance = table[14],
  };
  atomic_init (&self->references, 1);
  return &self->tables;
}

static gboolean
check_steps (gsize steps, GError **error)
{
  if (steps >= 1 && steps <= DIFFUSION_MAX_STEPS)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
               _("Noise schedule: %.0f steps, expected 1 to %d"), (double) steps, DIFFUSION_MAX_STEPS);
  return FALSE;
}

DiffusionSchedule *
diffusion_schedule_new_betas (const double *betas, gsize steps, GError **error)
{
  if (!check_steps (steps, error))
    return NULL;
  for (gsize i = 0; i < steps; i++)
    /* Written so that NaN fails too. */
    if (!(betas[i] > 0.0 && betas[i] < 1.0))
      {
        g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                     _("Noise schedule: beta of step %u is %g, expected more than 0 and less than 1"),
                     (guint) i + 1, betas[i]);
        return NULL;
      }
  return schedule_new (betas, NULL, steps, steps, 1.0);
}

/* Both ends are met exactly and the others are index · spacing + first. */
static double
spaced (double first, double last, gsize index, gsize count)
{
  if (index + 1 == count && count > 1)
    return last;
  return count > 1 ? (double) index * ((last - first) / (double) (count - 1)) + first : first;
}

static double
cosine_alpha_bar (double fraction)
{
  double c = cos ((fraction + 0.008) / 1.008 * G_PI / 2);

  return c * c;
}

DiffusionSchedule *
diffusion_schedule_new_linear (gsize steps, double first, double last, GError **error)
{
  g_autofree double *betas = NULL;

  if (!check_steps (steps, error))
    return NULL;
  betas = g_new (double, steps);
  for (gsize i = 0; i < steps; i++)
    betas[i] = spaced (first, last, i, steps);
  return diffusion_schedule_new_betas (betas, steps, error);
}

DiffusionSchedule *
diffusion_schedule_new_scaled_linear (gsize steps, double first, double last, GError **error)
{
  g_autofree double *betas = NULL;

  if (!check_steps (steps, error))
    return NULL;
  betas = g_new (double, steps);
  for (gsize i = 0; i < steps; i++)
    {
      double root = spaced (sqrt (first), sqrt (last), i, steps);

      betas[i] = root * root;
    }
  return diffusion_schedule_new_betas (betas, steps, error);
}

DiffusionSchedule *
diffusion_schedule_new_cosine (gsize steps, GError **error)
{
  g_autofree double *betas = NULL;

  if (!check_steps (steps, error))
    return NULL;
  betas = g_new (double, steps);
  for (gsize i = 0; i < steps; i++)
    {
      double from = (double) i / (double) steps, to = (double) (i + 1) / (double) steps;

      betas[i] = MIN (1.0 - cosine_alpha_bar (to) / cosine_alpha_bar (from), 0.999);
    }
  return diffusion_schedule_new_betas (betas, steps, error);
}

static DiffusionSchedule *
schedule_new_sigmoid (gsize steps, double first, double last, GError **error)
{
  g_autofree double *betas = NULL;

  if (!check_steps (steps, error))
    return NULL;
  betas = g_new (double, steps);
  for (gsize i = 0; i < steps; i++)
    betas[i] = (last - first) / (1.0 + exp (-spaced (-6.0, 6.0, i, steps))) + first;
  return diffusion_schedule_new_betas (betas, steps, error);
}

DiffusionSchedule *
diffusion_schedule_new_named (const char *name, gsize steps, double first, double last, GError **error)
{
  /* The total noise of a linear schedule stays what it is at T = 1000. */
  double scale = g_str_equal (name, "linear") && steps > 0 ? 1000.0 / (double) steps : 1.0;

  first = first != 0.0 ? first : scale * 0.0001;
  last = last != 0.0 ? last : scale * 0.02;
  if (g_str_equal (name, "linear"))
    return diffusion_schedule_new_linear (steps, first, last, error);
  if (g_str_equal (name, "scaled_linear"))
    return diffusion_schedule_new_scaled_linear (steps, first, last, error);
  if (g_str_equal (name, "cosine") || g_str_equal (name, "squaredcos_cap_v2"))
    return diffusion_schedule_new_cosine (steps, error);
  if (g_str_equal (name, "sigmoid"))
    return schedule_new_sigmoid (steps, first, last, error);
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
               _("Noise schedule “%s” is not known, expected linear, scaled_linear, cosine, squaredcos_cap_v2 or "
                 "sigmoid"),
               name);
  return NULL;
}

/* The entry of the original schedule at a fractional index. */
static double
time_at (const DiffusionSchedule *schedule, double t)
{
  gsize low = (gsize) t;

  if (low + 1 >= schedule->steps)
    return schedule->times[schedule->steps - 1];
  return schedule->times[low] + (t - (double) low) * (schedule->times[low + 1] - schedule->times[low]);
}

DiffusionSchedule *
diffusion_schedule_respace (const DiffusionSchedule *schedule, const double *times, gsize steps, GError **error)
{
  g_autofree double *betas = NULL;
  g_autofree double *original = NULL;
  double previous = 1.0;

  if (!check_steps (steps, error))
    return NULL;
  betas = g_new (double, steps);
  original = g_new (double, steps);
  for (gsize i = 0; i < steps; i++)
    {
      double bar;

      if (!(times[i] >= 0.0 && times[i] <= (double) (schedule->steps - 1)) || (i > 0 && times[i] <= times[i - 1]))
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                       _("Timestep %g is out of order or out of range, expected ascending values from 0 to %u"),
                       times[i], (guint) schedule->steps - 1);
          return NULL;
        }
      bar = diffusion_schedule_alpha_bar (schedule, times[i]);
      betas[i] = 1.0 - bar / previous;
      original[i] = time_at (schedule, times[i]);
      previous = bar;
    }
  return schedule_new (betas, original, steps, schedule->original_steps, schedule->time_scale);
}

DiffusionSchedule *
diffusion_schedule_rescale_timesteps (const DiffusionSchedule *schedule)
{
  return schedule_new (schedule->betas, schedule->times, schedule->steps, schedule->original_steps,
                       1000.0 / (double) schedule->original_steps);
}

DiffusionSchedule *
diffusion_schedule_ref (const DiffusionSchedule *schedule)
{
  Schedule *self = (Schedule *) schedule;

  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return &self->tables;
}

void
diffusion_schedule_unref (DiffusionSchedule *schedule)
{
  Schedule *self = (Schedule *) schedule;

  if (self != NULL && atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) == 1)
    g_free (self);
}

static double
log_sigma_of (double alpha_bar)
{
  return 0.5 * (log1p (-alpha_bar) - log (alpha_bar));
}

double
diffusion_schedule_log_sigma (const DiffusionSchedule *schedule, double t)
{
  gsize low;
  double fraction, sigma;

  t = CLAMP (t, 0.0, (double) (schedule->steps - 1));
  low = (gsize) t;
  fraction = t - (double) low;
  sigma = log_sigma_of (schedule->alphas_cumprod[low]);
  if (fraction == 0.0)
    return sigma;
  return sigma + fraction * (log_sigma_of (schedule->alphas_cumprod[low + 1]) - sigma);
}

double
diffusion_schedule_alpha_bar (const DiffusionSchedule *schedule, double t)
{
  t = CLAMP (t, 0.0, (double) (schedule->steps - 1));
  if (t == floor (t))
    return schedule->alphas_cumprod[(gsize) t];
  return 1.0 / (1.0 + exp (2.0 * diffusion_schedule_log_sigma (schedule, t)));
}

double
diffusion_schedule_t_for_sigma (const DiffusionSchedule *schedule, double sigma)
{
  double wanted = log (2.0 * sigma / 255.0);
  gsize low = 0, high = schedule->steps - 1;
  double from, to;

  if (!(wanted > log_sigma_of (schedule->alphas_cumprod[low])))
    return 0.0;
  if (wanted >= log_sigma_of (schedule->alphas_cumprod[high]))
    return (double) high;
  /* Invariant: level (low) < wanted < level (high). */
  while (high - low > 1)
    {
      gsize middle = low + (high - low) / 2;

      if (log_sigma_of (schedule->alphas_cumprod[middle]) < wanted)
        low = middle;
      else
        high = middle;
    }
  from = log_sigma_of (schedule->alphas_cumprod[low]);
  to = log_sigma_of (schedule->alphas_cumprod[high]);
  return (double) low + (wanted - from) / (to - from);
}

double
diffusion_schedule_sigma_for_t (const DiffusionSchedule *schedule, double t)
{
  return 255.0 / 2.0 * exp (diffusion_schedule_log_sigma (schedule, t));
}

double
diffusion_schedule_model_time (const DiffusionSchedule *schedule, gsize index)
{
  return schedule->times[index] * schedule->time_scale;
}

double
diffusion_schedule_model_time_at (const DiffusionSchedule *schedule, double t)
{
  return time_at (schedule, CLAMP (t, 0.0, (double) (schedule->steps - 1))) * schedule->time_scale;
}
