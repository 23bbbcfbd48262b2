/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers: functions that append operations to a graph and declare their parameters. Each layer's forward and
 * backward pass stand side by side in its own file. All values are [n, h, w, c]. */
#pragma once

#include "core/model/graph.h"

G_BEGIN_DECLS

/**
 * DiffusionConv2dOptions:
 * @name: parameters are "@name.weight" [out, in, kernel, kernel] and "@name.bias" [out]
 * @out_channels: channels of the output
 * @kernel: 1, 2, 3, …
 * @stride: 1 or more
 * @pad: [top, left, bottom, right] pixels of padding
 * @circular: pad with the opposite side instead of zeros
 * @linear: the weight is [out, in] as in linear layers (@kernel 1)
 * @no_bias: without a bias
 * @init_gain: starting values U(−gain/√fan_in, gain/√fan_in); 0: zeros
 * @residual: (optional): a value of the output's shape that is added; %DIFFUSION_NO_VALUE for none
 */
typedef struct
{
  const char *name;
  gint out_channels;
  gint kernel;
  gint stride;
  gint pad[4];
  gboolean circular;
  gboolean linear;
  gboolean no_bias;
  double init_gain;
  DiffusionValue residual;
} DiffusionConv2dOptions;

/** diffusion_layer_conv2d: cross-correlation as in every deep-learning framework, by matrix products. */
DiffusionValue diffusion_layer_conv2d (DiffusionGraph *graph, DiffusionValue x, const DiffusionConv2dOptions *options);

/** diffusion_layer_linear: y = x·Wᵀ + b on the channels of every pixel. */
DiffusionValue diffusion_layer_linear (DiffusionGraph *graph, DiffusionValue x, const char *name, gint out_channels,
                                       double init_gain);

/** diffusion_layer_silu: x·sigmoid (x). */
DiffusionValue diffusion_layer_silu (DiffusionGraph *graph, DiffusionValue x);

/** diffusion_layer_relu: max (x, 0). */
DiffusionValue diffusion_layer_relu (DiffusionGraph *graph, DiffusionValue x);

/** diffusion_layer_scale: factor·x; x itself for 1. */
DiffusionValue diffusion_layer_scale (DiffusionGraph *graph, DiffusionValue x, double factor);

/** diffusion_layer_add: a + b, of one shape. */
DiffusionValue diffusion_layer_add (DiffusionGraph *graph, DiffusionValue a, DiffusionValue b);

/**
 * diffusion_layer_film_norm:
 * @x: [n, h, w, c]
 * @film: (optional): [n, 1, 1, 2c], p then q
 *
 * Layer normalisation over each pixel's channels (ε = 1e-6, no parameters) and feature-wise modulation:
 * (x − mean)/√(variance + ε)·(1 + p) + q. No statistic reaches beyond a pixel, so tiles do not see it.
 */
DiffusionValue diffusion_layer_film_norm (DiffusionGraph *graph, DiffusionValue x, DiffusionValue film);

/** diffusion_layer_gate: simple gate (Chen et al. 2022): [n, h, w, 2c] → [n, h, w, c], first half times second. */
DiffusionValue diffusion_layer_gate (DiffusionGraph *graph, DiffusionValue x);

/**
 * diffusion_layer_depthwise_gate:
 * @x: [n, h, w, 2c]
 * @name: parameters are "@name.weight" [2c, 1, 3, 3] and "@name.bias" [2c]
 *
 * Depthwise 3×3 convolution with zero padding, then the simple gate, without storing what lies between.
 *
 * Returns: [n, h, w, c]
 */
DiffusionValue diffusion_layer_depthwise_gate (DiffusionGraph *graph, DiffusionValue x, const char *name);

/**
 * diffusion_layer_gated_block:
 * @x: [n, h, w, c]
 * @film1: [n, 1, 1, 2c]
 * @film2: [n, 1, 1, 2c]
 * @prefix: parameters are "@prefix.expand1", "….depthwise", "….project1", "….expand2" and "….project2", each with
 *   ".weight" and ".bias", as the single layers declared them
 *
 * For inference only, the same within rounding as these single layers, without storing what lies between:
 * x' = x + conv1x1 (depthwise_gate (conv1x1 (film_norm (x, film1)))), then
 * x' + conv1x1 (gate (conv1x1 (film_norm (x', film2)))).
 *
 * Returns: [n, h, w, c]
 */
DiffusionValue diffusion_layer_gated_block (DiffusionGraph *graph, DiffusionValue x, DiffusionValue film1,
                                            DiffusionValue film2, const char *prefix);

/**
 * diffusion_layer_up_block:
 * @x: [n, h, w, c_in]
 * @skip: [n, 2h or more, 2w or more, c]: its middle is used
 * @name: parameters are "@name.weight" [4c, c_in] and "@name.bias", as a 1×1 convolution declared them
 * @crop: pixels of @x to leave out at each border
 *
 * For inference only: pixel_shuffle (conv1x1 (x)) + skip, of the middle of the picture.
 *
 * Returns: [n, 2·(h − 2·crop), 2·(w − 2·crop), c]
 */
DiffusionValue diffusion_layer_up_block (DiffusionGraph *graph, DiffusionValue x, DiffusionValue skip,
                                         const char *name, gint crop);

