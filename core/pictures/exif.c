/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a camera was held. */
#include "core/pictures/exif.h"

#include <string.h>

#define START       6 /* of what offsets count from, behind "Exif\0\0" */
#define ENTRY       12
#define ORIENTATION 0x0112
#define SHORT       3

static guint
read_number (const guint8 *data, gsize bytes, gboolean big)
{
  guint number = 0;

  for (gsize i = 0; i < bytes; i++)
    number = number << 8 | data[big ? i : bytes - 1 - i];
  return number;
}

/* Where the orientation's value is in the segment; 0 where there is none. */
static gsize
find_orientation (const guint8 *data, gsize length, gboolean *big)
{
  gsize at, count;

  if (length < START + 8 || memcmp (data, "Exif\0", START) != 0)
    return 0;
  *big = data[START] == 'M';
  at = START + (gsize) read_number (data + START + 4, 4, *big);
  if (at + 2 > length)
    return 0;
  count = read_number (data + at, 2, *big);
  for (at += 2; count > 0 && at + ENTRY <= length; count--, at += ENTRY)
    if (read_number (data + at, 2, *big) == ORIENTATION && read_number (data + at + 2, 2, *big) == SHORT)
      return at + 8;
  return 0;
}

gint
diffusion_exif_take_orientation (GBytes **segment)
{
  gsize length, at;
  const guint8 *data = g_bytes_get_data (*segment, &length);
  gboolean big;
  guint orientation;
  guint8 *copy;

  at = find_orientation (data, length, &big);
  orientation = at > 0 ? read_number (data + at, 2, big) : 1;
  if (orientation < 2 || orientation > 8)
    return 1;
  copy = g_memdup2 (data, length);
  copy[at] = big ? 0 : 1;
  copy[at + 1] = big ? 1 : 0;
  g_bytes_unref (*segment);
  *segment = g_bytes_new_take (copy, length);
  return (gint) orientation;
}

GeglBuffer *
diffusion_exif_turn (GeglBuffer *buffer, gint orientation)
{
  const Babl *format = gegl_buffer_get_format (buffer);
  gboolean swap = orientation >= 5;
  gboolean from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  gboolean from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  gint width = gegl_buffer_get_width (buffer), height = gegl_buffer_get_height (buffer);
  gint columns = swap ? height : width, rows = swap ? width : height;
  gsize size = babl_format_get_bytes_per_pixel (format);
  GeglBuffer *turned = gegl_buffer_new (GEGL_RECTANGLE (0, 0, columns, rows), format);
  g_autofree guint8 *line = g_malloc ((gsize) columns * size), *seen = g_malloc ((gsize) columns * size);

  for (gint row = 0; row < rows; row++)
    {
      /* A row of what was seen is a row of the file, or a column. */
      gint from = (swap ? from_right : from_below) ? rows - 1 - row : row;
      gboolean backwards = swap ? from_below : from_right;
      GeglRectangle part = swap ? (GeglRectangle) { from, 0, 1, columns } : (GeglRectangle) { 0, from, columns, 1 };

      gegl_buffer_get (buffer, &part, 1.0, format, line, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      for (gint column = 0; column < columns; column++)
        memcpy (seen + (gsize) column * size, line + (gsize) (backwards ? columns - 1 - column : column) * size, size);
      gegl_buffer_set (turned, GEGL_RECTANGLE (0, row, columns, 1), 0, format, seen, GEGL_AUTO_ROWSTRIDE);
    }
  g_object_unref (buffer);
  return turned;
}
