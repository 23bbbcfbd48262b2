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
#include "core/pictures/check.h"

typedef struct
{
  DiffusionPicture picture;
  GeglBuffer *in;
  GeglBuffer *out;         /* a copy on write */
  const Babl *colour;      /* what the core sees */
  const Babl *with_alpha;  /* NULL: the file has none */
} FilePicture;

static gboolean started;

/* Loads the file operations only: GEGL's several hundred others take a tenth of a second. */
static void
start_gegl (void)
{
  static const char *const modules[] = { "gegl-common", "png-load", "png-save", "jpg-load", "jpg-save",
                                         "webp-load", "webp-save", "tiff-load", "tiff-save" };
  g_autofree char *folder = NULL;
  gboolean links = TRUE;

  if (started)
    return;
  started = TRUE;
  if (g_getenv ("GEGL_PATH") == NULL)
    folder = g_dir_make_tmp ("diffusion-XXXXXX", NULL);
  if (folder == NULL)
    {
      gegl_init (NULL, NULL);
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
  gegl_init (NULL, NULL);
  g_unsetenv ("GEGL_PATH");
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
  if (started)
    gegl_exit ();
  started = FALSE;
}

/* GEGL's file operations report failures as log messages only. */
typedef struct
{
  GLogFunc previous;
  GString *messages;
} Listener;

static void
listen_to (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  Listener *listener = data;

  if ((level & G_LOG_LEVEL_MASK) > G_LOG_LEVEL_WARNING)
    return;
  if (listener->messages->len > 0)
    g_string_append (listener->messages, "; ");
  g_string_append (listener->messages, message);
}

static void
start_listening (Listener *listener)
{
  listener->messages = g_string_new (NULL);
  listener->previous = g_log_set_default_handler (listen_to, listener);
}

/* Returns: (transfer full) (nullable): what was said. */
static char *
stop_listening (Listener *listener)
{
  gboolean any = listener->messages->len > 0;

  g_log_set_default_handler (listener->previous, NULL);
  return g_string_free (listener->messages, !any);
}

static void
file_rectangle (gint x, gint y, gint width, gint height, GeglRectangle *rectangle)
{
  *rectangle = (GeglRectangle) { x, y, width, height };
}

static gboolean
file_read (DiffusionPicture *picture, gint x, gint y, gint width, gint height, float *out, GError **error)
{
  FilePicture *file = (FilePicture *) picture;
  GeglRectangle rectangle;

  file_rectangle (x, y, width, height, &rectangle);
  gegl_buffer_get (file->in, &rectangle, 1.0, file->colour, out, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  return TRUE;
}

static gboolean
file_write (DiffusionPicture *picture, gint x, gint y, gint width, gint height, const float *in, GError **error)
{
  FilePicture *file = (FilePicture *) picture;
  GeglRectangle rectangle;

  file_rectangle (x, y, width, height, &rectangle);
  if (file->with_alpha == NULL)
    gegl_buffer_set (file->out, &rectangle, 0, file->colour, in, GEGL_AUTO_ROWSTRIDE);
  else
    {
      gsize pixels = (gsize) width * (gsize) height, channels = (gsize) picture->channels;
      g_autofree float *block = g_try_new (float, pixels * (channels + 1));

      if (block == NULL)
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY, _("Not enough memory to write the picture"));
          return FALSE;
        }
      gegl_buffer_get (file->in, &rectangle, 1.0, file->with_alpha, block, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      for (gsize i = 0; i < pixels; i++)
        memcpy (block + i * (channels + 1), in + i * channels, channels * sizeof (float));
      gegl_buffer_set (file->out, &rectangle, 0, file->with_alpha, block, GEGL_AUTO_ROWSTRIDE);
    }
  return TRUE;
}

static void
file_destroy (DiffusionPicture *picture)
{
  FilePicture *file = (FilePicture *) picture;

  g_clear_object (&file->in);
  g_clear_object (&file->out);
  g_free (file);
}

/* Takes the buffer. */
static DiffusionPicture *
picture_for_buffer (GeglBuffer *buffer, const Babl *format)
{
  FilePicture *file = g_new0 (FilePicture, 1);
  const Babl *space = babl_format_get_space (format), *type = babl_format_get_type (format, 0);
  gboolean alpha = babl_format_has_alpha (format);
  gboolean gray = babl_format_get_n_components (format) - alpha == 1;

  file->in = buffer;
  file->out = gegl_buffer_dup (buffer);
  file->colour = babl_format_with_space (gray ? "Y' float" : "R'G'B' float", space);
  if (alpha)
    file->with_alpha = babl_format_with_space (gray ? "Y'A float" : "R'G'B'A float", space);
  file->picture = (DiffusionPicture) {
    .width = gegl_buffer_get_width (buffer), .height = gegl_buffer_get_height (buffer), .channels = gray ? 1 : 3,
    .bits = type == babl_type ("u8") ? 8 : type == babl_type ("u16") ? 16 : 32,
    .read = file_read, .write = file_write, .destroy = file_destroy
  };
  return &file->picture;
}

DiffusionPicture *
diffusion_pictures_open (const char *path, GError **error)
{
  static const char *const operations[] = { NULL, "gegl:png-load", "gegl:jpg-load", "gegl:webp-load",
                                            "gegl:tiff-load" };
  DiffusionFileKind kind = diffusion_pictures_check (path, error);
  g_autofree char *shown = g_filename_display_name (path), *said = NULL;
  g_autoptr (GeglNode) graph = NULL;
  g_autoptr (GeglBuffer) buffer = NULL;
  const Babl *format = NULL;
  GeglRectangle box = { 0, 0, 0, 0 };
  Listener listener;
  GeglNode *load;

  if (kind == DIFFUSION_FILE_UNKNOWN)
    return NULL;
  start_gegl ();
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
  if (babl_space_is_cmyk (babl_format_get_space (format)) || strstr (babl_get_name (babl_format_get_model (format)), "cmyk") ||
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
  Listener listener;

  start_listening (&listener);
  graph = gegl_node_new ();
  source = gegl_node_new_child (graph, "operation", "gegl:buffer-source", "buffer", file->out, NULL);
  switch (kind)
    {
    case DIFFUSION_FILE_PNG:
      save = gegl_node_new_child (graph, "operation", "gegl:png-save", "path", path, "bitdepth",
                                  file->picture.bits == 8 ? 8 : 16, "compression", 6, NULL);
      break;
    case DIFFUSION_FILE_JPEG:
      save = gegl_node_new_child (graph, "operation", "gegl:jpg-save", "path", path, "quality", 95, NULL);
      break;
    case DIFFUSION_FILE_WEBP:
      save = gegl_node_new_child (graph, "operation", "gegl:webp-save", "path", path, "quality", 95, NULL);
      break;
    case DIFFUSION_FILE_TIFF:
      save = gegl_node_new_child (graph, "operation", "gegl:tiff-save", "path", path, NULL);
      break;
    case DIFFUSION_FILE_UNKNOWN:
      break;
    }
  gegl_node_link (source, save);
  gegl_node_process (save);
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
  DiffusionFileKind kind = kind_by_name (path);
  g_autofree char *shown = g_filename_display_name (path), *temporary = NULL, *said = NULL;
  g_autoptr (GError) reason = NULL;
  int fd;

  if (kind == DIFFUSION_FILE_UNKNOWN)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("“%s” ends in none of .png, .jpg, .webp and .tif"), shown);
      return FALSE;
    }
  temporary = g_strconcat (path, ".XXXXXX", NULL);
  fd = g_mkstemp_full (temporary, O_RDWR | O_CLOEXEC, 0666);
  if (fd < 0)
    {
      int code = errno;

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _("Could not create “%s”: %s"), shown,
                   g_strerror (code));
      return FALSE;
    }
  close (fd);
  said = run_save ((FilePicture *) picture, kind, temporary);
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
