/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JPEG files through libjpeg. */
#include "core/pictures/jpeg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include <glib/gstdio.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/pictures/exif.h"

#define ROWS 16
#define MARKER_BYTES 0xFFFF

typedef struct
{
  struct jpeg_error_mgr base;
  jmp_buf leave;
  char message[JMSG_LENGTH_MAX];
} Errors;

static void
leave (j_common_ptr info)
{
  Errors *errors = (Errors *) info->err;

  info->err->format_message (info, errors->message);
  longjmp (errors->leave, 1);
}

/* Libjpeg goes on after a warning with invented pixels; only harmless ones may pass. */
static void
warn (j_common_ptr info, int level)
{
  int code = info->err->msg_code;

  if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_BOGUS_ICC && code != JWRN_ADOBE_XFORM &&
      code != JWRN_JFIF_MAJOR)
    leave (info);
}

static void
stay_silent (j_common_ptr info)
{
}

static void
set_up_errors (Errors *errors)
{
  jpeg_std_error (&errors->base);
  errors->base.error_exit = leave;
  errors->base.emit_message = warn;
  errors->base.output_message = stay_silent;
}

static void
free_marker (gpointer marker)
{
  g_bytes_unref (marker);
}

/* What changes while libjpeg may jump lives here, not in local variables. */
typedef struct
{
  Errors errors;
  struct jpeg_decompress_struct info;
  FILE *file;
  GeglBuffer *buffer;
  GPtrArray *markers;
  guint8 *rows;
  JOCTET *icc;
} Reader;

static void
read_all (Reader *reader)
{
  struct jpeg_decompress_struct *info = &reader->info;
  const Babl *space = NULL, *format;
  unsigned int icc_length;
  gsize stride;

  jpeg_stdio_src (info, reader->file);
  jpeg_save_markers (info, JPEG_APP0 + 1, MARKER_BYTES);
  jpeg_save_markers (info, JPEG_APP0 + 2, MARKER_BYTES);
  jpeg_read_header (info, TRUE);
  if (info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK)
    {
      g_strlcpy (reader->errors.message, _("it is a CMYK picture; convert it to RGB first"), JMSG_LENGTH_MAX);
      longjmp (reader->errors.leave, 2);
    }
  info->out_color_space = info->jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
  if (jpeg_read_icc_profile (info, &reader->icc, &icc_length))
    {
      const char *reason = NULL;

      space = babl_space_from_icc ((const char *) reader->icc, (int) icc_length,
                                   BABL_ICC_INTENT_RELATIVE_COLORIMETRIC, &reason);
      /* A profile of another kind than the pixels (gray, CMYK) cannot be used for them. */
      if (space != NULL && (babl_space_is_cmyk (space) || babl_space_is_gray (space) != (info->out_color_space == JCS_GRAYSCALE)))
        space = NULL;
    }
  format = babl_format_with_space (info->out_color_space == JCS_GRAYSCALE ? "Y' u8" : "R'G'B' u8", space);
  for (jpeg_saved_marker_ptr marker = info->marker_list; marker != NULL; marker = marker->next)
    if (marker->marker == JPEG_APP0 + 1)
      g_ptr_array_add (reader->markers, g_bytes_new (marker->data, marker->data_length));

  jpeg_start_decompress (info);
  reader->buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, (gint) info->output_width, (gint) info->output_height), format);
  stride = (gsize) info->output_width * (gsize) info->output_components;
  reader->rows = g_malloc (stride * ROWS);
  while (info->output_scanline < info->output_height)
    {
      gint top = (gint) info->output_scanline, n = 0;

      while (n < ROWS && info->output_scanline < info->output_height)
        {
          JSAMPROW row = reader->rows + stride * (gsize) n;

          n += (gint) jpeg_read_scanlines (info, &row, 1);
        }
      gegl_buffer_set (reader->buffer, GEGL_RECTANGLE (0, top, (gint) info->output_width, n), 0, format, reader->rows,
                       GEGL_AUTO_ROWSTRIDE);
    }
  jpeg_finish_decompress (info);
}

/* As it is seen, whatever it is written to. */
static GeglBuffer *
turn_upright (GeglBuffer *buffer, GPtrArray *markers)
{
  for (guint i = 0; i < markers->len; i++)
    {
      gint orientation = diffusion_exif_take_orientation ((GBytes **) &markers->pdata[i]);

      if (orientation > 1)
        return diffusion_exif_turn (buffer, orientation);
    }
  return buffer;
}

