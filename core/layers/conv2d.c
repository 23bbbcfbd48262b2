/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolution and linear layers by matrix products: 1×1 directly, others over gathered patches (im2col). */
#include <string.h>

#include "core/base/memory.h"
#include "core/base/threads.h"
#include "core/kernels/conv2d.h"
#include "core/kernels/kernels.h"
#include "core/layers/layers.h"
#include "core/layers/parts.h"

/* Patches gathered for one part stay within this many bytes, so that the product finds them in cache. */
#define PATCH_BYTES (1u << 20)
/* For the gradient of the weights more: all of that is read and written for each part. */
#define GRADIENT_PATCH_BYTES (2u << 20)
/* Fewer pixels are not worth arranging the weights for Winograd in every step. */
#define FEW_PIXELS 1024
/* Floats of a cache line. */
#define MIRROR_CHANNELS 16

typedef struct
{
  gint kernel, stride;
  gint pad_top, pad_left;
  gboolean circular;
  gboolean has_bias;
} ConvAttributes;

/* One convolution as the parts see it. In the gradient of the input the roles change: x is then the output's
 * gradient, and the taps are mirrored. */
typedef struct
{
  const ConvAttributes *attributes;
  DiffusionPrecision precision;
  DiffusionShape in, out;
  const float *x, *weight, *bias, *residual;
  float *y;
  const float *dy;
  float *dx;
  float beta;
  float *dweight, *dbias;
  guint8 *scratch;
  const guint8 *packed; /* the weights as products want them; for their own gradient the input, or NULL */
  gsize part_rows, n_slices, slice_rows, block_channels, n_blocks;
  gsize patch; /* values of a patch: taps times channels */
} Conv;

static gboolean
is_pointwise (const ConvAttributes *a)
{
  return a->kernel == 1 && a->stride == 1 && a->pad_top == 0 && a->pad_left == 0;
}

/* Patches that tile the input: every input pixel belongs to at most one. */
static gboolean
is_disjoint (const ConvAttributes *a)
{
  return a->kernel == a->stride && a->pad_top == 0 && a->pad_left == 0;
}

static gsize
patch_rows (gsize rows, gsize patch)
{
  gsize most = PATCH_BYTES / (patch * sizeof (float)) / 16 * 16;

  return diffusion_part_rows (rows, 16, CLAMP (most, 16, 2048));
}

static gint
wrap (gint position, gint size)
{
  position %= size;
  return position < 0 ? position + size : position;
}

/* Gathers the patches of output pixels first … first + rows − 1: [rows, kernel, kernel, channels]. */
static void
gather (const ConvAttributes *a, const float *x, DiffusionShape in, DiffusionShape out, gsize first, gsize rows,
        float *patches)
{
  gsize channels = (gsize) in.c;
  gsize run = (gsize) a->kernel * channels;

  for (gsize row = first; row < first + rows; row++)
    {
      gint ox = (gint) (row % (gsize) out.w);
      gint oy = (gint) (row / (gsize) out.w % (gsize) out.h);
      gsize n = row / ((gsize) out.w * (gsize) out.h);
      gint left = ox * a->stride - a->pad_left;

      for (gint ky = 0; ky < a->kernel; ky++, patches += run)
        {
          gint iy = oy * a->stride - a->pad_top + ky;
          const float *line;

          if (a->circular)
            iy = wrap (iy, in.h);
          if (iy < 0 || iy >= in.h)
            {
              memset (patches, 0, run * sizeof (float));
              continue;
            }
          line = x + (n * (gsize) in.h + (gsize) iy) * (gsize) in.w * channels;
          if (left >= 0 && left + a->kernel <= in.w)
            {
              memcpy (patches, line + (gsize) left * channels, run * sizeof (float));
              continue;
            }
          for (gint kx = 0; kx < a->kernel; kx++)
            {
              gint ix = a->circular ? wrap (left + kx, in.w) : left + kx;

              if (ix < 0 || ix >= in.w)
                memset (patches + (gsize) kx * channels, 0, channels * sizeof (float));
              else
                memcpy (patches + (gsize) kx * channels, line + (gsize) ix * channels, channels * sizeof (float));
            }
        }
    }
}

