/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a camera was held, as photos say it in Exif. */
#pragma once

#include <gegl.h>

G_BEGIN_DECLS

/**
 * diffusion_exif_take_orientation:
 * @segment: (inout): contents of an APP1 segment of a JPEG file; replaced by one that calls the picture upright
 *
 * Returns: the orientation from 1, upright, to 8 as Exif numbers them; 1 where it says nothing of it
 */
gint diffusion_exif_take_orientation (GBytes **segment);

/**
 * diffusion_exif_turn:
 * @buffer: (transfer full): a picture of 8 bits
 * @orientation: 1 to 8
 *
 * Returns: (transfer full): the picture as it was seen
 */
GeglBuffer *diffusion_exif_turn (GeglBuffer *buffer, gint orientation);

G_END_DECLS
