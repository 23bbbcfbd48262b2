/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Coarse noise: smooth random fields. */
#pragma once

#include "core/base/random.h"

G_BEGIN_DECLS

/* Octaves of a field: cells of 4, 8, 16 and 32 pixels. */
#define DIFFUSION_BLOTCH_OCTAVES 4

/**
 * diffusion_blotches_fill:
 * @stream: of the random field
 * @channel: its channels @channel to @channel + 2·%DIFFUSION_BLOTCH_OCTAVES − 1 are read
 * @weights: [%DIFFUSION_BLOTCH_OCTAVES] how strong each octave is; not all 0
 * @out: [@height, @width] is filled with normal values of mean 0 and variance 1, alike everywhere
 *
 * Value noise, interpolated between the corners of cells, octave upon octave.
 */
void diffusion_blotches_fill (const DiffusionStream *stream, gint channel, const float *weights, gint height, gint width,
                              float *out);

G_END_DECLS
