/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise as a camera makes it, for training. */
#pragma once

#include "core/base/random.h"

G_BEGIN_DECLS

/**
 * diffusion_camera_noise:
 * @stream: the field of random numbers that picks the camera and its noise; a training example has its own
 *   (for instance its step and, in the seed, its index)
 * @clean: [height, width, 3] the clean patch in [-1, 1]
 * @height: rows, at least 2
 * @width: columns, at least 2
 * @epsilon: (out caller-allocates): [height, width, 3] the noise, root mean square 1 over the patch
 *
 * The patch is taken back to a random camera's sensor (inverse tone curve, colour matrix and white balance),
 * shot and read noise is added to the Bayer mosaic, the noise is demosaiced, brought forward again, sometimes
 * smoothed or coarsened as converters and cameras do, and scaled. Its level follows the brightness of the patch, it is
 * correlated between neighbours and channels, and its mean given the patch is zero (every step is linear in
 * the noise), so with this as ε the posterior mean is the clean patch.
 *
 * The same stream and patch give the same bytes; thread-safe.
 */
void diffusion_camera_noise (const DiffusionStream *stream, const float *clean, gint height, gint width,
                             float *epsilon);

G_END_DECLS
