/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Image files as pictures of the core. */
#include "core/pictures/pictures.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <gegl-plugin.h>
#include <gegl.h>
#include <glib/gstdio.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/pictures/check.h"
#include "core/pictures/gegl-start.h"
#include "core/pictures/jpeg.h"

typedef struct
{
  DiffusionPicture picture;
  GeglBuffer *in;
  GeglBuffer *out;         /* a copy on write */
  const Babl *format;      /* what is exchanged with the buffers: u8, u16 or float, alpha last if there is any */
  gint bits;               /* of that format */
  gint components;
  GPtrArray *markers;      /* Exif and XMP of a JPEG file */
} FilePicture;

static gboolean started;
/* One node of each file operation: a module in use is not unloaded, so its file is not needed again. */
static GeglNode *held;

/* Loads the file operations only: GEGL's several hundred others take a tenth of a second. */
static void
start_gegl (void)
{
  static const char *const modules[] = { "gegl-common", "png-load", "png-save", "webp-load",
                                         "webp-save", "tiff-load", "tiff-save" };
  static const char *const operations[] = { "gegl:buffer-source", "gegl:png-load", "gegl:png-save", "gegl:webp-load",
                                            "gegl:webp-save", "gegl:tiff-load", "gegl:tiff-save" };
  g_autofree char *folder = NULL;
  gboolean links = TRUE;

  if (started)
    return;
  started = TRUE;
  if (g_getenv ("GEGL_PATH") == NULL)
    folder = g_dir_make_tmp ("diffusion-XXXXXX", NULL);
  if (folder == NULL)
    {
      diffusion_gegl_init ();
      return;
    }
  g_setenv ("GEGL_PATH", folder, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (modules); i++)
    {
      g_autofree char *target = g_strdup_printf (DIFFUSION_GEGL_MODULES "/%s.so", modules[i]);
      g_autofree char *link = g_strdup_printf ("%s/%s.so", folder, modules[i]);

      links &= g_file_test (target, G_FILE_TEST_EXISTS) && symlink (target, link) == 0;
    }
  if (!links)
    g_unsetenv ("GEGL_PATH");
  diffusion_gegl_init ();
  g_unsetenv ("GEGL_PATH");
  held = gegl_node_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (operations); i++)
    gegl_node_new_child (held, "operation", operations[i], NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (modules); i++)
    {
      g_autofree char *link = g_strdup_printf ("%s/%s.so", folder, modules[i]);

      g_unlink (link);
    }
  g_rmdir (folder);
}

void
diffusion_pictures_shutdown (void)
{
  g_clear_object (&held);
  if (started)
    gegl_exit ();
  started = FALSE;
}

/* GEGL's file operations report failures as log messages only. */
typedef struct
{
  GLogFunc previous;
  GLogLevelFlags fatal;
  GString *messages;
} Listener;

/* The same is often said for every few rows: once is enough. */
static void
hear (Listener *listener, const char *message)
{
  if (strstr (listener->messages->str, message) != NULL)
    return;
  if (listener->messages->len > 0)
    g_string_append (listener->messages, "; ");
  g_string_append (listener->messages, message);
}

static void
listen_to (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if ((level & G_LOG_LEVEL_MASK) <= G_LOG_LEVEL_WARNING)
    hear (data, message);
}

/* Who hears what is printed: GLib passes nothing along. */
static Listener *printed_to;

/* "gegl:save-png write_fn: Error writing to file: No space left on device" */
static void
listen_to_print (const char *message)
{
  g_autofree char *text = g_strstrip (g_strdup (message));
  const char *colon = g_str_has_prefix (text, "gegl:") ? strstr (text, ": ") : NULL;

  hear (printed_to, colon != NULL ? colon + 2 : text);
}

static void
start_listening (Listener *listener)
{
  listener->messages = g_string_new (NULL);
  /* What is listened to ends no program, even one that asked for warnings to be fatal. */
  listener->fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  listener->previous = g_log_set_default_handler (listen_to, listener);
}

/* Returns: (transfer full) (nullable): what was said. */
static char *
stop_listening (Listener *listener)
{
  gboolean any = listener->messages->len > 0;

  g_log_set_default_handler (listener->previous, NULL);
  g_log_set_always_fatal (listener->fatal);
  return g_string_free (listener->messages, !any);
}