/** diffusion_layer_pixel_shuffle: [n, h, w, f²·c] → [n, f·h, f·w, c]; channel order c, dy, dx as in PyTorch. */
DiffusionValue diffusion_layer_pixel_shuffle (DiffusionGraph *graph, DiffusionValue x, gint factor);

/** diffusion_layer_pixel_unshuffle: [n, f·h, f·w, c] → [n, h, w, f²·c]. */
DiffusionValue diffusion_layer_pixel_unshuffle (DiffusionGraph *graph, DiffusionValue x, gint factor);

/**
 * diffusion_layer_high_pass:
 * @x: [n, h, w, c]
 * @scale: [n, 1, 1, 1]
 *
 * [x, scale·(x − the mean of x over the 5×5 pixels around)], mirrored at the borders. Passes no gradient.
 *
 * Returns: [n, h, w, 2c]
 */
DiffusionValue diffusion_layer_high_pass (DiffusionGraph *graph, DiffusionValue x, DiffusionValue scale);

/**
 * DiffusionGroupNormOptions:
 * @name: (nullable): parameters are "@name.weight" [c] and "@name.bias" [c]; %NULL: neither
 * @groups: divides c
 * @epsilon: added to the variance
 * @silu: SiLU at the end
 * @add: (optional): [n, 1, 1, c], added to every pixel before
 * @film: (optional): [n, 1, 1, 2c], scale then shift, after
 */
typedef struct
{
  const char *name;
  gint groups;
  double epsilon;
  gboolean silu;
  DiffusionValue add;
  DiffusionValue film;
} DiffusionGroupNormOptions;

/**
 * diffusion_layer_group_norm:
 * @x: [n, h, w, c]
 *
 * Normalisation over the pixels and channels of each group (Wu & He 2018) and what U-Nets do around it:
 * GN (x + add)·(1 + scale) + shift, the adaptive group normalisation of Dhariwal & Nichol 2021, §3, and SiLU.
 */
DiffusionValue diffusion_layer_group_norm (DiffusionGraph *graph, DiffusionValue x,
                                           const DiffusionGroupNormOptions *options);

/**
 * diffusion_layer_attention:
 * @q: [n, h, w, c]
 * @k: [n, h, w, c]
 * @v: [n, h, w, c]
 * @heads: divides c; a head is a run of c/heads channels
 *
 * softmax (q·kᵀ/√(c/heads))·v between the pixels of each image (Vaswani et al. 2017), the scores never stored whole at
 * inference.
 */
DiffusionValue diffusion_layer_attention (DiffusionGraph *graph, DiffusionValue q, DiffusionValue k, DiffusionValue v,
                                          gint heads);

/** diffusion_layer_average_pool: means of 2×2 pixels: [n, h, w, c] → [n, ⌊h/2⌋, ⌊w/2⌋, c]. */
DiffusionValue diffusion_layer_average_pool (DiffusionGraph *graph, DiffusionValue x);

/** diffusion_layer_upsample: nearest neighbour: [n, h, w, c] → [n, 2h, 2w, c]. */
DiffusionValue diffusion_layer_upsample (DiffusionGraph *graph, DiffusionValue x);

/** diffusion_layer_concat: [n, h, w, a] and [n, h, w, b] → [n, h, w, a + b]. */
DiffusionValue diffusion_layer_concat (DiffusionGraph *graph, DiffusionValue a, DiffusionValue b);

/** diffusion_layer_dropout: at training zeroes values with @probability and scales the others; x itself for 0. */
DiffusionValue diffusion_layer_dropout (DiffusionGraph *graph, DiffusionValue x, double probability);

/**
 * diffusion_layer_embedding:
 * @index: [n, 1, 1, 1], whole numbers below @rows, which the caller checks
 * @name: the parameter is "@name.weight" [rows, channels]
 *
 * Returns: [n, 1, 1, channels], rows of the table
 */
DiffusionValue diffusion_layer_embedding (DiffusionGraph *graph, DiffusionValue index, const char *name, gint rows,
                                          gint channels);

/** diffusion_layer_mean: over the pixels: [n, h, w, c] → [n, 1, 1, c]. */
DiffusionValue diffusion_layer_mean (DiffusionGraph *graph, DiffusionValue x);

/**
 * diffusion_layer_tokens:
 * @x: [n, h, w, c]
 * @name: the parameter is @name [c, 1 + h·w], what is added to each token
 *
 * Returns: [n, 1, 1 + h·w, c]: the mean over the pixels, then the pixels
 */
DiffusionValue diffusion_layer_tokens (DiffusionGraph *graph, DiffusionValue x, const char *name);

/** diffusion_layer_first_token: [n, h, w, c] → [n, 1, 1, c], the first pixel. */
DiffusionValue diffusion_layer_first_token (DiffusionGraph *graph, DiffusionValue x);

/**
 * diffusion_timestep_features:
 * @n: batch
 * @t: [n] 0-based, may be fractional
 * @channels: even
 * @flip_sin_to_cos: cosines first
 * @freq_shift: see below
 * @out: (out caller-allocates): [n, channels]
 *
 * The sinusoidal position encoding: sin and cos of t·exp (−ln 10000·i/(channels/2 − freq_shift)).
 */
void diffusion_timestep_features (gsize n, const double *t, gsize channels, gboolean flip_sin_to_cos,
                                  double freq_shift, float *out);

G_END_DECLS
