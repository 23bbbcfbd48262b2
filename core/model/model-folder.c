/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Model folders: the files in them, and how a whole folder is written at once. */
#include "core/model/model-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/output-file.h"
#include "core/model/json.h"
#include "core/model/library.h"

#define HASH_CHUNK ((gsize)4 << 20)

char *
diffusion_file_hash (const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, cancellable, &reason);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guchar *buffer = g_malloc (HASH_CHUNK);
  gssize got = -1;

  while (stream != NULL &&
         (got = g_input_stream_read (G_INPUT_STREAM (stream), buffer, HASH_CHUNK, cancellable, &reason)) > 0)
    g_checksum_update (checksum, buffer, got);
  if (got == 0)
    return g_strdup (g_checksum_get_string (checksum));
  if (g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_propagate_error (error, g_steal_pointer (&reason));
  else
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _("%s: cannot read: %s"), path,
                 reason->message);
  return NULL;
}

/* A folder without folders in it; what cannot be removed stays. */
static void
remove_folder (const char *folder)
{
  g_autoptr (GDir) listing = g_dir_open (folder, 0, NULL);
  const char *name;

  while (listing != NULL && (name = g_dir_read_name (listing)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
}

static gboolean
write_json (const char *folder, const char *name, JsonObject *object, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = NULL;

  if (object == NULL)
    return TRUE;
  text = diffusion_json_to_string (object);
  return diffusion_output_file_set_contents (path, text, strlen (text), error);
}

gboolean
diffusion_model_folder_update (const char *folder,
                               JsonObject *config,
                               JsonObject *scheduler,
                               JsonObject *card,
                               DiffusionTensorWriter *weights,
                               GError **error)
{
  g_autofree char *path = g_build_filename (folder, DIFFUSION_WEIGHTS_FILE, NULL);
  g_autofree char *hash = NULL;

  if (!diffusion_tensor_writer_write (weights, path, error) ||
      !write_json (folder, DIFFUSION_CONFIG_FILE, config, error) ||
      !write_json (folder, DIFFUSION_SCHEDULER_FILE, scheduler, error))
    return FALSE;
  if (card == NULL)
    return TRUE;
  hash = diffusion_file_hash (path, NULL, error);
  if (hash == NULL)
    return FALSE;
  json_object_set_string_member (card, "sha256", hash);
  return write_json (folder, DIFFUSION_CARD_FILE, card, error);
}

/* Nothing but a model, or an empty folder, may be replaced. */
static gboolean
may_replace (const char *folder, GError **error)
{
  g_autoptr (GDir) listing = g_dir_open (folder, 0, NULL);

  if (!g_file_test (folder, G_FILE_TEST_EXISTS) || diffusion_library_is_model (folder) ||
      (listing != NULL && g_dir_read_name (listing) == NULL))
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
               _("%s: this exists and is not a model folder, so it is not replaced"), folder);
  return FALSE;
}

static gboolean
give_name (const char *temporary, const char *folder, GError **error)
{
  if (g_rename (temporary, folder) == 0)
    return TRUE;
  /* An old model is there: both change names at once, so that one of them is always to be found. */
  if ((errno == ENOTEMPTY || errno == EEXIST) &&
      renameat2 (AT_FDCWD, temporary, AT_FDCWD, folder, RENAME_EXCHANGE) == 0)
    {
      remove_folder (temporary);
      return TRUE;
    }
  if (errno == EINVAL || errno == ENOSYS)
    {
      g_autofree char *aside = g_strconcat (temporary, ".old", NULL);

      if (g_rename (folder, aside) == 0 && g_rename (temporary, folder) == 0)
        {
          remove_folder (aside);
          return TRUE;
        }
    }
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _("%s: cannot write: %s"), folder,
               g_strerror (errno));
  return FALSE;
}

gboolean
diffusion_model_folder_write (const char *folder,
                              JsonObject *config,
                              JsonObject *scheduler,
                              JsonObject *card,
                              DiffusionTensorWriter *weights,
                              GError **error)
{
  g_autofree char *full = g_canonicalize_filename (folder, NULL);
  g_autofree char *parent = g_path_get_dirname (full);
  g_autofree char *base = g_path_get_basename (full);
  g_autofree char *name = g_strdup_printf (".%s.XXXXXX", base);
  g_autofree char *temporary = g_build_filename (parent, name, NULL);

  if (!may_replace (full, error))
    return FALSE;
  if (g_mkdtemp_full (temporary, 0777) == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_IO, _("%s: cannot write: %s"), folder,
                   g_strerror (errno));
      return FALSE;
    }
  if (!diffusion_model_folder_update (temporary, config, scheduler, card, weights, error) ||
      !give_name (temporary, full, error))
    {
      remove_folder (temporary);
      return FALSE;
    }
  diffusion_output_flush_folder (parent);
  return TRUE;
}