/* The buffers are asked for what they hold and the change to float is done here: babl's own conversions of 16
 * bits are off by up to half a step. */
static gpointer
get_samples (const FilePicture *file, const GeglRectangle *rectangle, GError **error)
{
  gsize count = (gsize) rectangle->width * (gsize) rectangle->height * (gsize) file->components;
  gpointer samples = diffusion_try_alloc (count * (gsize) file->bits / 8, _("a part of the picture"), error);

  if (samples != NULL)
    gegl_buffer_get (file->in, rectangle, 1.0, file->format, samples, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  return samples;
}

static gboolean
file_read (DiffusionPicture *picture, gint x, gint y, gint width, gint height, float *out, GError **error)
{
  const FilePicture *file = (const FilePicture *) picture;
  gpointer samples = get_samples (file, GEGL_RECTANGLE (x, y, width, height), error);
  const gsize pixels = (gsize) width * (gsize) height, channels = (gsize) picture->channels;

  if (samples == NULL)
    return FALSE;
  for (gsize i = 0; i < pixels; i++)
    for (gsize c = 0; c < channels; c++)
      {
        gsize k = i * (gsize) file->components + c;

        *out++ = file->bits == 8    ? (float) ((const guint8 *) samples)[k] / 255.0f
                 : file->bits == 16 ? (float) ((const guint16 *) samples)[k] / 65535.0f
                                    : ((const float *) samples)[k];
      }
  diffusion_free (samples);
  return TRUE;
}

/* Rounds to a whole step; NaN becomes 0. */
static inline guint
quantise (float value, float top)
{
  value = value * top + 0.5f;
  return value > 0 ? (guint) MIN (value, top) : 0;
}

static gboolean
file_write (DiffusionPicture *picture, gint x, gint y, gint width, gint height, const float *in, GError **error)
{
  const FilePicture *file = (const FilePicture *) picture;
  const GeglRectangle *rectangle = GEGL_RECTANGLE (x, y, width, height);
  gpointer samples = get_samples (file, rectangle, error);
  const gsize pixels = (gsize) width * (gsize) height, channels = (gsize) picture->channels;

  if (samples == NULL)
    return FALSE;
  for (gsize i = 0; i < pixels; i++)
    for (gsize c = 0; c < channels; c++, in++)
      {
        gsize k = i * (gsize) file->components + c;

        if (file->bits == 8)
          ((guint8 *) samples)[k] = (guint8) quantise (*in, 255.0f);
        else if (file->bits == 16)
          ((guint16 *) samples)[k] = (guint16) quantise (*in, 65535.0f);
        else
          ((float *) samples)[k] = *in;
      }
  gegl_buffer_set (file->out, rectangle, 0, file->format, samples, GEGL_AUTO_ROWSTRIDE);
  diffusion_free (samples);
  return TRUE;
}

static gboolean
file_read_alpha (DiffusionPicture *picture, gint x, gint y, gint width, gint height, float *out, GError **error)
{
  const FilePicture *file = (const FilePicture *) picture;

  gegl_buffer_get (file->in, GEGL_RECTANGLE (x, y, width, height), 1.0, babl_format ("A float"), out, GEGL_AUTO_ROWSTRIDE,
                   GEGL_ABYSS_NONE);
  return TRUE;
}

static void
file_destroy (DiffusionPicture *picture)
{
  FilePicture *file = (FilePicture *) picture;

  g_clear_object (&file->in);
  g_clear_object (&file->out);
  g_clear_pointer (&file->markers, g_ptr_array_unref);
  g_free (file);
}

/* Takes the buffer. */
static DiffusionPicture *
picture_for_buffer (GeglBuffer *buffer, const Babl *format)
{
  FilePicture *file = g_new0 (FilePicture, 1);
  const Babl *type = babl_format_get_type (format, 0);
  gint alpha = babl_format_has_alpha (format) ? 1 : 0;
  gboolean gray = babl_format_get_n_components (format) - alpha == 1;
  g_autofree char *name = NULL;

  file->in = buffer;
  file->out = gegl_buffer_dup (buffer);
  file->bits = type == babl_type ("u8") ? 8 : type == babl_type ("u16") ? 16 : 32;
  file->components = (gray ? 1 : 3) + alpha;
  name = g_strdup_printf ("%s%s %s", gray ? "Y'" : "R'G'B'", alpha ? "A" : "",
                          file->bits == 8 ? "u8" : file->bits == 16 ? "u16" : "float");
  file->format = babl_format_with_space (name, babl_format_get_space (format));
  file->picture = (DiffusionPicture) {
    .width = gegl_buffer_get_width (buffer), .height = gegl_buffer_get_height (buffer), .channels = gray ? 1 : 3,
    .bits = file->bits, .read = file_read, .write = file_write, .destroy = file_destroy
  };
  if (alpha > 0)
    file->picture.read_alpha = file_read_alpha;
  return &file->picture;
}

DiffusionPicture *
diffusion_pictures_open (const char *path, GError **error)
{
  static const char *const operations[] = { NULL, "gegl:png-load", NULL, "gegl:webp-load", "gegl:tiff-load" };
  DiffusionFileKind kind = diffusion_pictures_check (path, error);
  g_autofree char *shown = g_filename_display_name (path), *said = NULL;
  g_autoptr (GeglNode) graph = NULL;
  g_autoptr (GeglBuffer) buffer = NULL;
  g_autoptr (GPtrArray) markers = NULL;
  const Babl *format = NULL;
  GeglRectangle box = { 0, 0, 0, 0 };
  Listener listener;
  GeglNode *load;

  if (kind == DIFFUSION_FILE_UNKNOWN)
    return NULL;
  start_gegl ();
  if (kind == DIFFUSION_FILE_JPEG)
    {
      DiffusionPicture *picture;

      buffer = diffusion_jpeg_load (path, &markers, error);
      if (buffer == NULL)
        return NULL;
      format = gegl_buffer_get_format (buffer);
      picture = picture_for_buffer (g_steal_pointer (&buffer), format);
      ((FilePicture *) picture)->markers = g_steal_pointer (&markers);
      return picture;
    }
  start_listening (&listener);
  graph = gegl_node_new ();
  load = gegl_node_new_child (graph, "operation", operations[kind], "path", path, NULL);
  box = gegl_node_get_bounding_box (load);
  if (box.width > 0 && box.height > 0)
    format = gegl_operation_get_format (gegl_node_get_gegl_operation (load), "output");
  if (format != NULL)
    {
      buffer = gegl_buffer_new (&box, format);
      gegl_node_blit_buffer (load, buffer, &box, 0, GEGL_ABYSS_NONE);
    }
  said = stop_listening (&listener);
  if (buffer == NULL || said != NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, _("Could not read “%s”: %s"), shown,
                   said != NULL ? said : _("it holds no picture"));
      return NULL;
    }
  if (babl_space_is_cmyk (babl_format_get_space (format)) ||
      strstr (babl_get_name (babl_format_get_model (format)), "cmyk") ||
      strstr (babl_get_name (babl_format_get_model (format)), "CMYK"))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _("“%s” is a CMYK picture: convert it to RGB first"), shown);
      return NULL;
    }
  return picture_for_buffer (g_steal_pointer (&buffer), format);
}

