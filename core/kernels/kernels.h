/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of compute kernels: one set of functions for each CPU level, all with the same meaning. */
#pragma once

#include <glib.h>

#include "core/kernels/cpu.h"

G_BEGIN_DECLS

/* What keeps the normalisations from dividing by zero. */
#define DIFFUSION_NORM_EPSILON 1e-6f

/* What one AdamW step multiplies with: see diffusion_adamw_step(). */
typedef struct
{
  float gradient_scale, beta1, beta2, one_minus_beta1, one_minus_beta2;
  float rate;                /* learning rate over the first moment's bias correction */
  float inverse_correction2; /* one over the second moment's bias correction */
  float epsilon;
  float keep; /* 1 − learning rate·weight decay */
} DiffusionAdamKernel;

/**
 * DiffusionKernels:
 *
 * All functions are single-threaded, cannot fail, allocate nothing, read nothing outside their inputs and write
 * every element of their outputs and nothing else. Callers split work into parts of fixed size and run them
 * through diffusion_parallel_for(). Pointers need no alignment beyond that of a float. Inputs and outputs must
 * not overlap unless stated. For given sizes the result does not depend on addresses or threads. Activations
 * are channels-last, so `[n]` below is any contiguous run and `[rows, c]` are pixels times channels.
 */
typedef struct
{
  DiffusionCpuLevel level;

  /* Element by element, shapes [n]. y may be x (and dx may be dy) in all of these. */

  /* y = x·sigmoid (x) */
  void (*silu) (gsize n, const float *x, float *y);
  /* dx = dy·d silu (x)/dx */
  void (*silu_backward) (gsize n, const float *x, const float *dy, float *dx);
  /* y = a + b */
  void (*add) (gsize n, const float *a, const float *b, float *y);
  /* y += alpha·x */
  void (*add_scaled) (gsize n, float alpha, const float *x, float *y);
  /* y = alpha·x */
  void (*scale) (gsize n, float alpha, const float *x, float *y);

  /* Simple gate (Chen et al. 2022, NAFNet): x [rows, 2c] -> y [rows, c], first half times second half. */
  void (*gate) (gsize rows, gsize c, const float *x, float *y);
  /* dx [rows, 2c] from x [rows, 2c] and dy [rows, c] */
  void (*gate_backward) (gsize rows, gsize c, const float *x, const float *dy, float *dx);

  /* Layer normalisation of every row (ε = 1e-6) with modulation: x, y [rows, c]; film [2c], p then q, or NULL:
   * y = (x − mean)/√(variance + ε)·(1 + p) + q. y may be x. */
  void (*film_norm) (gsize rows, gsize c, const float *x, const float *film, float *y);
  /* dx = (its gradient) + beta·dx, not computed where dx is NULL; dfilm [2c] (or NULL) is added to */
  void (*film_norm_backward) (gsize rows, gsize c, const float *x, const float *film, const float *dy, float beta,
                              float *dx, float *dfilm);

  /* One row of a depthwise 3×3 convolution: rows [3], each [w, c] or NULL for zeros; weight [9, c]; bias [c] or NULL;
   * zero pixels left and right; y [w, c] */
  void (*depthwise_row) (gsize w, gsize c, const float *const *rows, const float *weight, const float *bias, float *y);
  /* One row of a depthwise 3×3 convolution and the simple gate after it: rows [3], each [w + 2, 2c] with the neighbours
   * left and right, or NULL for zeros (the middle one is never NULL); weight [9, 2c]; bias [2c]; y [w, c] */
  void (*depthwise_gate_row) (gsize w, gsize c, const float *const *rows, const float *weight, const float *bias,
                              float *y);
  /* dweight [9, c] and dbias [c] are added to; dy [w, c] */
  void (*depthwise_row_weights) (gsize w, gsize c, const float *const *rows, const float *dy, float *dweight,
                                 float *dbias);

  /* Group normalisation is a scale and an offset for each channel, u = a·x + b, once the statistics are known; these
   * four go over parts of an image, x [rows, c], everything else [c] unless stated. */

  /* sums = Σ (x − shift) and squares = Σ (x − shift)² over the rows */
  void (*channel_sums) (gsize rows, gsize c, const float *x, const float *shift, float *sums, float *squares);
  /* y = u, or silu (u); y [rows, c] may be x */
  void (*channel_affine) (gsize rows, gsize c, const float *x, const float *a, const float *b, gboolean silu, float *y);
  /* With du = dy, or dy·d silu (u)/du: sums = Σ du and products = Σ du·(x − shift) over the rows */
  void (*channel_affine_sums) (gsize rows, gsize c, const float *x, const float *dy, const float *a, const float *b,
                               gboolean silu, const float *shift, float *sums, float *products);
  /* dx = p·du + q·x + r + beta·dx; dx [rows, c] may be dy */
  void (*channel_affine_backward) (gsize rows, gsize c, const float *x, const float *dy, const float *a,
                                   const float *b, gboolean silu, const float *p, const float *q, const float *r,
                                   float beta, float *dx);

  /* Every row of x [rows, c] becomes softmax (alpha·row). */
  void (*softmax) (gsize rows, gsize c, float alpha, float *x);
  /* dy [rows, c] becomes the gradient of the scores: alpha·y·(dy − Σ y·dy) */
  void (*softmax_backward) (gsize rows, gsize c, float alpha, const float *y, float *dy);

  /* y [c] += Σ of the rows of x [rows, c], rows ldx apart */
  void (*sum_rows) (gsize rows, gsize c, const float *x, gsize ldx, float *y);

  /* y [n] = Σ_t weights[t]·x[t·ldx + i] over @terms rows of x, in double; not rounded before the end */
  void (*combine_rows) (gsize n, gsize terms, const double *weights, const float *x, gsize ldx, float *y);

  /* Winograd convolution F(m×m, 3×3), m 2 or 4, of one tile (Lavin & Gray 2016): u = Bᵀ·d·B, (m + 2)² values for each
   * of c channels; @pixels [(m + 2)²] point at the c channels of each input pixel, u[position] is at
   * u + position·step. */
  void (*winograd_input) (gsize m, gsize c, const float *const *pixels, float *u, gsize step);
  /* y = Aᵀ·v·A + bias + residual; @pixels [m²] point at the outputs, NULL where there is none; @residual [m²] likewise,
   * or NULL; bias [c] or NULL. A pixel's residual may be its output. */
  void (*winograd_output) (gsize m, gsize c, const float *v, gsize step, const float *bias,
                           const float *const *residual, float *const *pixels);

  /* g = gradient_scale·gradient; first = beta1·first + (1 − beta1)·g; second likewise with g²;
   * x = keep·x − rate·first/(√(second·inverse_correction2) + epsilon); all [n] */
  void (*adam) (gsize n, const DiffusionAdamKernel *adam, const float *gradient, float *first, float *second, float *x);
  /* y += rate·(x − y) */
  void (*blend) (gsize n, float rate, const float *x, float *y);
  /* Σ x² */
  double (*sum_squares) (gsize n, const float *x);
} DiffusionKernels;

/** diffusion_kernels: the table of diffusion_cpu_level(). */
const DiffusionKernels *diffusion_kernels (void);

/**
 * diffusion_kernels_for_level:
 * @level: a level not above diffusion_cpu_best_level(); levels that share code share a table
 *
 * For tests and benchmarks that compare levels in one process.
 */
const DiffusionKernels *diffusion_kernels_for_level (DiffusionCpuLevel level);

G_END_DECLS