/* Gathers, for input pixels, the output gradients that each tap of the kernel sent there:
 * [rows, kernel, kernel, out channels], zero where the stride skips. */
static void
gather_gradients (const Conv *conv, gsize first, gsize rows, float *patches)
{
  const ConvAttributes *a = conv->attributes;
  DiffusionShape in = conv->in, out = conv->out;
  gsize channels = (gsize) out.c;

  for (gsize row = first; row < first + rows; row++)
    {
      gint ix = (gint) (row % (gsize) in.w);
      gint iy = (gint) (row / (gsize) in.w % (gsize) in.h);
      gsize n = row / ((gsize) in.w * (gsize) in.h);

      for (gint ky = 0; ky < a->kernel; ky++)
        for (gint kx = 0; kx < a->kernel; kx++, patches += channels)
          {
            gint oy = iy + a->pad_top - ky, ox = ix + a->pad_left - kx;

            if (a->circular)
              {
                oy = wrap (oy, in.h);
                ox = wrap (ox, in.w);
              }
            if (oy < 0 || ox < 0 || oy % a->stride != 0 || ox % a->stride != 0 || oy / a->stride >= out.h
                || ox / a->stride >= out.w)
              memset (patches, 0, channels * sizeof (float));
            else
              memcpy (patches,
                      conv->dy
                        + ((n * (gsize) out.h + (gsize) (oy / a->stride)) * (gsize) out.w + (gsize) (ox / a->stride))
                            * channels,
                      channels * sizeof (float));
          }
    }
}

/* Of a 1×1 convolution. */
static void
forward_part (gsize index, guint worker, gpointer data)
{
  const Conv *conv = data;
  gsize rows = diffusion_shape_pixels (conv->out);
  gsize first = index * conv->part_rows;
  gsize n = MIN (conv->part_rows, rows - first);
  gsize co = (gsize) conv->out.c;
  const float *x = conv->x + first * conv->patch;
  float *y = conv->y + first * co;

  diffusion_gemm_packed (conv->precision, FALSE, n, co, conv->patch, x, conv->patch, conv->packed, conv->bias,
                         conv->residual != NULL ? conv->residual + first * co : NULL, co, y, co);
}

/* dx [rows, ci] = x [rows, k]·packed + beta·dx */
static void
multiply_gradient (const Conv *conv, gsize rows, gsize ci, gsize k, const float *x, float *dx)
{
  diffusion_gemm_packed (conv->precision, FALSE, rows, ci, k, x, k, conv->packed, NULL,
                         conv->beta != 0 ? dx : NULL, ci, dx, ci);
}

static void
input_gradient_part (gsize index, guint worker, gpointer data)
{
  const Conv *conv = data;
  gsize co = (gsize) conv->out.c, ci = (gsize) conv->in.c;

  if (is_pointwise (conv->attributes))
    {
      gsize first = index * conv->part_rows;
      gsize n = MIN (conv->part_rows, diffusion_shape_pixels (conv->in) - first);

      multiply_gradient (conv, n, ci, co, conv->dy + first * co, conv->dx + first * ci);
    }
  else if (is_disjoint (conv->attributes))
    {
      gsize first = index * conv->part_rows;
      gsize n = MIN (conv->part_rows, diffusion_shape_pixels (conv->out) - first);
      gsize kernel = (gsize) conv->attributes->kernel;
      gsize run = kernel * ci;
      float *patches = (float *) (gpointer) conv->scratch + worker * conv->part_rows * conv->patch;

      diffusion_gemm_packed (conv->precision, FALSE, n, conv->patch, co, conv->dy + first * co, co, conv->packed, NULL,
                             NULL, 0, patches, conv->patch);
      for (gsize row = first; row < first + n; row++)
        {
          gsize ox = row % (gsize) conv->out.w, line = row / (gsize) conv->out.w;
          gsize oy = line % (gsize) conv->out.h, image = line / (gsize) conv->out.h;

          for (gsize ky = 0; ky < kernel; ky++, patches += run)
            {
              float *dx = conv->dx
                          + ((image * (gsize) conv->in.h + oy * kernel + ky) * (gsize) conv->in.w + ox * kernel) * ci;

              if (conv->beta != 0)
                diffusion_kernels ()->add (run, dx, patches, dx);
              else
                memcpy (dx, patches, run * sizeof (float));
            }
        }
    }
  else
    {
      gsize patch = (gsize) (conv->attributes->kernel * conv->attributes->kernel) * co;
      gsize first = index * conv->part_rows;
      gsize n = MIN (conv->part_rows, diffusion_shape_pixels (conv->in) - first);
      float *patches = (float *) (gpointer) conv->scratch + worker * conv->part_rows * patch;

      gather_gradients (conv, first, n, patches);
      multiply_gradient (conv, n, ci, patch, patches, conv->dx + first * ci);
    }
}