DiffusionPicture *
diffusion_pictures_new (gint width, gint height, gint channels, gint bits, GError **error)
{
  g_autofree char *name = NULL;
  const Babl *format;

  if (width < 1 || height < 1 || width > 1 << 20 || height > 1 << 20)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _("A picture of %d×%d pixels cannot be made"),
                   width, height);
      return NULL;
    }
  start_gegl ();
  name = g_strdup_printf ("%s %s", channels == 1 ? "Y'" : "R'G'B'", bits == 8 ? "u8" : bits == 16 ? "u16" : "float");
  format = babl_format (name);
  return picture_for_buffer (gegl_buffer_new (GEGL_RECTANGLE (0, 0, width, height), format), format);
}

/* Runs the operation that writes the buffer to a file. */
static char *
run_save (const FilePicture *file, DiffusionFileKind kind, const char *path)
{
  g_autoptr (GeglNode) graph = NULL;
  GeglNode *source, *save = NULL;
  GPrintFunc print;
  Listener listener;

  start_listening (&listener);
  printed_to = &listener;
  print = g_set_printerr_handler (listen_to_print);
  graph = gegl_node_new ();
  source = gegl_node_new_child (graph, "operation", "gegl:buffer-source", "buffer", file->out, NULL);
  switch (kind)
    {
    case DIFFUSION_FILE_PNG:
      save = gegl_node_new_child (graph, "operation", "gegl:png-save", "path", path, "bitdepth",
                                  file->picture.bits == 8 ? 8 : 16, "compression", 6, NULL);
      break;
    case DIFFUSION_FILE_WEBP:
      save = gegl_node_new_child (graph, "operation", "gegl:webp-save", "path", path, "quality", 95, NULL);
      break;
    case DIFFUSION_FILE_TIFF:
      save = gegl_node_new_child (graph, "operation", "gegl:tiff-save", "path", path, NULL);
      break;
    case DIFFUSION_FILE_JPEG:
    case DIFFUSION_FILE_UNKNOWN:
      break;
    }
  gegl_node_link (source, save);
  gegl_node_process (save);
  g_set_printerr_handler (print);
  return stop_listening (&listener);
}

