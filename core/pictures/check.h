/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is an image file complete? GEGL's loaders fill what is missing with nothing and only warn. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  DIFFUSION_FILE_UNKNOWN,
  DIFFUSION_FILE_PNG,
  DIFFUSION_FILE_JPEG,
  DIFFUSION_FILE_WEBP,
  DIFFUSION_FILE_TIFF
} DiffusionFileKind;

/**
 * diffusion_pictures_check:
 * @path: a file
 * @error: return location
 *
 * Tells by its content what an image file is and walks its structure (PNG chunks with their sums, JPEG markers
 * to the end of the image, the WebP container, TIFF directories and strips).
 *
 * Returns: the kind, or %DIFFUSION_FILE_UNKNOWN with @error set when the file cannot be read, is something
 *   else, or ends too early
 */
DiffusionFileKind diffusion_pictures_check (const char *path, GError **error);

G_END_DECLS
