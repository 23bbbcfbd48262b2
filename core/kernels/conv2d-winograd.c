/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 3×3 convolutions by Winograd's algorithm: transformed tiles of a block, one matrix product for each of their (m + 2)²
 * positions, transformed back (Lavin & Gray 2016, algorithm 1). */
#include <string.h>

#include "core/base/threads.h"
#include "core/kernels/conv2d-private.h"
#include "core/kernels/kernels.h"
#include "core/kernels/winograd.h"

/* A worker's transformed inputs and products should stay within this, to be found in the second cache. */
#define BLOCK_FLOATS (320 * 1024)
/* So few tiles go together, for each weight to be read but once. */
#define ONE_BLOCK 112
/* Between the positions' matrices: keeps them from falling on the same cache lines. */
#define GAP 16

static gsize
tile_size (const DiffusionConvPlan *plan)
{
  return plan->algorithm == DIFFUSION_CONV_WINOGRAD4 ? 4 : 2;
}

/* Floats from one position's transformed inputs, and products, to the next. */
static gsize
input_step (const DiffusionConvPlan *plan)
{
  return (plan->block * plan->shape.in_channels + 15) / 16 * 16 + GAP;
}

static gsize
output_step (const DiffusionConvPlan *plan)
{
  return (plan->block * plan->slice + 15) / 16 * 16 + GAP;
}

void
diffusion_conv_winograd_plan (DiffusionConvPlan *plan)
{
  const gsize m = tile_size (plan), positions = (m + 2) * (m + 2);
  const gsize channels = plan->shape.out_channels;
  gsize most;

  plan->units = plan->shape.n * ((plan->out_h + m - 1) / m) * ((plan->out_w + m - 1) / m);
  most = BLOCK_FLOATS / (positions * (plan->shape.in_channels + MIN (channels, 256))) / 14 * 14;
  plan->block = CLAMP (most, 56, 224);
  while (plan->block > 56 && plan->units / plan->block < 16)
    plan->block -= 14;
  if (plan->units <= ONE_BLOCK)
    plan->block = plan->units;
  plan->n_blocks = (plan->units + plan->block - 1) / plan->block;
  plan->slice = MIN (channels, 256);
  while (plan->slice > 64 && plan->n_blocks * ((channels + plan->slice - 1) / plan->slice) < 8)
    plan->slice = (plan->slice / 2 + 31) / 32 * 32;
  plan->n_slices = (channels + plan->slice - 1) / plan->slice;
  plan->piece_bytes = diffusion_gemm_packed_bytes (plan->precision, plan->slice, plan->shape.in_channels);
  plan->slice_bytes = positions * plan->piece_bytes;
  plan->worker_bytes = positions * (input_step (plan) + output_step (plan)) * sizeof (float);
  plan->worker_bytes += (plan->shape.in_channels * sizeof (float) + 63) / 64 * 64;
}

typedef struct
{
  const DiffusionConvPlan *plan;
  const float *weight;
  guint8 *packed;
} Packing;

/* The weights of one row of positions of one slice, each [n, in_channels]: G·g·Gᵀ, first down the columns, then along the
 * row. */
static void
pack_part (gsize index, guint worker, gpointer data)
{
  const Packing *packing = data;
  const DiffusionConvPlan *plan = packing->plan;
  const gsize m = tile_size (plan), a = m + 2, ci = plan->shape.in_channels;
  const gsize slice = index / a, row = index % a;
  const gsize first = slice * plan->slice, n = MIN (plan->slice, plan->shape.out_channels - first);
  const double *g = diffusion_winograd_g (m);
  g_autofree float *columns = g_new (float, 3 * ci);
  g_autofree float *transformed = g_new (float, a * n * ci);

  for (gsize o = 0; o < n; o++)
    {
      const float *weight = packing->weight + (first + o) * 9 * ci;

      diffusion_kernels ()->combine_rows (3 * ci, 3, g + row * 3, weight, 3 * ci, columns);
      for (gsize x = 0; x < a; x++)
        diffusion_kernels ()->combine_rows (ci, 3, g + x * 3, columns, ci, transformed + (x * n + o) * ci);
    }
  for (gsize x = 0; x < a; x++)
    diffusion_gemm_pack_b (plan->precision, TRUE, n, ci, transformed + x * n * ci, ci,
                           packing->packed + slice * plan->slice_bytes + (row * a + x) * plan->piece_bytes);
}

