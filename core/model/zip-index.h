/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the members of a zip archive lie, so that they can be used in place. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DiffusionZipMember:
 * @name: its path in the archive
 * @data: first byte, in the archive
 * @size: its length
 */
typedef struct
{
  char *name;
  const guint8 *data;
  gsize size;
} DiffusionZipMember;

/**
 * diffusion_zip_index:
 * @path: what to call the archive in errors
 * @bytes: the archive, ZIP64 or not
 * @error: return location for %DIFFUSION_ERROR_FORMAT, or %DIFFUSION_ERROR_UNSUPPORTED for compressed or
 * encrypted members
 *
 * Positions and sizes come from the central directory and are checked against each member's local header and
 * the file's end.
 *
 * Returns: (transfer full) (nullable) (element-type utf8 DiffusionZipMember): members by name, pointing into
 * @bytes
 */
GHashTable *diffusion_zip_index (const char *path, GBytes *bytes, GError **error);

G_END_DECLS