/* Slices split the pixels and are summed in order; blocks split the output channels. */
static void
weight_gradient_part (gsize index, guint worker, gpointer data)
{
  const Conv *conv = data;
  gsize slice = index / conv->n_blocks, block = index % conv->n_blocks;
  gsize co = (gsize) conv->out.c;
  gsize channel = block * conv->block_channels;
  gsize channels = MIN (conv->block_channels, co - channel);
  gsize begin = slice * conv->slice_rows;
  gsize end = MIN (begin + conv->slice_rows, diffusion_shape_pixels (conv->out));
  gsize weights = co * conv->patch;
  float *partial = (float *) (gpointer) conv->scratch + slice * (weights + co);
  float *dweight = conv->n_slices == 1 ? conv->dweight : partial;
  float *dbias = conv->n_slices == 1 ? conv->dbias : partial + weights;
  float beta = conv->n_slices == 1 ? 1 : 0;

  if (dbias != NULL)
    {
      if (beta == 0)
        memset (dbias + channel, 0, channels * sizeof (float));
      diffusion_kernels ()->sum_rows (end - begin, channels, conv->dy + begin * co + channel, co, dbias + channel);
    }
  if (conv->packed != NULL)
    {
      dweight += channel * conv->patch;
      diffusion_gemm_packed (conv->precision, TRUE, channels, conv->patch, end - begin, conv->dy + begin * co + channel,
                             co, conv->packed, NULL, dweight, conv->patch, dweight, conv->patch);
      return;
    }
  for (gsize first = begin; first < end; first += conv->part_rows, beta = 1)
    {
      gsize n = MIN (conv->part_rows, end - first);
      const float *x;

      if (is_pointwise (conv->attributes))
        x = conv->x + first * conv->patch;
      else
        {
          float *patches = (float *) (gpointer) conv->scratch
                           + (conv->n_slices == 1 ? 0 : conv->n_slices * (weights + co))
                           + worker * conv->part_rows * conv->patch;

          gather (conv->attributes, conv->x, conv->in, conv->out, first, n, patches);
          x = patches;
        }
      diffusion_gemm (conv->precision, TRUE, FALSE, channels, conv->patch, n, conv->dy + first * co + channel, co, x,
                      conv->patch, beta, dweight + channel * conv->patch, conv->patch);
    }
}

/* The input of a 1×1 convolution is packed once for all blocks of output channels. */
static gboolean
packs_input (const Conv *conv)
{
  return is_pointwise (conv->attributes) && conv->n_slices == 1 && conv->n_blocks > 1;
}

static void
pack_input_part (gsize index, guint worker, gpointer data)
{
  const Conv *conv = data;
  gsize first = index * DIFFUSION_GEMM_PACK_ROWS;
  gsize n = MIN (DIFFUSION_GEMM_PACK_ROWS, diffusion_shape_pixels (conv->out) - first);

  diffusion_gemm_pack_b (conv->precision, FALSE, conv->patch, n, conv->x + first * conv->patch, conv->patch,
                         conv->scratch
                           + index * diffusion_gemm_packed_bytes (conv->precision, conv->patch, DIFFUSION_GEMM_PACK_ROWS));
}

#define SUM_BLOCK 4096

