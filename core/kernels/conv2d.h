/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolutions at inference: planned once, weights arranged once, run many times on all threads. */
#pragma once

#include <glib.h>

#include "core/kernels/gemm.h"

G_BEGIN_DECLS

typedef enum
{
  DIFFUSION_ACTIVATION_NONE,
  DIFFUSION_ACTIVATION_SILU
} DiffusionActivation;

/**
 * DiffusionConvShape:
 * @n: images
 * @h: input rows
 * @w: input columns
 * @in_channels: channels of the input
 * @out_channels: channels of the output
 * @kernel: rows and columns of the kernel, 1 or more
 * @stride: 1 or more
 * @pad_top: rows of padding
 * @pad_left: columns of padding
 * @pad_bottom: rows of padding
 * @pad_right: columns of padding
 * @circular: padding is the opposite side of the picture instead of zeros
 */
typedef struct
{
  gsize n, h, w, in_channels, out_channels;
  gsize kernel, stride;
  gsize pad_top, pad_left, pad_bottom, pad_right;
  gboolean circular;
} DiffusionConvShape;

typedef enum
{
  DIFFUSION_CONV_AUTO,
  DIFFUSION_CONV_POINTWISE, /* 1×1: a matrix product in place */
  DIFFUSION_CONV_GATHER,    /* patches side by side, then a matrix product (im2col) */
  DIFFUSION_CONV_WINOGRAD2, /* F(2×2, 3×3) */
  DIFFUSION_CONV_WINOGRAD4  /* F(4×4, 3×3) */
} DiffusionConvAlgorithm;

/**
 * DiffusionConvPlan:
 * @shape: what was planned
 * @precision: of the products
 * @algorithm: never %DIFFUSION_CONV_AUTO
 * @out_h: output rows
 * @out_w: output columns
 * @packed_bytes: what diffusion_conv_pack() fills
 * @workspace_bytes: what diffusion_conv_run() needs, for the number of threads at the time of planning
 *
 * How one convolution is done; the other fields are the kernels' own. A plan depends on the shape, the precision and
 * the CPU level, and so do the results: never on the number of threads.
 */
typedef struct
{
  DiffusionConvShape shape;
  DiffusionPrecision precision;
  DiffusionConvAlgorithm algorithm;
  gsize out_h, out_w;
  gsize packed_bytes, workspace_bytes;

  gsize units;                    /* output pixels or tiles */
  gsize block, n_blocks;          /* units in a part */
  gsize slice, n_slices;          /* output channels in a part */
  gsize slice_bytes, piece_bytes; /* packed weights of one slice, and of one tile position of it */
  gsize worker_bytes, shared_bytes;
} DiffusionConvPlan;

/**
 * diffusion_conv_plan:
 * @plan: (out caller-allocates): filled
 * @shape: all sizes positive, the output not empty
 * @precision: of the products; with %DIFFUSION_PRECISION_BF16 no Winograd, F(4×4) is always in float32
 * @algorithm: %DIFFUSION_CONV_AUTO, or one that fits the shape, for tests and benchmarks
 */
void diffusion_conv_plan (DiffusionConvPlan *plan, const DiffusionConvShape *shape, DiffusionPrecision precision,
                          DiffusionConvAlgorithm algorithm);

/**
 * diffusion_conv_pack:
 * @plan: the plan
 * @weight: [out_channels, kernel, kernel, in_channels]
 * @packed: (out caller-allocates): plan->packed_bytes bytes, aligned to 64
 */
void diffusion_conv_pack (const DiffusionConvPlan *plan, const float *weight, void *packed);

/**
 * diffusion_conv_run:
 * @plan: the plan
 * @x: [n, h, w, in_channels]
 * @packed: from diffusion_conv_pack() with a plan of the same algorithm and channels
 * @bias: (nullable): [out_channels]
 * @residual: (nullable): [n, out_h, out_w, out_channels], may be @y
 * @activation: applied last
 * @y: (out): [n, out_h, out_w, out_channels]
 * @workspace: plan->workspace_bytes bytes, aligned to 64
 *
 * y = activation (x * weight + bias + residual), cross-correlation as in every deep-learning framework.
 */
void diffusion_conv_run (const DiffusionConvPlan *plan, const float *x, const void *packed, const float *bias,
                         const float *residual, DiffusionActivation activation, float *y, void *workspace);

/**
 * diffusion_conv_reference:
 *
 * The same as a plain sum in double over the unpacked @weight, for tests. @y must not be @residual.
 */
void diffusion_conv_reference (const DiffusionConvShape *shape, const float *x, const float *weight, const float *bias,
                               const float *residual, DiffusionActivation activation, float *y);

G_END_DECLS
