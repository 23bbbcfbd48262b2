/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JPEG files through libjpeg: GEGL's own operations end the program on a damaged file or a full disk, and drop
 * Exif and XMP. */
#pragma once

#include <gegl.h>

G_BEGIN_DECLS

/**
 * diffusion_jpeg_load:
 * @path: a JPEG file
 * @markers: (out) (transfer full) (nullable): its Exif and XMP segments, to be handed to diffusion_jpeg_save(); they call the
 *   picture upright, as it is then
 * @error: return location
 *
 * Returns: (transfer full) (nullable): the picture, Y' or R'G'B' u8 in the space of its profile, or %NULL with
 *   @error set when it is damaged (a picture that libjpeg would complete with gray is damaged) or CMYK
 */
GeglBuffer *diffusion_jpeg_load (const char *path, GPtrArray **markers, GError **error);

/**
 * diffusion_jpeg_save:
 * @buffer: a picture; alpha is dropped
 * @gray: write luma only
 * @markers: (nullable): segments from diffusion_jpeg_load()
 * @quality: 1 to 100; chroma is kept at full size
 * @path: file to write, not yet under its final name
 * @error: return location; the message does not name the file
 *
 * Returns: %TRUE, or %FALSE with @error set
 */
gboolean diffusion_jpeg_save (GeglBuffer *buffer, gboolean gray, GPtrArray *markers, gint quality, const char *path,
                              GError **error);

G_END_DECLS