static void
sum_slices_part (gsize index, guint worker, gpointer data)
{
  const Conv *conv = data;
  gsize co = (gsize) conv->out.c;
  gsize weights = co * conv->patch;
  gsize first = index * SUM_BLOCK;
  gsize n = MIN (SUM_BLOCK, weights - first);

  for (gsize slice = 0; slice < conv->n_slices; slice++)
    {
      const float *partial = (const float *) (gconstpointer) conv->scratch + slice * (weights + co);

      diffusion_kernels ()->add (n, conv->dweight + first, partial + first, conv->dweight + first);
      if (index == 0 && conv->dbias != NULL)
        diffusion_kernels ()->add (co, conv->dbias, partial + weights, conv->dbias);
    }
}

static void
split_weight_gradient (Conv *conv)
{
  gsize rows = diffusion_shape_pixels (conv->out);
  gsize co = (gsize) conv->out.c;

  /* Blocks gather the same patches again; slices cost a sum over the weights. */
  conv->n_slices = CLAMP (rows / (is_pointwise (conv->attributes) ? 4096 : 1024), 1, 8);
  conv->slice_rows = (rows + conv->n_slices - 1) / conv->n_slices;
  conv->n_slices = diffusion_n_parts (rows, conv->slice_rows);
  conv->block_channels = conv->n_slices >= (is_pointwise (conv->attributes) ? 4 : 2) ? co : MAX (128, (co / 2 + 15) / 16 * 16);
  conv->n_blocks = diffusion_n_parts (co, conv->block_channels);
  conv->part_rows = is_pointwise (conv->attributes)
                      ? 4096
                      : CLAMP (GRADIENT_PATCH_BYTES / (conv->patch * sizeof (float)) / 16 * 16, 16, 2048);
}

static Conv
conv_new (const DiffusionOp *op, const DiffusionGraph *graph)
{
  Conv conv = { .attributes = op->attributes };

  conv.in = diffusion_graph_shape (graph, op->inputs[0]);
  conv.out = diffusion_graph_shape (graph, op->output);
  conv.patch = (gsize) (conv.attributes->kernel * conv.attributes->kernel) * (gsize) conv.in.c;
  return conv;
}

static gsize
forward_part_rows (const Conv *conv)
{
  gsize rows = diffusion_shape_pixels (conv->out);

  return is_pointwise (conv->attributes) ? diffusion_part_rows (rows, 128, 2048) : patch_rows (rows, conv->patch);
}

/* Packed weights come first in the scratch memory; their size hangs on the precision, which is known later. */
static gsize
packed_bytes (gsize n, gsize k)
{
  gsize bytes = diffusion_gemm_packed_bytes (DIFFUSION_PRECISION_F32, n, k);

  bytes = MAX (bytes, diffusion_gemm_packed_bytes (DIFFUSION_PRECISION_BF16, n, k));
  return MAX (bytes, diffusion_gemm_packed_bytes (DIFFUSION_PRECISION_SPLIT, n, k));
}

/* The weights of the gradient of the input: as they are, or for overlapping patches [kernel, kernel, out, in]. */
static gsize
gradient_packed_bytes (const Conv *conv)
{
  gsize co = (gsize) conv->out.c, ci = (gsize) conv->in.c;

  if (is_pointwise (conv->attributes) || is_disjoint (conv->attributes))
    return packed_bytes (conv->patch, co);
  return packed_bytes (ci, conv->patch / ci * co);
}

static DiffusionConvAlgorithm
training_algorithm (const Conv *conv)
{
  return diffusion_shape_pixels (conv->out) <= FEW_PIXELS ? DIFFUSION_CONV_GATHER : DIFFUSION_CONV_AUTO;
}

