/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole pictures in memory, for verbs that measure them or hand them to a model at once. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * CliPixels:
 * @width: columns
 * @height: rows
 * @channels: 1 or 3
 * @bits: precision of the file: 8, 16 or 32
 * @data: [height, width, channels], 0 to 1
 */
typedef struct
{
  gint width, height, channels, bits;
  float *data;
} CliPixels;

/** cli_pixels_new: (transfer full) (nullable): a black picture, or %NULL with %DIFFUSION_ERROR_MEMORY. */
CliPixels *cli_pixels_new (gint width, gint height, gint channels, gint bits, GError **error);

/** cli_pixels_load: (transfer full) (nullable): all of an image file; alpha is left out. */
CliPixels *cli_pixels_load (const char *path, GError **error);

/** cli_pixels_to_rgb: makes three equal channels of one; %FALSE with %DIFFUSION_ERROR_MEMORY. */
gboolean cli_pixels_to_rgb (CliPixels *pixels, GError **error);

/** cli_pixels_to_gray: makes one channel of three, their mean. */
void cli_pixels_to_gray (CliPixels *pixels);

void cli_pixels_free (CliPixels *pixels);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliPixels, cli_pixels_free)

/**
 * cli_list_pictures:
 * @path: a folder, or one image file
 * @error: return location for %DIFFUSION_ERROR_NOT_FOUND if there is nothing, %DIFFUSION_ERROR_IO
 *
 * Returns: (transfer full) (nullable): paths of the PNG, JPEG, WebP and TIFF files (by extension) in a folder, without
 *   its subfolders, sorted by name
 */
GPtrArray *cli_list_pictures (const char *path, GError **error);

/**
 * cli_find_picture:
 * @folder: where to look
 * @stem: name without extension
 *
 * Returns: (transfer full) (nullable): path of the picture of that name with any of the extensions
 */
char *cli_find_picture (const char *folder, const char *stem);

/** cli_pixels_psnr: peak signal-to-noise ratio in dB of two pictures of one size, with a peak of 1; @picture is clipped
 * to 0..1 before, in place. */
double cli_pixels_psnr (const CliPixels *reference, CliPixels *picture);

/** cli_pixels_detail_psnr: the same of what each pixel differs by from the mean of its four neighbours: fine detail, of
 * which the whole picture's PSNR says little. Both are taken as they are. */
double cli_pixels_detail_psnr (const CliPixels *reference, const CliPixels *picture);

G_END_DECLS
