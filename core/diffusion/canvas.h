/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The area a chain works on: a picture, padded where it is smaller than a network can take. */
#pragma once

#include "core/diffusion/predictor.h"

G_BEGIN_DECLS

/**
 * DiffusionCanvas:
 * @height: rows of the canvas
 * @width: columns of the canvas
 * @inner_height: rows of the picture
 * @inner_width: columns of the picture
 * @top: rows before the picture
 * @left: columns before the picture
 */
typedef struct
{
  gsize height, width;
  gsize inner_height, inner_width;
  gsize top, left;
} DiffusionCanvas;

/**
 * diffusion_canvas_init:
 * @canvas: (out caller-allocates): the canvas
 * @predictor: the network
 * @circular: the picture's edges belong together: it cannot be padded
 * @height: rows of the picture
 * @width: columns of the picture
 *
 * Noise on padding is noise, not a mirror image of noise: padding once, before the chain, keeps to what a network
 * has seen.
 */
void diffusion_canvas_init (DiffusionCanvas *canvas, const DiffusionPredictor *predictor, gboolean circular,
                            gsize height, gsize width);

/** diffusion_canvas_is_padded: whether canvas and picture differ. */
gboolean diffusion_canvas_is_padded (const DiffusionCanvas *canvas);

/** diffusion_canvas_pad: [n, inner_height, inner_width, channels] by reflection to [n, height, width, channels]. */
void diffusion_canvas_pad (const DiffusionCanvas *canvas, const float *picture, gsize n, gsize channels, float *out);

/** diffusion_canvas_crop: [n, height, width, channels] to [n, inner_height, inner_width, channels]. */
void diffusion_canvas_crop (const DiffusionCanvas *canvas, const float *padded, gsize n, gsize channels, float *out);

/**
 * diffusion_reflect_index:
 * @at: a position, inside or outside
 * @length: at least 1
 *
 * Returns: the position inside that stands for it: as far before the edge as @at is beyond, again and again for
 *   distances larger than @length
 */
gsize diffusion_reflect_index (gssize at, gsize length);

G_END_DECLS