static DiffusionConvPlan
plan_forward (const Conv *conv, DiffusionPrecision precision, DiffusionConvAlgorithm algorithm)
{
  const ConvAttributes *a = conv->attributes;
  gint bottom = (conv->out.h - 1) * a->stride + a->kernel - conv->in.h - a->pad_top;
  gint right = (conv->out.w - 1) * a->stride + a->kernel - conv->in.w - a->pad_left;
  DiffusionConvShape shape = {
    .n = (gsize) conv->in.n,
    .h = (gsize) conv->in.h,
    .w = (gsize) conv->in.w,
    .in_channels = (gsize) conv->in.c,
    .out_channels = (gsize) conv->out.c,
    .kernel = (gsize) a->kernel,
    .stride = (gsize) a->stride,
    .pad_top = (gsize) a->pad_top,
    .pad_left = (gsize) a->pad_left,
    .pad_bottom = (gsize) MAX (bottom, 0),
    .pad_right = (gsize) MAX (right, 0),
    .circular = a->circular,
  };
  DiffusionConvPlan plan;

  diffusion_conv_plan (&plan, &shape, precision, algorithm);
  return plan;
}

static DiffusionConvPlan
inference_plan (const Conv *conv, DiffusionPrecision precision)
{
  return plan_forward (conv, precision, DIFFUSION_CONV_AUTO);
}

static DiffusionConvPlan
training_plan (const Conv *conv, DiffusionPrecision precision)
{
  return plan_forward (conv, precision, training_algorithm (conv));
}

/* Whether the gradient of the input is a convolution of the output's gradient, with mirrored taps. */
static gboolean
mirrors (const Conv *conv)
{
  const ConvAttributes *a = conv->attributes;
  gint bottom = conv->out.h - 1 + a->kernel - conv->in.h - a->pad_top;
  gint right = conv->out.w - 1 + a->kernel - conv->in.w - a->pad_left;
  gboolean same = conv->out.h == conv->in.h && conv->out.w == conv->in.w;

  return a->stride == 1 && a->kernel > 1 && MAX (a->pad_top, bottom) < a->kernel && MAX (a->pad_left, right) < a->kernel
         && MIN (bottom, right) >= 0 && (same || !a->circular);
}

static DiffusionConvPlan
mirror_plan (const Conv *conv, DiffusionPrecision precision)
{
  const ConvAttributes *a = conv->attributes;
  gint last = a->kernel - 1;
  DiffusionConvShape shape = {
    .n = (gsize) conv->out.n,
    .h = (gsize) conv->out.h,
    .w = (gsize) conv->out.w,
    .in_channels = (gsize) conv->out.c,
    .out_channels = (gsize) conv->in.c,
    .kernel = (gsize) a->kernel,
    .stride = 1,
    .pad_top = (gsize) (last - a->pad_top),
    .pad_left = (gsize) (last - a->pad_left),
    .pad_bottom = (gsize) (conv->in.h - conv->out.h + a->pad_top),
    .pad_right = (gsize) (conv->in.w - conv->out.w + a->pad_left),
    .circular = a->circular,
  };
  DiffusionConvPlan plan;

  diffusion_conv_plan (&plan, &shape, precision, training_algorithm (conv));
  return plan;
}

/* [in, kernel, kernel, out] with mirrored taps. */
static void
mirror_part (gsize index, guint worker, gpointer data)
{
  const Conv *conv = data;
  gsize co = (gsize) conv->out.c, ci = (gsize) conv->in.c, taps = conv->patch / ci;
  gsize first = index * MIRROR_CHANNELS, end = MIN (ci, first + MIRROR_CHANNELS);
  float *mirrored = (float *) (gpointer) conv->scratch;

  for (gsize tap = 0; tap < taps; tap++)
    for (gsize o = 0; o < co; o++)
      for (gsize i = first; i < end; i++)
        mirrored[(i * taps + taps - 1 - tap) * co + o] = conv->weight[(o * taps + tap) * ci + i];
}

static gsize
aligned (gsize bytes)
{
  return (bytes + DIFFUSION_ALIGNMENT - 1) / DIFFUSION_ALIGNMENT * DIFFUSION_ALIGNMENT;
}

typedef DiffusionConvPlan (*PlanFunc) (const Conv *conv, DiffusionPrecision precision);