static DiffusionFileKind
kind_by_name (const char *path)
{
  static const struct
  {
    const char *suffix;
    DiffusionFileKind kind;
  } kinds[] = { { ".png", DIFFUSION_FILE_PNG },   { ".jpg", DIFFUSION_FILE_JPEG }, { ".jpeg", DIFFUSION_FILE_JPEG },
                { ".webp", DIFFUSION_FILE_WEBP }, { ".tif", DIFFUSION_FILE_TIFF }, { ".tiff", DIFFUSION_FILE_TIFF } };
  g_autofree char *lower = g_ascii_strdown (path, -1);

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_suffix (lower, kinds[i].suffix))
      return kinds[i].kind;
  return DIFFUSION_FILE_UNKNOWN;
}

static gboolean
flush_file (const char *path)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  gboolean flushed = fd >= 0 && fsync (fd) == 0;

  if (fd >= 0)
    close (fd);
  return flushed;
}

gboolean
diffusion_pictures_save (DiffusionPicture *picture, const char *path, GError **error)
{
  FilePicture *file = (FilePicture *) picture;
  DiffusionFileKind kind = kind_by_name (path);
  g_autofree char *shown = g_filename_display_name (path), *said = NULL;
  g_autofree char *folder = NULL, *base = NULL, *name = NULL, *temporary = NULL;
  g_autoptr (GError) reason = NULL;
  int fd;

  if (kind == DIFFUSION_FILE_UNKNOWN)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("“%s” ends in none of .png, .jpg, .webp and .tif"), shown);
      return FALSE;
    }
  folder = g_path_get_dirname (path);
  base = g_path_get_basename (path);
  name = g_strdup_printf (".%s.XXXXXX", base);
  temporary = g_build_filename (folder, name, NULL);
  fd = g_mkstemp_full (temporary, O_RDWR | O_CLOEXEC, 0666);
  if (fd < 0)
    {
      int code = errno;

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _("Could not create “%s”: %s"), shown,
                   g_strerror (code));
      return FALSE;
    }
  close (fd);
  if (kind != DIFFUSION_FILE_JPEG)
    said = run_save (file, kind, temporary);
  else if (!diffusion_jpeg_save (file->out, picture->channels == 1, file->markers, 95, temporary, &reason))
    {
      said = g_strdup (reason->message);
      g_clear_error (&reason);
    }
  if (said == NULL && diffusion_pictures_check (temporary, &reason) == kind && flush_file (temporary))
    {
      if (g_rename (temporary, path) == 0)
        return TRUE;
      said = g_strdup (g_strerror (errno));
    }
  g_unlink (temporary);
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _("Could not write “%s”: %s"), shown,
               said != NULL ? said : _("the file came out incomplete (is the disk full?)"));
  return FALSE;
}

gboolean
diffusion_pictures_write_png (const char *path, const float *pixels, gint width, gint height, gint channels,
                              GError **error)
{
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_new (width, height, channels, 8, error);

  return picture != NULL && picture->write (picture, 0, 0, width, height, pixels, error) &&
         diffusion_pictures_save (picture, path, error);
}
