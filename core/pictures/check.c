/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is an image file complete? */
#include "core/pictures/check.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

static guint32
big32 (const guint8 *p)
{
  return (guint32) p[0] << 24 | (guint32) p[1] << 16 | (guint32) p[2] << 8 | p[3];
}

static guint32
little32 (const guint8 *p)
{
  return (guint32) p[3] << 24 | (guint32) p[2] << 16 | (guint32) p[1] << 8 | p[0];
}

/* The checksum of PNG chunks (ISO 3309). */
static guint32
checksum (const guint8 *p, gsize n)
{
  static guint32 table[256];
  static gsize ready;
  guint32 sum = 0xFFFFFFFFu;

  if (g_once_init_enter (&ready))
    {
      for (guint32 i = 0; i < 256; i++)
        {
          guint32 value = i;

          for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
          table[i] = value;
        }
      g_once_init_leave (&ready, 1);
    }
  for (gsize i = 0; i < n; i++)
    sum = table[(sum ^ p[i]) & 255] ^ (sum >> 8);
  return ~sum;
}

/* Each walker returns NULL when the file is complete, or what is wrong with it. */
static const char *
walk_png (const guint8 *data, gsize n)
{
  gsize at = 8;
  gboolean pixels = FALSE;

  while (n - at >= 12)
    {
      gsize length = big32 (data + at);

      if (length > n - at - 12)
        return _("it ends too early");
      if (checksum (data + at + 4, length + 4) != big32 (data + at + 8 + length))
        return _("a checksum is wrong");
      if (memcmp (data + at + 4, "IDAT", 4) == 0)
        pixels = TRUE;
      if (memcmp (data + at + 4, "IEND", 4) == 0)
        return pixels ? NULL : _("it holds no picture");
      at += 12 + length;
    }
  return _("it ends too early");
}

static const char *
walk_jpeg (const guint8 *data, gsize n)
{
  gsize at = 2;
  gboolean pixels = FALSE;

  while (at + 2 <= n)
    {
      guint8 marker;

      if (data[at] != 0xFF)
        {
          /* Inside a scan: entropy-coded bytes up to the next marker. */
          const guint8 *next = pixels ? memchr (data + at, 0xFF, n - at) : NULL;

          if (next == NULL)
            return pixels ? _("it ends too early") : _("its structure is damaged");
          at = (gsize) (next - data);
          continue;
        }
      marker = data[at + 1];
      if (marker == 0xFF)
        at++; /* filler */
      else if (marker == 0xD9)
        return pixels ? NULL : _("it holds no picture");
      else if (marker == 0x00 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7))
        at += 2;
      else
        {
          gsize length;

          if (n - at < 4)
            break;
          length = (gsize) data[at + 2] << 8 | data[at + 3];
          if (length < 2 || length > n - at - 2)
            break;
          pixels |= marker == 0xDA;
          at += 2 + length;
        }
    }
  return _("it ends too early");
}

static const char *
walk_webp (const guint8 *data, gsize n)
{
  return (gsize) little32 (data + 4) > n - 8 ? _("it ends too early") : NULL;
}

typedef struct
{
  const guint8 *data;
  gsize n;
  gboolean big;     /* byte order */
  gboolean big_tiff; /* 64-bit offsets */
} Tiff;

/* Bytes from an offset; zero and FALSE in *ok past the end. */
static guint64
tiff_number (const Tiff *tiff, guint64 at, guint bytes, gboolean *ok)
{
  guint64 value = 0;

  if (at > tiff->n || tiff->n - at < bytes)
    {
      *ok = FALSE;
      return 0;
    }
  for (guint i = 0; i < bytes; i++)
    value |= (guint64) tiff->data[at + (tiff->big ? bytes - 1 - i : i)] << (8 * i);
  return value;
}

static guint
tiff_type_size (guint64 type)
{
  return type == 3 ? 2 : type == 4 ? 4 : type == 16 ? 8 : 0;
}