/* Room for arranged weights and workspace in the precision that takes most: it is known later. */
static gsize
plan_scratch (const Conv *conv, PlanFunc plan_func, gboolean packs)
{
  static const DiffusionPrecision precisions[]
    = { DIFFUSION_PRECISION_F32, DIFFUSION_PRECISION_BF16, DIFFUSION_PRECISION_SPLIT };
  gsize most = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (precisions); i++)
    {
      DiffusionConvPlan plan = plan_func (conv, precisions[i]);

      most = MAX (most, plan.workspace_bytes + (packs ? aligned (plan.packed_bytes) : 0));
    }
  return most;
}

static gsize
conv_prepared (const DiffusionOp *op, const DiffusionGraph *graph, DiffusionPrecision precision)
{
  Conv conv = conv_new (op, graph);

  return inference_plan (&conv, precision).packed_bytes;
}

static void
conv_prepare (const DiffusionOp *op, DiffusionExec *exec, gpointer memory)
{
  Conv conv = conv_new (op, diffusion_exec_get_graph (exec));
  DiffusionConvPlan plan = inference_plan (&conv, diffusion_exec_precision (exec));

  diffusion_conv_pack (&plan, diffusion_exec_widen (exec, op, 0, diffusion_exec_scratch (exec)), memory);
}

static gsize
conv_scratch (const DiffusionOp *op, const DiffusionGraph *graph, gboolean backward)
{
  Conv conv = conv_new (op, graph);
  gsize co = (gsize) conv.out.c, ci = (gsize) conv.in.c;
  gsize threads = diffusion_get_threads ();
  gsize widened = diffusion_graph_get_widening_bytes (graph, op, 0);
  gsize input_gradient, weight_gradient;

  conv.part_rows = forward_part_rows (&conv);
  if (!backward)
    {
      gsize training = is_pointwise (conv.attributes) ? packed_bytes (co, conv.patch)
                                                      : plan_scratch (&conv, training_plan, TRUE);

      return MAX (widened, MAX (training, plan_scratch (&conv, inference_plan, FALSE)));
    }

  input_gradient = gradient_packed_bytes (&conv);
  if (is_disjoint (conv.attributes) && !is_pointwise (conv.attributes))
    input_gradient += threads * conv.part_rows * conv.patch * sizeof (float);
  else if (!is_pointwise (conv.attributes))
    {
      gsize patch = conv.patch / ci * co;
      gsize patches = threads * patch_rows (diffusion_shape_pixels (conv.in), patch) * patch;

      /* Before the patches, the transposed weights are made there. */
      input_gradient += MAX (patches, patch * ci) * sizeof (float);
    }
  if (mirrors (&conv))
    input_gradient = aligned (co * conv.patch * sizeof (float)) + plan_scratch (&conv, mirror_plan, TRUE);
  split_weight_gradient (&conv);
  weight_gradient = conv.n_slices == 1 ? 0 : conv.n_slices * (co * conv.patch + co);
  if (!is_pointwise (conv.attributes))
    weight_gradient += threads * conv.part_rows * conv.patch;
  weight_gradient *= sizeof (float);
  if (packs_input (&conv))
    weight_gradient = packed_bytes (conv.patch, diffusion_shape_pixels (conv.out));
  return widened + MAX (input_gradient, weight_gradient);
}

static void
conv_forward (const DiffusionOp *op, DiffusionExec *exec)
{
  Conv conv = conv_new (op, diffusion_exec_get_graph (exec));

  conv.precision = diffusion_exec_precision (exec);
  conv.x = diffusion_exec_value (exec, op->inputs[0]);
  conv.residual = diffusion_exec_value (exec, op->inputs[1]);
  conv.y = diffusion_exec_value (exec, op->output);
  conv.weight = diffusion_exec_param (exec, op, 0);
  conv.bias = conv.attributes->has_bias ? diffusion_exec_param (exec, op, 1) : NULL;
  if (!diffusion_exec_is_training (exec))
    {
      DiffusionConvPlan plan = inference_plan (&conv, conv.precision);

      diffusion_conv_run (&plan, conv.x, diffusion_exec_prepared (exec, op), conv.bias, conv.residual,
                          DIFFUSION_ACTIVATION_NONE, conv.y, diffusion_exec_scratch (exec));
      return;
    }
  conv.packed = diffusion_exec_scratch (exec);
  if (!is_pointwise (conv.attributes))
    {
      DiffusionConvPlan plan = training_plan (&conv, conv.precision);
      guint8 *packed = diffusion_exec_scratch (exec);

      diffusion_conv_pack (&plan, conv.weight, packed);
      diffusion_conv_run (&plan, conv.x, packed, conv.bias, conv.residual, DIFFUSION_ACTIVATION_NONE, conv.y,
                          packed + aligned (plan.packed_bytes));
      return;
    }
  diffusion_gemm_pack_b (conv.precision, TRUE, (gsize) conv.out.c, conv.patch, conv.weight, conv.patch,
                         diffusion_exec_scratch (exec));
  conv.part_rows = forward_part_rows (&conv);
  diffusion_parallel_for (diffusion_n_parts (diffusion_shape_pixels (conv.out), conv.part_rows), forward_part, &conv);
}

