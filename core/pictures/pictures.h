/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Image files as pictures of the core, through GEGL's own file operations. */
#pragma once

#include "core/imaging/picture.h"

G_BEGIN_DECLS

/**
 * diffusion_pictures_open:
 * @path: a PNG, JPEG, WebP or TIFF file; what it is is told by its content
 * @error: return location
 *
 * Reads an image file of any precision (8 and 16 bits, floating point), gray or colour, with or without alpha
 * and colour profile. The picture gives R'G'B' or Y' in the file's own space, so that profile and precision
 * survive reading, changing and diffusion_pictures_save(); so do alpha and, from JPEG to JPEG, Exif and XMP.
 *
 * What is written to the picture goes to a second buffer: reads give the file as it was. Damaged and truncated
 * files are errors, never half-filled pictures.
 *
 * The first call starts GEGL (about 20 ms: only the file operations are loaded). Not thread-safe.
 *
 * Returns: (transfer full) (nullable): the picture, or %NULL with @error set
 */
DiffusionPicture *diffusion_pictures_open (const char *path, GError **error);

/**
 * diffusion_pictures_new:
 * @width: columns
 * @height: rows
 * @channels: 1 or 3
 * @bits: 8, 16 or 32 (floating point)
 * @error: return location
 *
 * Returns: (transfer full) (nullable): a black picture in sRGB to write to and save, or %NULL with @error set
 */
DiffusionPicture *diffusion_pictures_new (gint width, gint height, gint channels, gint bits, GError **error);

/**
 * diffusion_pictures_save:
 * @picture: from diffusion_pictures_open() or diffusion_pictures_new()
 * @path: file to write; its extension chooses PNG, JPEG, WebP or TIFF
 * @error: return location
 *
 * Saves what was written to the picture (where nothing was written, what the file had) with the precision of
 * the picture as far as the format can hold it: 16 bits at most in PNG, 8 in JPEG (quality 95, which also
 * drops alpha) and WebP. The file appears under its name only when it is complete: it is written beside it,
 * checked, flushed and renamed; a full disk leaves the old file as it was.
 *
 * Returns: %TRUE, or %FALSE with @error set
 */
gboolean diffusion_pictures_save (DiffusionPicture *picture, const char *path, GError **error);

/**
 * diffusion_pictures_write_png:
 * @path: file to write
 * @pixels: [height, width, channels] in 0 to 1, sRGB; values outside are clipped
 * @width: columns
 * @height: rows
 * @channels: 1 or 3
 * @error: return location
 *
 * Writes an 8-bit PNG, for contact sheets and intermediate pictures.
 */
gboolean diffusion_pictures_write_png (const char *path, const float *pixels, gint width, gint height, gint channels,
                                       GError **error);

/** diffusion_pictures_shutdown: ends GEGL after the last picture was freed; does nothing if it never started. */
void diffusion_pictures_shutdown (void);

G_END_DECLS
