/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Known pixels: sampling the rest of a picture so that it fits them. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DiffusionKnown:
 * @picture: [n, height, width, channels] the known x_0
 * @mask: [height, width] what is to be made: 0 keeps the picture, the rest is free; below 1 the result is mixed with the
 *   picture in the end
 * @jump_length: how many steps RePaint jumps back; 0 pastes only
 * @jump_count: how often each stretch is gone through; 1 pastes only
 *
 * Before every step known pixels are replaced by the picture at that step's noise level, with fresh noise
 * (Meng et al. 2022 (SDEdit) algorithm 3, Lugmayr et al. 2022 (RePaint) eq. 8). Jumps back let the rest adapt to
 * them (RePaint section 4.2). At the end pixels whose mask is 0 are exactly those of @picture.
 */
typedef struct
{
  const float *picture;
  const float *mask;
  guint jump_length, jump_count;
} DiffusionKnown;

/**
 * diffusion_known_paste:
 * @known: the known pixels
 * @level: (nullable): [n, pixels, channels] what to paste; %NULL for the picture itself
 * @n: pictures
 * @pixels: height·width
 * @channels: channels
 * @x: (inout): [n, pixels, channels]
 *
 * Where the mask is 0, bit for bit what is pasted; with the picture itself mask·x + (1 − mask)·picture elsewhere.
 */
void diffusion_known_paste (const DiffusionKnown *known, const float *level, gsize n, gsize pixels, gsize channels,
                            float *x);

/**
 * diffusion_known_path:
 * @known: (nullable): whether and how to jump
 * @steps: steps of the chain
 * @count: (out): number of entries
 *
 * The steps to visit, from @steps − 1 to −1 (the picture). Where an entry is less than the one before a reverse
 * step was taken, where it is more noise was put back.
 *
 * Returns: (transfer full) (array length=count): to be freed with g_free()
 */
gssize *diffusion_known_path (const DiffusionKnown *known, gsize steps, gsize *count);

G_END_DECLS
