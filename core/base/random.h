/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counter-based random numbers: a value depends on what it is for and where it is, never on what was drawn
 * before, so tiles, threads and selections do not change it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DiffusionStream:
 * @seed: the user's seed
 * @purpose: what the numbers are for; see %DIFFUSION_PURPOSE_NOISE and its siblings
 * @step: the sampling or training step
 *
 * One independent field of random numbers over (x, y, channel).
 */
typedef struct
{
  guint64 seed;
  guint32 purpose;
  guint32 step;
} DiffusionStream;

enum
{
  DIFFUSION_PURPOSE_NOISE = 1,  /* x_T, or the noise of q(x_t | x_0) */
  DIFFUSION_PURPOSE_STEP,       /* z of an ancestral or DDIM step */
  DIFFUSION_PURPOSE_KNOWN,      /* the noise on known pixels when inpainting */
  DIFFUSION_PURPOSE_RESAMPLE,   /* RePaint's jumps back */
  DIFFUSION_PURPOSE_DATA,       /* which picture, crop, flip */
  DIFFUSION_PURPOSE_TIMESTEP,   /* t of a training example */
  DIFFUSION_PURPOSE_DROPOUT,
  DIFFUSION_PURPOSE_WEIGHTS     /* initialisation */
};

/** diffusion_random_bits: four independent 32-bit values at a position (Philox 4x32-10, Salmon et al. 2011). */
void diffusion_random_bits (const DiffusionStream *stream, gint32 x, gint32 y, guint32 channel, guint32 bits[4]);

/** diffusion_random_uniform: a value in [0, 1) with 53 bits. */
double diffusion_random_uniform (const DiffusionStream *stream, gint32 x, gint32 y, guint32 channel);

/**
 * diffusion_random_normal_fill:
 * @stream: the field to read
 * @x: left edge of the window in global pixels
 * @y: top edge
 * @width: columns
 * @height: rows
 * @channels: channels per pixel
 * @out: (out caller-allocates): [height, width, channels] values of N(0, 1)
 *
 * Overlapping windows of one field agree wherever they overlap (Box–Muller on diffusion_random_bits()).
 */
void diffusion_random_normal_fill (const DiffusionStream *stream, gint32 x, gint32 y, gint width, gint height,
                                   gint channels, float *out);

G_END_DECLS