GeglBuffer *
diffusion_jpeg_load (const char *path, GPtrArray **markers, GError **error)
{
  g_autofree Reader *reader = g_new0 (Reader, 1);
  g_autofree char *shown = g_filename_display_name (path);
  int jumped;

  reader->file = g_fopen (path, "rb");
  if (reader->file == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _("Could not open “%s”"), shown);
      return NULL;
    }
  reader->markers = g_ptr_array_new_with_free_func (free_marker);
  set_up_errors (&reader->errors);
  reader->info.err = &reader->errors.base;
  jpeg_create_decompress (&reader->info);
  jumped = setjmp (reader->errors.leave);
  if (jumped == 0)
    read_all (reader);
  else
    {
      g_clear_object (&reader->buffer);
      g_set_error (error, DIFFUSION_ERROR, jumped == 2 ? DIFFUSION_ERROR_UNSUPPORTED : DIFFUSION_ERROR_FORMAT,
                   _("Could not read “%s”: %s"), shown, reader->errors.message);
    }
  jpeg_destroy_decompress (&reader->info);
  fclose (reader->file);
  g_free (reader->rows);
  free (reader->icc);
  if (reader->buffer != NULL)
    {
      reader->buffer = turn_upright (reader->buffer, reader->markers);
      *markers = g_steal_pointer (&reader->markers);
    }
  g_clear_pointer (&reader->markers, g_ptr_array_unref);
  return reader->buffer;
}

typedef struct
{
  Errors errors;
  struct jpeg_compress_struct info;
  FILE *file;
  guint8 *rows;
} Writer;

static void
write_all (Writer *writer, GeglBuffer *buffer, gboolean gray, GPtrArray *markers, gint quality)
{
  struct jpeg_compress_struct *info = &writer->info;
  const Babl *space = babl_format_get_space (gegl_buffer_get_format (buffer));
  const Babl *format = babl_format_with_space (gray ? "Y' u8" : "R'G'B' u8", space);
  gsize stride;
  const char *icc;
  int icc_length = 0;

  jpeg_stdio_dest (info, writer->file);
  info->image_width = (JDIMENSION) gegl_buffer_get_width (buffer);
  info->image_height = (JDIMENSION) gegl_buffer_get_height (buffer);
  info->input_components = gray ? 1 : 3;
  info->in_color_space = gray ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults (info);
  jpeg_set_quality (info, quality, TRUE);
  info->optimize_coding = TRUE;
  for (int i = 0; i < info->num_components; i++)
    info->comp_info[i].h_samp_factor = info->comp_info[i].v_samp_factor = 1;
  jpeg_start_compress (info, TRUE);
  for (guint i = 0; markers != NULL && i < markers->len; i++)
    {
      gsize length;
      const guint8 *data = g_bytes_get_data (markers->pdata[i], &length);

      jpeg_write_marker (info, JPEG_APP0 + 1, data, (unsigned int) length);
    }
  icc = babl_space_get_icc (space, &icc_length);
  if (icc != NULL && icc_length > 0)
    jpeg_write_icc_profile (info, (const JOCTET *) icc, (unsigned int) icc_length);
  stride = (gsize) info->image_width * (gsize) info->input_components;
  writer->rows = g_malloc (stride * ROWS);
  while (info->next_scanline < info->image_height)
    {
      gint top = (gint) info->next_scanline, n = MIN (ROWS, (gint) info->image_height - top);

      gegl_buffer_get (buffer, GEGL_RECTANGLE (0, top, (gint) info->image_width, n), 1.0, format, writer->rows,
                       GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      for (gint i = 0; i < n; i++)
        {
          JSAMPROW row = writer->rows + stride * (gsize) i;

          jpeg_write_scanlines (info, &row, 1);
        }
    }
  jpeg_finish_compress (info);
}

gboolean
diffusion_jpeg_save (GeglBuffer *buffer, gboolean gray, GPtrArray *markers, gint quality, const char *path, GError **error)
{
  g_autofree Writer *writer = g_new0 (Writer, 1);
  gboolean failed;

  writer->file = g_fopen (path, "wb");
  if (writer->file == NULL)
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, g_strerror (errno));
      return FALSE;
    }
  set_up_errors (&writer->errors);
  writer->info.err = &writer->errors.base;
  jpeg_create_compress (&writer->info);
  failed = setjmp (writer->errors.leave) != 0;
  if (!failed)
    write_all (writer, buffer, gray, markers, quality);
  jpeg_destroy_compress (&writer->info);
  if (fclose (writer->file) != 0 && !failed)
    {
      failed = TRUE;
      g_strlcpy (writer->errors.message, _("the disk is full"), JMSG_LENGTH_MAX);
    }
  g_free (writer->rows);
  if (failed)
    g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, writer->errors.message);
  return !failed;
}
