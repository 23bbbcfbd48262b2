/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which t a training example gets. */
#include "core/training/timesteps.h"

#include <math.h>

/* Losses remembered of each t, and the share of draws that stays uniform (Nichol & Dhariwal 2021, section 3.3). */
#define HISTORY 10
#define UNIFORM_SHARE 0.001

struct _DiffusionTimesteps
{
  DiffusionTimestepDistribution distribution;
  gsize first, n;
  /* [n, 1 + HISTORY]: how many losses a t has had, then the last of them in turn. */
  float *state;
};

DiffusionTimesteps *
diffusion_timesteps_new (DiffusionTimestepDistribution distribution, gsize first, gsize last)
{
  DiffusionTimesteps *timesteps = g_new0 (DiffusionTimesteps, 1);

  timesteps->distribution = distribution;
  timesteps->first = first;
  timesteps->n = last - first + 1;
  if (distribution == DIFFUSION_TIMESTEPS_IMPORTANCE)
    timesteps->state = g_new0 (float, timesteps->n * (1 + HISTORY));
  return timesteps;
}

void
diffusion_timesteps_free (DiffusionTimesteps *timesteps)
{
  if (timesteps == NULL)
    return;
  g_free (timesteps->state);
  g_free (timesteps);
}

/* √E[L²] of one t; −1 while it has had fewer than ten losses. */
static double
root_mean_square (const DiffusionTimesteps *timesteps, gsize index)
{
  const float *losses = timesteps->state + index * (1 + HISTORY);
  double sum = 0;

  if (losses[0] < HISTORY)
    return -1;
  for (gsize i = 1; i <= HISTORY; i++)
    sum += (double) losses[i] * losses[i];
  return sqrt (sum / HISTORY);
}

static gsize
draw_by_importance (const DiffusionTimesteps *timesteps, double u, double *weight)
{
  double n = (double) timesteps->n, total = 0, sum = 0;

  for (gsize i = 0; i < timesteps->n; i++)
    {
      double value = root_mean_square (timesteps, i);

      if (value < 0)
        {
          *weight = 1;
          return (gsize) (u * n);
        }
      total += value;
    }
  for (gsize i = 0; i < timesteps->n; i++)
    {
      double p = UNIFORM_SHARE / n;

      p += total > 0 ? (1 - UNIFORM_SHARE) * root_mean_square (timesteps, i) / total : (1 - UNIFORM_SHARE) / n;
      sum += p;
      if (u < sum || i + 1 == timesteps->n)
        {
          *weight = 1 / (n * p);
          return i;
        }
    }
  return 0;
}

gsize
diffusion_timesteps_draw (const DiffusionTimesteps *timesteps, const DiffusionStream *stream, gint example,
                          double *weight)
{
  double u = diffusion_random_uniform (stream, example, 0, 0);
  gsize index;

  *weight = 1;
  switch (timesteps->distribution)
    {
    case DIFFUSION_TIMESTEPS_IMPORTANCE:
      index = draw_by_importance (timesteps, u, weight);
      break;
    case DIFFUSION_TIMESTEPS_LOW:
      /* The inverse of the distribution function 1 − (1 − x)². */
      index = (gsize) ((1 - sqrt (1 - u)) * (double) timesteps->n);
      break;
    default:
      index = (gsize) (u * (double) timesteps->n);
    }
  return timesteps->first + MIN (index, timesteps->n - 1);
}

void
diffusion_timesteps_tell (DiffusionTimesteps *timesteps, gsize t, double loss)
{
  float *losses;

  if (timesteps->state == NULL || t < timesteps->first || t - timesteps->first >= timesteps->n)
    return;
  losses = timesteps->state + (t - timesteps->first) * (1 + HISTORY);
  if (losses[0] < HISTORY)
    {
      losses[0]++;
      losses[(gsize) losses[0]] = (float) loss;
      return;
    }
  for (gsize i = 1; i < HISTORY; i++)
    losses[i] = losses[i + 1];
  losses[HISTORY] = (float) loss;
}

float *
diffusion_timesteps_get_state (DiffusionTimesteps *timesteps, gsize *size)
{
  *size = timesteps->state != NULL ? timesteps->n * (1 + HISTORY) : 0;
  return timesteps->state;
}