static void
backward_mirrored (Conv *conv)
{
  DiffusionConvPlan plan = mirror_plan (conv, conv->precision);
  const float *mirrored = (const float *) (gconstpointer) conv->scratch;
  guint8 *packed = conv->scratch + aligned ((gsize) conv->out.c * conv->patch * sizeof (float));

  diffusion_parallel_for (diffusion_n_parts ((gsize) conv->in.c, MIRROR_CHANNELS), mirror_part, conv);
  diffusion_conv_pack (&plan, mirrored, packed);
  diffusion_conv_run (&plan, conv->dy, packed, NULL, conv->beta != 0 ? conv->dx : NULL, DIFFUSION_ACTIVATION_NONE,
                      conv->dx, packed + aligned (plan.packed_bytes));
}

static void
backward_input (Conv *conv)
{
  gsize co = (gsize) conv->out.c, ci = (gsize) conv->in.c;
  gsize rows = diffusion_shape_pixels (conv->in);
  guint8 *packed = conv->scratch;

  if (mirrors (conv))
    {
      backward_mirrored (conv);
      return;
    }
  conv->packed = packed;
  conv->scratch += gradient_packed_bytes (conv);
  if (is_pointwise (conv->attributes) || is_disjoint (conv->attributes))
    diffusion_gemm_pack_b (conv->precision, FALSE, conv->patch, co, conv->weight, conv->patch, packed);
  if (is_pointwise (conv->attributes))
    conv->part_rows = diffusion_part_rows (rows, 128, 2048);
  else if (is_disjoint (conv->attributes))
    {
      /* Pixels right and below of the last whole patch got no gradient. */
      if (conv->beta == 0)
        memset (conv->dx, 0, diffusion_shape_size (conv->in) * sizeof (float));
      rows = diffusion_shape_pixels (conv->out);
      conv->part_rows = forward_part_rows (conv);
    }
  else
    {
      gsize taps = conv->patch / ci;
      float *transposed = (float *) (gpointer) conv->scratch;

      for (gsize tap = 0; tap < taps; tap++)
        for (gsize o = 0; o < co; o++)
          memcpy (transposed + (tap * co + o) * ci, conv->weight + (o * taps + tap) * ci, ci * sizeof (float));
      diffusion_gemm_pack_b (conv->precision, FALSE, ci, taps * co, transposed, ci, packed);
      conv->part_rows = patch_rows (rows, taps * co);
    }
  diffusion_parallel_for (diffusion_n_parts (rows, conv->part_rows), input_gradient_part, conv);
}

