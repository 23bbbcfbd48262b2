/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Output files that appear whole or not at all. */
#include "core/base/output-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

struct _DiffusionOutputFile
{
  char *path;
  char *temporary;
  int fd;
};

static void
set_errno_error (GError **error, const char *path, int code)
{
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _("%s: cannot write: %s"), path,
               g_strerror (code));
}

DiffusionOutputFile *
diffusion_output_file_new (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *name = g_strdup_printf (".%s.XXXXXX", base);
  g_autofree char *temporary = g_build_filename (folder, name, NULL);
  DiffusionOutputFile *file;
  int fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0666);

  if (fd < 0)
    {
      set_errno_error (error, path, errno);
      return NULL;
    }
  file = g_new0 (DiffusionOutputFile, 1);
  file->path = g_strdup (path);
  file->temporary = g_steal_pointer (&temporary);
  file->fd = fd;
  return file;
}

gboolean
diffusion_output_file_write (DiffusionOutputFile *file, gconstpointer data, gsize bytes, GError **error)
{
  const guint8 *at = data;

  while (bytes > 0)
    {
      gssize written = write (file->fd, at, MIN (bytes, (gsize)1 << 30));

      if (written < 0)
        {
          if (errno == EINTR)
            continue;
          set_errno_error (error, file->path, errno);
          return FALSE;
        }
      at += written;
      bytes -= (gsize)written;
    }
  return TRUE;
}

void
diffusion_output_flush_folder (const char *folder)
{
  int fd = g_open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

  if (fd < 0)
    return;
  fsync (fd);
  close (fd);
}

gboolean
diffusion_output_file_commit (DiffusionOutputFile *file, GError **error)
{
  int code = 0;

  if (fsync (file->fd) != 0)
    code = errno;
  if (close (file->fd) != 0 && code == 0)
    code = errno;
  file->fd = -1;
  if (code == 0 && g_rename (file->temporary, file->path) != 0)
    code = errno;
  if (code != 0)
    {
      set_errno_error (error, file->path, code);
      return FALSE;
    }
  g_clear_pointer (&file->temporary, g_free);
  return TRUE;
}

void
diffusion_output_file_free (DiffusionOutputFile *file)
{
  if (file == NULL)
    return;
  if (file->fd >= 0)
    close (file->fd);
  if (file->temporary != NULL)
    g_unlink (file->temporary);
  g_free (file->temporary);
  g_free (file->path);
  g_free (file);
}

gboolean
diffusion_output_file_set_contents (const char *path, gconstpointer data, gsize bytes, GError **error)
{
  g_autoptr (DiffusionOutputFile) file = diffusion_output_file_new (path, error);

  return file != NULL && diffusion_output_file_write (file, data, bytes, error) &&
         diffusion_output_file_commit (file, error);
}
