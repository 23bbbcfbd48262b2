/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolutions at inference: which algorithm, and the plain reference. */
#include "core/kernels/conv2d.h"

#include <math.h>
#include <string.h>

#include "core/base/threads.h"
#include "core/kernels/conv2d-private.h"
#include "core/kernels/kernels.h"

static gboolean
is_winograd (DiffusionConvAlgorithm algorithm)
{
  return algorithm == DIFFUSION_CONV_WINOGRAD2 || algorithm == DIFFUSION_CONV_WINOGRAD4;
}

/* Estimated time of a 3×3 convolution in multiply-adds per pair of channels: the products, or reading the weights from
 * memory, which takes as long as 40 multiply-adds each. */
static double
cost (double rows, double positions)
{
  return positions * MAX (rows, 40.0);
}

/* Winograd's rounding is several times that of a plain sum, and a step at high t multiplies it by a hundred or more. Layers
 * with fewer multiply-adds a picture take no time worth saving. */
#define SMALL_MACS 20e6

static gboolean
is_small (const DiffusionConvPlan *plan)
{
  const DiffusionConvShape *s = &plan->shape;

  /* Fewer outputs than a vector has cost as much as a whole one. */
  return (double) (plan->out_h * plan->out_w * s->in_channels) * (double) MAX (s->out_channels, 32) * 9 < SMALL_MACS;
}

static DiffusionConvAlgorithm
choose (const DiffusionConvPlan *plan)
{
  const DiffusionConvShape *s = &plan->shape;
  double gather, two, four;

  if (s->kernel == 1 && s->stride == 1 && s->pad_top + s->pad_left + s->pad_bottom + s->pad_right == 0)
    return DIFFUSION_CONV_POINTWISE;
  if (s->kernel != 3 || s->stride != 1 || s->in_channels < 16 || is_small (plan)
      || plan->precision == DIFFUSION_PRECISION_BF16 || diffusion_cpu_level () == DIFFUSION_CPU_REFERENCE)
    return DIFFUSION_CONV_GATHER;
  gather = cost ((double) (s->n * plan->out_h * plan->out_w), 9);
  two = cost ((double) (s->n * ((plan->out_h + 1) / 2) * ((plan->out_w + 1) / 2)), 16) * 1.1;
  four = cost ((double) (s->n * ((plan->out_h + 3) / 4) * ((plan->out_w + 3) / 4)), 36) * 1.2;
  if (four <= two && four <= gather)
    return DIFFUSION_CONV_WINOGRAD4;
  return two <= gather ? DIFFUSION_CONV_WINOGRAD2 : DIFFUSION_CONV_GATHER;
}

void
diffusion_conv_plan (DiffusionConvPlan *plan, const DiffusionConvShape *shape, DiffusionPrecision precision,
                     DiffusionConvAlgorithm algorithm)
{
  memset (plan, 0, sizeof *plan);
  plan->shape = *shape;
  plan->precision = precision;
  plan->out_h = (shape->h + shape->pad_top + shape->pad_bottom - shape->kernel) / shape->stride + 1;
  plan->out_w = (shape->w + shape->pad_left + shape->pad_right - shape->kernel) / shape->stride + 1;
  plan->algorithm = algorithm != DIFFUSION_CONV_AUTO ? algorithm : choose (plan);
  /* The larger tiles multiply what split numbers leave out by twenty. */
  if (plan->algorithm == DIFFUSION_CONV_WINOGRAD4)
    plan->precision = DIFFUSION_PRECISION_F32;
  if (is_winograd (plan->algorithm))
    diffusion_conv_winograd_plan (plan);
  else
    diffusion_conv_gather_plan (plan);
  plan->packed_bytes = plan->n_slices * plan->slice_bytes;
  plan->workspace_bytes = plan->shared_bytes + plan->worker_bytes * diffusion_get_threads ();
}

void
diffusion_conv_pack (const DiffusionConvPlan *plan, const float *weight, void *packed)
{
  if (is_winograd (plan->algorithm))
    diffusion_conv_winograd_pack (plan, weight, packed);
  else
    diffusion_conv_gather_pack (plan, weight, packed);
}

void
diffusion_conv_run (const DiffusionConvPlan *plan, const float *x, const void *packed, const float *bias,
                    const float *residual, DiffusionActivation activation, float *y, void *workspace)
{
  DiffusionConvJob job = { plan, x, packed, bias, residual, activation, y, workspace };

  diffusion_parallel_for (diffusion_conv_gather_n_shared (plan), diffusion_conv_gather_shared, &job);
  diffusion_parallel_for (plan->n_blocks * plan->n_slices,
                          is_winograd (plan->algorithm) ? diffusion_conv_winograd_part : diffusion_conv_gather_part,
                          &job);
}

void
diffusion_conv_reference (const DiffusionConvShape *s, const float *x, const float *weight, const float *bias,
                          const float *residual, DiffusionActivation activation, float *y)
{
  const gsize out_h = (s->h + s->pad_top + s->pad_bottom - s->kernel) / s->stride + 1;
  const gsize out_w = (s->w + s->pad_left + s->pad_right - s->kernel) / s->stride + 1;

  for (gsize n = 0; n < s->n; n++)
    for (gsize oy = 0; oy < out_h; oy++)
      for (gsize ox = 0; ox < out_w; ox++)
        for (gsize o = 0; o < s->out_channels; o++)
          {
            gsize at = ((n * out_h + oy) * out_w + ox) * s->out_channels + o;
            double sum = (bias != NULL ? bias[o] : 0.0) + (residual != NULL ? residual[at] : 0.0);

            for (gsize ky = 0; ky < s->kernel; ky++)
              for (gsize kx = 0; kx < s->kernel; kx++)
                {
                  gsize iy = diffusion_conv_source (oy * s->stride, ky, s->pad_top, s->h, s->circular);
                  gsize ix = diffusion_conv_source (ox * s->stride, kx, s->pad_left, s->w, s->circular);

                  if (iy == G_MAXSIZE || ix == G_MAXSIZE)
                    continue;
                  for (gsize i = 0; i < s->in_channels; i++)
                    sum += (double) x[((n * s->h + iy) * s->w + ix) * s->in_channels + i]
                           * weight[((o * s->kernel + ky) * s->kernel + kx) * s->in_channels + i];
                }
            if (activation == DIFFUSION_ACTIVATION_SILU)
              sum = sum / (1 + exp (-sum));
            y[at] = (float) sum;
          }
}
