/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What JPEG does to noise, for training. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** DiffusionJpegChroma: how far JPEG reduces the chroma planes: not at all, across, or across and down. */
typedef enum
{
  DIFFUSION_JPEG_444,
  DIFFUSION_JPEG_422,
  DIFFUSION_JPEG_420
} DiffusionJpegChroma;

/**
 * diffusion_jpeg_round_trip:
 * @pixels: (inout): [height, width, 3] a picture in [-1, 1], replaced by what a JPEG file of it would give
 *   (8-bit values again)
 * @height: rows
 * @width: columns
 * @shift_x: columns of the picture's first block that lie left of it, 0 to 15: patches are cut anywhere
 * @shift_y: rows above it, 0 to 15
 * @quality: 1 to 100 on the common scale of the standard's example tables
 * @chroma: reduction of the chroma planes
 *
 * Y'CbCr, discrete cosine transform, quantisation and back (ISO/IEC 10918-1 annexes A and K); the coding in
 * between loses nothing and is left out. Thread-safe.
 */
void diffusion_jpeg_round_trip (float *pixels, gint height, gint width, gint shift_x, gint shift_y, gint quality,
                                DiffusionJpegChroma chroma);

G_END_DECLS
