/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder that a training writes into, held by one process at a time. */
#include "core/training/train-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

/* A process that was killed a moment ago may still hold its lock. */
#define TRIES 20
#define WAIT_MICROSECONDS 100000

/* ".NAME.XXXXXX", as output files are called until they are whole; also in the folders of further averages. */
#define TEMPORARY "^\\.(checkpoint-[0-9]+|diffusion_pytorch_model|config|scheduler_config|model_card|log)" \
                  "\\.(safetensors|json|csv)\\.[A-Za-z0-9]{6}$"

static void
remove_temporary_files (const char *folder)
{
  g_autoptr (GRegex) temporary = g_regex_new (TEMPORARY, 0, 0, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_regex_match (temporary, name, 0, NULL))
        g_unlink (path);
      else if (g_str_has_prefix (name, "ema-"))
        remove_temporary_files (path);
    }
}

gboolean
diffusion_train_folder_make (const char *folder, GError **error)
{
  if (g_mkdir_with_parents (folder, 0777) == 0)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("The folder %s cannot be made: %s"), folder,
               g_strerror (errno));
  return FALSE;
}

int
diffusion_train_folder_open (const char *folder, GError **error)
{
  int handle, code = 0;

  if (!diffusion_train_folder_make (folder, error))
    return -1;
  handle = g_open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (handle < 0)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _ ("The folder %s cannot be opened: %s"), folder,
                   g_strerror (errno));
      return -1;
    }
  for (gint i = 0; i < TRIES; i++)
    {
      code = flock (handle, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
      if (code != EWOULDBLOCK && code != EINTR)
        break;
      g_usleep (WAIT_MICROSECONDS);
    }
  /* Where the file system knows no locks, it has to go without. */
  if (code == EWOULDBLOCK)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO,
                   _ ("Another training runs in %s; give another output folder, or wait for its end"), folder);
      close (handle);
      return -1;
    }
  remove_temporary_files (folder);
  return handle;
}

void
diffusion_train_folder_close (int handle)
{
  if (handle >= 0)
    close (handle);
}
