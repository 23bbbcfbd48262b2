/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Noise that looks alike to all windows of a large picture. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * diffusion_even_noise:
 * @window: width and height of the windows that a network sees
 * @height: rows
 * @width: columns
 * @channels: channels
 * @noise: (inout): [height, width, channels] values of N(0, 1)
 *
 * A network that makes a picture of noise takes its colours from the means of the noise. Windows of a picture larger than
 * the network have means of their own, and patches of different colours come out. This takes the waves longer than
 * @window out of @noise and gives all of it one mean, with the variance that the mean of a single window has, 1/window²:
 * each window then sees noise as it was trained on, and all see the same mean. Pictures not larger stay as they are.
 */
void diffusion_even_noise (gsize window, gsize height, gsize width, gsize channels, float *noise);

G_END_DECLS