static void
conv_backward (const DiffusionOp *op, DiffusionExec *exec)
{
  Conv conv = conv_new (op, diffusion_exec_get_graph (exec));

  conv.precision = diffusion_exec_precision (exec);
  conv.x = diffusion_exec_value (exec, op->inputs[0]);
  conv.scratch = diffusion_exec_scratch (exec);
  conv.weight = diffusion_exec_widen (exec, op, 0, conv.scratch);
  conv.scratch += diffusion_graph_get_widening_bytes (diffusion_exec_get_graph (exec), op, 0);
  conv.dy = diffusion_exec_gradient (exec, op->output);
  conv.dweight = diffusion_exec_param_gradient (exec, op, 0);
  conv.dbias = conv.attributes->has_bias ? diffusion_exec_param_gradient (exec, op, 1) : NULL;
  if (conv.dweight != NULL)
    {
      split_weight_gradient (&conv);
      if (packs_input (&conv))
        {
          conv.packed = conv.scratch;
          diffusion_parallel_for (diffusion_n_parts (diffusion_shape_pixels (conv.out), DIFFUSION_GEMM_PACK_ROWS),
                                  pack_input_part, &conv);
        }
      diffusion_parallel_for (conv.n_slices * conv.n_blocks, weight_gradient_part, &conv);
      if (conv.n_slices > 1)
        diffusion_parallel_for (diffusion_n_parts ((gsize) conv.out.c * conv.patch, SUM_BLOCK), sum_slices_part, &conv);
    }
  conv.dx = diffusion_exec_input_gradient (exec, op, 0, &conv.beta);
  if (conv.dx != NULL)
    backward_input (&conv);
}

static guint64
conv_macs (const DiffusionOp *op, const DiffusionGraph *graph)
{
  Conv conv = conv_new (op, graph);

  return (guint64) diffusion_shape_size (conv.out) * conv.patch;
}

static const DiffusionOpClass conv_class = {
  .name = "conv2d",
  .forward = conv_forward,
  .backward = conv_backward,
  .scratch = conv_scratch,
  .prepared = conv_prepared,
  .prepare = conv_prepare,
  .macs = conv_macs,
  .keeps = DIFFUSION_KEEPS_INPUT_0,
  .keeps_for_params = DIFFUSION_KEEPS_INPUT_0,
  .adds_input = 2,
};

DiffusionValue
diffusion_layer_conv2d (DiffusionGraph *graph, DiffusionValue x, const DiffusionConv2dOptions *options)
{
  DiffusionParams *table = diffusion_graph_get_params (graph);
  DiffusionShape in = diffusion_graph_shape (graph, x);
  DiffusionShape out = in;
  ConvAttributes attributes = { options->kernel, options->stride,     options->pad[0],
                                options->pad[1], options->circular, !options->no_bias };
  DiffusionValue inputs[2] = { x, options->residual };
  gint64 shape[4] = { options->out_channels, in.c, options->kernel, options->kernel };
  gint64 fan_in = (gint64) in.c * options->kernel * options->kernel;
  DiffusionInit init = options->init_gain > 0 ? DIFFUSION_INIT_UNIFORM : DIFFUSION_INIT_ZERO;
  g_autofree char *weight = g_strconcat (options->name, ".weight", NULL);
  g_autofree char *bias = g_strconcat (options->name, ".bias", NULL);
  guint params[2];

  out.c = options->out_channels;
  out.h = (in.h + options->pad[0] + options->pad[2] - options->kernel) / options->stride + 1;
  out.w = (in.w + options->pad[1] + options->pad[3] - options->kernel) / options->stride + 1;
  params[0] = diffusion_params_declare (table, weight, options->linear ? 2 : 4, shape,
                                        options->linear ? DIFFUSION_PARAM_PLAIN : DIFFUSION_PARAM_CONV);
  diffusion_params_set_init (table, params[0], init, options->init_gain, fan_in);
  diffusion_params_set_arranged (table, params[0]);
  if (!options->no_bias)
    {
      params[1] = diffusion_params_declare (table, bias, 1, shape, DIFFUSION_PARAM_PLAIN);
      diffusion_params_set_init (table, params[1], init, options->init_gain, fan_in);
    }
  return diffusion_graph_add (graph, &conv_class, 2, inputs, options->no_bias ? 1 : 2, params, &attributes,
                              sizeof attributes, out);
}

DiffusionValue
diffusion_layer_linear (DiffusionGraph *graph, DiffusionValue x, const char *name, gint out_channels, double init_gain)
{
  return diffusion_layer_conv2d (graph, x,
                                 &(DiffusionConv2dOptions) { .name = name, .out_channels = out_channels, .kernel = 1,
                                                             .stride = 1, .linear = TRUE, .init_gain = init_gain,
                                                             .residual = DIFFUSION_NO_VALUE });
}
