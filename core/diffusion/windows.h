/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A predictor of one size as a predictor of any size. */
#pragma once

#include "core/diffusion/predictor.h"

G_BEGIN_DECLS

/**
 * DiffusionWindows:
 * @inner: the network
 * @size: width and height of a window; 0 for the network's native size, or the whole picture if it has none
 * @overlap: pixels that neighbouring windows share at least; 0 for a quarter of a window
 * @circular: left and right, top and bottom edges belong together
 * @batch: windows asked about at once; 0 and 1 mean one after the other. The network is told where the first is
 *
 * Pictures larger than a window: what the network says about overlapping windows is averaged, with weights that
 * fall to nothing at a window's edge (raised cosine), so that no step of a chain knows where windows end. Smaller
 * ones and sizes that are no multiple of what the network needs: padded by reflection and cropped. Circular: windows
 * cross the edges and meet themselves, unless the picture has the size of one and the network is circular.
 */
typedef struct
{
  const DiffusionPredictor *inner;
  gsize size, overlap;
  gboolean circular;
  gsize batch;
} DiffusionWindows;

/**
 * diffusion_windows_predictor:
 * @windows: the windows, which must outlive the result
 *
 * Returns: a predictor that takes any size. It is as large as the network in every other respect
 */
DiffusionPredictor diffusion_windows_predictor (const DiffusionWindows *windows);

/** diffusion_windows_count: how many windows a picture needs: what the network is asked per picture and step. */
gsize diffusion_windows_count (const DiffusionWindows *windows, gsize height, gsize width);

/** diffusion_windows_memory: bytes that a prediction for such a picture allocates besides what the network needs. */
gsize diffusion_windows_memory (const DiffusionWindows *windows, gsize height, gsize width);

G_END_DECLS
