/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture of which a part is seen: for previews. */
#pragma once

#include <gegl.h>

#include "core/diffusion.h"

G_BEGIN_DECLS

/**
 * diffusion_part_picture_new:
 * @from: what it reads
 * @area: the part that is seen
 * @colors: [height, width, channels of @from] of @area: where what is written to it goes; the rest is lost
 *
 * Nothing is owned; all of it must outlive the picture.
 *
 * Returns: (transfer full): the picture
 */
DiffusionPicture *diffusion_part_picture_new (DiffusionPicture *from, const GeglRectangle *area, float *colors);

G_END_DECLS