void
diffusion_conv_winograd_pack (const DiffusionConvPlan *plan, const float *weight, guint8 *packed)
{
  Packing packing = { plan, weight, packed };
  const gsize a = tile_size (plan) + 2;

  diffusion_parallel_for (plan->n_slices * a, pack_part, &packing);
}

typedef struct
{
  gsize m, a, rows, columns; /* tiles in an image */
} Tiles;

static void
transform_inputs (const DiffusionConvJob *job, const Tiles *tiles, gsize first, gsize count, const float *zeros,
                  float *u)
{
  const DiffusionConvPlan *plan = job->plan;
  const DiffusionConvShape *s = &plan->shape;
  const DiffusionKernels *kernels = diffusion_kernels ();
  const gsize ci = s->in_channels, a = tiles->a;

  for (gsize tile = first; tile < first + count; tile++, u += ci)
    {
      gsize tx = tile % tiles->columns * tiles->m, line = tile / tiles->columns;
      gsize ty = line % tiles->rows * tiles->m;
      const float *image = job->x + line / tiles->rows * s->h * s->w * ci;
      const float *pixels[36];
      gsize columns[6];

      for (gsize x = 0; x < a; x++)
        columns[x] = diffusion_conv_source (tx, x, s->pad_left, s->w, s->circular);
      for (gsize y = 0; y < a; y++)
        {
          gsize row = diffusion_conv_source (ty, y, s->pad_top, s->h, s->circular);

          for (gsize x = 0; x < a; x++)
            pixels[y * a + x] = row == G_MAXSIZE || columns[x] == G_MAXSIZE ? zeros
                                                                          : image + (row * s->w + columns[x]) * ci;
        }
      kernels->winograd_input (tiles->m, ci, pixels, u, input_step (plan));
    }
}

static void
transform_outputs (const DiffusionConvJob *job, const Tiles *tiles, gsize first, gsize count, gsize channel, gsize n,
                   const float *v)
{
  const DiffusionConvPlan *plan = job->plan;
  const DiffusionKernels *kernels = diffusion_kernels ();
  const gsize co = plan->shape.out_channels, m = tiles->m;

  for (gsize tile = first; tile < first + count; tile++, v += n)
    {
      gsize tx = tile % tiles->columns * m, line = tile / tiles->columns;
      gsize ty = line % tiles->rows * m, image = line / tiles->rows;
      const float *residual[16];
      float *pixels[16];

      for (gsize y = 0; y < m; y++)
        for (gsize x = 0; x < m; x++)
          {
            gsize at = ((image * plan->out_h + ty + y) * plan->out_w + tx + x) * co + channel;
            gboolean inside = ty + y < plan->out_h && tx + x < plan->out_w;

            pixels[y * m + x] = inside ? job->y + at : NULL;
            residual[y * m + x] = inside && job->residual != NULL ? job->residual + at : NULL;
          }
      kernels->winograd_output (m, n, v, output_step (plan), job->bias != NULL ? job->bias + channel : NULL,
                                job->residual != NULL ? residual : NULL, pixels);
      if (job->activation == DIFFUSION_ACTIVATION_SILU)
        for (gsize i = 0; i < m * m; i++)
          if (pixels[i] != NULL)
            kernels->silu (n, pixels[i], pixels[i]);
    }
}

void
diffusion_conv_winograd_part (gsize index, guint worker, gpointer data)
{
  const DiffusionConvJob *job = data;
  const DiffusionConvPlan *plan = job->plan;
  const gsize m = tile_size (plan), positions = (m + 2) * (m + 2), ci = plan->shape.in_channels;
  const Tiles tiles = { m, m + 2, (plan->out_h + m - 1) / m, (plan->out_w + m - 1) / m };
  const gsize first = index / plan->n_slices * plan->block, slice = index % plan->n_slices;
  const gsize count = MIN (plan->block, plan->units - first);
  const gsize channel = slice * plan->slice, n = MIN (plan->slice, plan->shape.out_channels - channel);
  float *u = (float *) (gpointer) (job->workspace + worker * plan->worker_bytes);
  float *v = u + positions * input_step (plan);
  float *zeros = v + positions * output_step (plan);

  memset (zeros, 0, ci * sizeof (float));
  transform_inputs (job, &tiles, first, count, zeros, u);
  for (gsize position = 0; position < positions; position++)
    diffusion_gemm_packed (plan->precision, FALSE, count, n, ci, u + position * input_step (plan), ci,
                           job->packed + slice * plan->slice_bytes + position * plan->piece_bytes, NULL, NULL, 0,
                           v + position * output_step (plan), n);
  transform_outputs (job, &tiles, first, count, channel, n, v);
}
