/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AdamW and exponential moving averages on blocks of parameters. */
#include "core/training/optimizer.h"

#include <math.h>

#include "core/base/threads.h"
#include "core/kernels/kernels.h"

#define PART_VALUES 65536

typedef struct
{
  gsize n;
  const float *in;
  float *first, *second, *out;
  DiffusionAdamKernel adam;
  float rate;
  double *sums;
} Update;

static gsize
part_size (const Update *update, gsize index)
{
  return MIN (PART_VALUES, update->n - index * PART_VALUES);
}

static gsize
n_parts (gsize n)
{
  return (n + PART_VALUES - 1) / PART_VALUES;
}

static void
adamw_part (gsize index, guint worker, gpointer data)
{
  const Update *update = data;
  gsize first = index * PART_VALUES;

  diffusion_kernels ()->adam (part_size (update, index), &update->adam, update->in + first, update->first + first,
                              update->second + first, update->out + first);
}

void
diffusion_adamw_step (const DiffusionAdamW *adamw,
                      guint64 step,
                      gsize n,
                      const float *gradients,
                      double gradient_scale,
                      float *first,
                      float *second,
                      float *params)
{
  double correction1 = 1 - pow (adamw->beta1, (double) step);
  double correction2 = 1 - pow (adamw->beta2, (double) step);
  Update update = { .n = n, .in = gradients, .first = first, .second = second, .out = params };

  update.adam.gradient_scale = (float) gradient_scale;
  update.adam.beta1 = (float) adamw->beta1;
  update.adam.beta2 = (float) adamw->beta2;
  update.adam.one_minus_beta1 = (float) (1 - adamw->beta1);
  update.adam.one_minus_beta2 = (float) (1 - adamw->beta2);
  update.adam.rate = (float) (adamw->learning_rate / correction1);
  update.adam.inverse_correction2 = (float) (1 / correction2);
  update.adam.epsilon = (float) adamw->epsilon;
  update.adam.keep = (float) (1 - adamw->learning_rate * adamw->weight_decay);
  diffusion_parallel_for (n_parts (n), adamw_part, &update);
}

static void
ema_part (gsize index, guint worker, gpointer data)
{
  const Update *update = data;
  gsize first = index * PART_VALUES;

  diffusion_kernels ()->blend (part_size (update, index), update->rate, update->in + first, update->out + first);
}

void
diffusion_ema_update (double rate, gsize n, const float *params, float *average)
{
  Update update = { .n = n, .in = params, .out = average, .rate = (float) (1 - rate) };

  diffusion_parallel_for (n_parts (n), ema_part, &update);
}

static void
norm_part (gsize index, guint worker, gpointer data)
{
  const Update *update = data;

  update->sums[index]
    = diffusion_kernels ()->sum_squares (part_size (update, index), update->in + index * PART_VALUES);
}

double
diffusion_squared_norm (gsize n, const float *x)
{
  g_autofree double *sums = g_new (double, n_parts (n));
  Update update = { .n = n, .in = x, .sums = sums };
  double total = 0;

  diffusion_parallel_for (n_parts (n), norm_part, &update);
  for (gsize i = 0; i < n_parts (n); i++)
    total += sums[i];
  return total;
}
