/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The random numbers of a chain. */
#pragma once

#include "core/base/random.h"

G_BEGIN_DECLS

/**
 * DiffusionNoise:
 * @seed: the user's seed; picture i of a batch has seed + i
 * @same: all pictures of a batch have the seed itself (interpolation)
 * @x: global column of the left edge of the arrays
 * @y: global row of the top edge
 * @window: what is larger than this is evened by diffusion_even_noise(); 0 for white noise
 * @steps: (nullable): [count, n, height, width, channels] given noise, the k-th array for the k-th step taken;
 *   it replaces what the seed would give for sampling steps
 * @count: arrays in @steps
 *
 * Where noise comes from. Values depend on the seed, what they are for, the step and the global position of the
 * pixel, and on nothing else; with a window also on the size.
 */
typedef struct
{
  guint64 seed;
  gboolean same;
  gint32 x, y;
  gsize window;
  const float *steps;
  gsize count;
} DiffusionNoise;

/**
 * diffusion_noise_fill:
 * @noise: where it comes from
 * @purpose: %DIFFUSION_PURPOSE_NOISE and its siblings
 * @step: how many steps were taken before
 * @n: pictures
 * @height: rows
 * @width: columns
 * @channels: channels
 * @out: (out caller-allocates): [n, height, width, channels]
 *
 * Fills @out with N(0, 1), on all threads.
 */
void diffusion_noise_fill (const DiffusionNoise *noise, guint32 purpose, guint32 step, gsize n, gsize height,
                           gsize width, gsize channels, float *out);

G_END_DECLS
