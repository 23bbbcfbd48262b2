/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pixels as GIMP stores them and as the core sees them. babl takes the way that it has just measured to be the fastest,
 * and the last bits of what it gives differ from one run to the next; these are the same each time. */
#pragma once

#include <gegl.h>

G_BEGIN_DECLS

typedef enum
{
  DIFFUSION_SAMPLE_U8,
  DIFFUSION_SAMPLE_U16,
  DIFFUSION_SAMPLE_U32,
  DIFFUSION_SAMPLE_HALF,
  DIFFUSION_SAMPLE_FLOAT,
  DIFFUSION_SAMPLE_DOUBLE
} DiffusionSampleType;

/**
 * DiffusionSamples:
 * @type: of one sample
 * @count: samples of a pixel
 * @channels: those that are colours, which come first: 1 or 3
 * @size: bytes of a sample
 * @linear: they are proportional to light; the core sees them through the curve of sRGB
 *
 * How the pixels of a format are stored.
 */
typedef struct
{
  DiffusionSampleType type;
  gint count, channels;
  gsize size;
  gboolean linear;
} DiffusionSamples;

/** diffusion_samples_get: of a format of RGB or gray, with alpha or without, as drawables have. */
DiffusionSamples diffusion_samples_get (const Babl *format);

/**
 * diffusion_samples_read:
 * @pixels: (array): [n, @self->count] samples
 * @out: (out caller-allocates): [n, @self->channels], 0 to 1 for what integers can hold; 0 for what is no number
 */
void diffusion_samples_read (const DiffusionSamples *self, const guint8 *pixels, gsize n, float *out);

/**
 * diffusion_samples_write:
 * @in: [n, @self->channels]
 * @pixels: (inout): [n, @self->count]; alpha, what is no number, and what reads as @in already stay as they are
 */
void diffusion_samples_write (const DiffusionSamples *self, const float *in, gsize n, guint8 *pixels);

G_END_DECLS