/* Only the first directory matters: that is the one which is loaded. */
static const char *
walk_tiff (const guint8 *data, gsize n)
{
  Tiff tiff = { data, n, data[0] == 'M', FALSE };
  gboolean ok = TRUE;
  guint64 directory, entries, offsets = 0, sizes = 0, count = 0, size_count = 0;
  guint offset_size = 0, size_size = 0, entry_bytes, inline_bytes;

  tiff.big_tiff = tiff_number (&tiff, 2, 2, &ok) == 43;
  directory = tiff.big_tiff ? tiff_number (&tiff, 8, 8, &ok) : tiff_number (&tiff, 4, 4, &ok);
  entries = tiff_number (&tiff, directory, tiff.big_tiff ? 8 : 2, &ok);
  directory += tiff.big_tiff ? 8 : 2;
  entry_bytes = tiff.big_tiff ? 20 : 12;
  inline_bytes = tiff.big_tiff ? 8 : 4;
  if (!ok || entries == 0 || entries > 4096)
    return _("its directory is missing");

  for (guint64 i = 0; i < entries; i++)
    {
      guint64 at = directory + i * entry_bytes;
      guint64 tag = tiff_number (&tiff, at, 2, &ok), type = tiff_number (&tiff, at + 2, 2, &ok);
      guint64 values = tiff_number (&tiff, at + 4, tiff.big_tiff ? 8 : 4, &ok);
      guint bytes = tiff_type_size (type);
      guint64 where = at + (tiff.big_tiff ? 12 : 8);

      if (!ok)
        return _("it ends too early");
      if (bytes == 0 || values == 0)
        continue;
      if (values > n)
        return _("its directory is damaged");
      if (values * bytes > inline_bytes)
        where = tiff_number (&tiff, where, inline_bytes, &ok);
      if (tag == 273 || tag == 324) /* strips, tiles */
        {
          offsets = where;
          offset_size = bytes;
          count = values;
        }
      else if (tag == 279 || tag == 325)
        {
          sizes = where;
          size_size = bytes;
          size_count = values;
        }
    }
  if (count == 0 || size_count < count)
    return _("its directory is damaged");
  for (guint64 i = 0; i < count && ok; i++)
    {
      guint64 begin = tiff_number (&tiff, offsets + i * offset_size, offset_size, &ok);
      guint64 bytes = tiff_number (&tiff, sizes + i * size_size, size_size, &ok);

      if (begin > n || bytes > n - begin)
        ok = FALSE;
    }
  return ok ? NULL : _("it ends too early");
}

DiffusionFileKind
diffusion_pictures_check (const char *path, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GMappedFile) map = NULL;
  g_autofree char *shown = g_filename_display_name (path);
  DiffusionFileKind kind = DIFFUSION_FILE_UNKNOWN;
  const guint8 *data;
  const char *fault;
  gsize n;

  map = g_mapped_file_new (path, FALSE, &reason);
  if (map == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR,
                   g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? DIFFUSION_ERROR_NOT_FOUND
                                                                              : DIFFUSION_ERROR_IO,
                   _("Could not read “%s”: %s"), shown, reason->message);
      return kind;
    }
  data = (const guint8 *) g_mapped_file_get_contents (map);
  n = g_mapped_file_get_length (map);
  if (n >= 8 && memcmp (data, "\x89PNG\r\n\x1a\n", 8) == 0)
    {
      kind = DIFFUSION_FILE_PNG;
      fault = walk_png (data, n);
    }
  else if (n >= 3 && memcmp (data, "\xFF\xD8\xFF", 3) == 0)
    {
      kind = DIFFUSION_FILE_JPEG;
      fault = walk_jpeg (data, n);
    }
  else if (n >= 12 && memcmp (data, "RIFF", 4) == 0 && memcmp (data + 8, "WEBP", 4) == 0)
    {
      kind = DIFFUSION_FILE_WEBP;
      fault = walk_webp (data, n);
    }
  else if (n >= 8 && (memcmp (data, "II*\0", 4) == 0 || memcmp (data, "MM\0*", 4) == 0 ||
                      memcmp (data, "II+\0", 4) == 0 || memcmp (data, "MM\0+", 4) == 0))
    {
      kind = DIFFUSION_FILE_TIFF;
      fault = walk_tiff (data, n);
    }
  else
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _("“%s” is not a PNG, JPEG, WebP or TIFF picture"), shown);
      return kind;
    }
  if (fault != NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("“%s” is damaged: %s"), shown, fault);
      return DIFFUSION_FILE_UNKNOWN;
    }
  return kind;
}
