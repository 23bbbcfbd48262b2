/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolutions as matrix products: 1×1 in place, others over gathered patches. */
#include <string.h>

#include "core/base/threads.h"
#include "core/kernels/conv2d-private.h"
#include "core/kernels/kernels.h"

/* Rows of a product between which the outputs are finished while they are in cache; a multiple of the strips. */
#define CHUNK 112
#define CHUNKS_IN_BLOCK 8

static gsize
patch_size (const DiffusionConvPlan *plan)
{
  return plan->shape.kernel * plan->shape.kernel * plan->shape.in_channels;
}

/* Patches are gathered once for all slices where they are few. */
#define SHARED_BYTES ((gsize) 8 << 20)

void
diffusion_conv_gather_plan (DiffusionConvPlan *plan)
{
  gsize channels = plan->shape.out_channels;
  gsize patches;

  plan->units = plan->shape.n * plan->out_h * plan->out_w;
  plan->block = CHUNK * CHUNKS_IN_BLOCK;
  while (plan->block > CHUNK && plan->units / plan->block < 16)
    plan->block /= 2;
  plan->n_blocks = (plan->units + plan->block - 1) / plan->block;
  plan->slice = channels;
  while (plan->slice > 64 && plan->n_blocks * ((channels + plan->slice - 1) / plan->slice) < 8)
    plan->slice = (plan->slice / 2 + 31) / 32 * 32;
  plan->n_slices = (channels + plan->slice - 1) / plan->slice;
  plan->slice_bytes = diffusion_gemm_packed_bytes (plan->precision, plan->slice, patch_size (plan));
  if (plan->algorithm == DIFFUSION_CONV_POINTWISE)
    return;
  patches = (plan->units * patch_size (plan) * sizeof (float) + 63) / 64 * 64;
  if (plan->n_slices > 1 && patches <= SHARED_BYTES)
    plan->shared_bytes = patches;
  else
    plan->worker_bytes = (CHUNK * patch_size (plan) * sizeof (float) + 63) / 64 * 64;
}

typedef struct
{
  const DiffusionConvPlan *plan;
  const float *weight;
  guint8 *packed;
} Packing;

static void
pack_part (gsize slice, guint worker, gpointer data)
{
  const Packing *packing = data;
  const DiffusionConvPlan *plan = packing->plan;
  const gsize patch = patch_size (plan), first = slice * plan->slice;

  diffusion_gemm_pack_b (plan->precision, TRUE, MIN (plan->slice, plan->shape.out_channels - first), patch,
                         packing->weight + first * patch, patch, packing->packed + slice * plan->slice_bytes);
}

void
diffusion_conv_gather_pack (const DiffusionConvPlan *plan, const float *weight, guint8 *packed)
{
  Packing packing = { plan, weight, packed };

  diffusion_parallel_for (plan->n_slices, pack_part, &packing);
}

/* The patches of output pixels first … first + rows − 1: [rows, kernel, kernel, in_channels]. */
static void
gather (const DiffusionConvPlan *plan, const float *x, gsize first, gsize rows, float *patches)
{
  const DiffusionConvShape *s = &plan->shape;
  const gsize c = s->in_channels, run = s->kernel * c;

  for (gsize row = first; row < first + rows; row++)
    {
      gsize ox = row % plan->out_w * s->stride, line = row / plan->out_w;
      gsize oy = line % plan->out_h * s->stride, n = line / plan->out_h;
      gboolean inside = ox >= s->pad_left && ox - s->pad_left + s->kernel <= s->w;

      for (gsize ky = 0; ky < s->kernel; ky++, patches += run)
        {
          gsize iy = diffusion_conv_source (oy, ky, s->pad_top, s->h, s->circular);
          const float *from;

          if (iy == G_MAXSIZE)
            {
              memset (patches, 0, run * sizeof (float));
              continue;
            }
          from = x + (n * s->h + iy) * s->w * c;
          if (inside)
            {
              memcpy (patches, from + (ox - s->pad_left) * c, run * sizeof (float));
              continue;
            }
          for (gsize kx = 0; kx < s->kernel; kx++)
            {
              gsize ix = diffusion_conv_source (ox, kx, s->pad_left, s->w, s->circular);

              if (ix == G_MAXSIZE)
                memset (patches + kx * c, 0, c * sizeof (float));
              else
                memcpy (patches + kx * c, from + ix * c, c * sizeof (float));
            }
        }
    }
}

/* Rows of patches in a part of the gathering. */
#define GATHER_ROWS 16

gsize
diffusion_conv_gather_n_shared (const DiffusionConvPlan *plan)
{
  return plan->shared_bytes > 0 ? (plan->units + GATHER_ROWS - 1) / GATHER_ROWS : 0;
}

void
diffusion_conv_gather_shared (gsize index, guint worker, gpointer data)
{
  const DiffusionConvJob *job = data;
  const gsize first = index * GATHER_ROWS;

  gather (job->plan, job->x, first, MIN (GATHER_ROWS, job->plan->units - first),
          (float *) (gpointer) job->workspace + first * patch_size (job->plan));
}

void
diffusion_conv_gather_part (gsize index, guint worker, gpointer data)
{
  const DiffusionConvJob *job = data;
  const DiffusionConvPlan *plan = job->plan;
  const DiffusionKernels *kernels = diffusion_kernels ();
  const gsize co = plan->shape.out_channels, patch = patch_size (plan);
  const gsize start = index / plan->n_slices * plan->block, slice = index % plan->n_slices;
  const gsize end = MIN (start + plan->block, plan->units);
  const gsize channel = slice * plan->slice, n = MIN (plan->slice, co - channel);
  const float *bias = job->bias != NULL ? job->bias + channel : NULL;

  for (gsize first = start; first < end; first += CHUNK)
    {
      gsize rows = MIN (CHUNK, end - first);
      float *y = job->y + first * co + channel;
      const float *residual = job->residual != NULL ? job->residual + first * co + channel : NULL;
      const float *x = job->x + first * patch;

      if (plan->shared_bytes > 0)
        x = (const float *) (gconstpointer) job->workspace + first * patch;
      else if (plan->algorithm != DIFFUSION_CONV_POINTWISE)
        {
          float *patches = (float *) (gpointer) (job->workspace + worker * plan->worker_bytes);

          gather (plan, job->x, first, rows, patches);
          x = patches;
        }
      diffusion_gemm_packed (plan->precision, FALSE, rows, n, patch, x, patch,
                             job->packed + slice * plan->slice_bytes, bias, residual, co, y, co);
      if (job->activation == DIFFUSION_ACTIVATION_SILU)
        for (gsize row = 0; row < rows; row++)
          kernels->silu (n, y + row * co, y + row * co);
    }
}
