/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens a weight file by what its first bytes say it is. */
#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/safetensors.h"
#include "core/model/tensor-file.h"
#include "core/model/torch-file.h"

DiffusionTensorFile *
diffusion_tensor_file_open_bytes (const char *path, GBytes *bytes, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  if (diffusion_torch_is_zip (data, size) || diffusion_torch_is_stream (data, size))
    return diffusion_torch_read (path, bytes, error);
  return diffusion_safetensors_read (path, bytes, error);
}

DiffusionTensorFile *
diffusion_tensor_file_open (const char *path, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GMappedFile) map = g_mapped_file_new (path, FALSE, &reason);
  g_autoptr (GBytes) bytes = NULL;
  DiffusionTensorFile *file;

  if (map == NULL)
    {
      gboolean absent = g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT);

      g_set_error (error, DIFFUSION_ERROR, absent ? DIFFUSION_ERROR_NOT_FOUND : DIFFUSION_ERROR_IO,
                   _("%s: cannot read: %s"), path, reason->message);
      return NULL;
    }
  bytes = g_mapped_file_get_bytes (map);
  file = diffusion_tensor_file_open_bytes (path, bytes, error);
  if (file != NULL)
    diffusion_tensor_file_set_mapped (file);
  return file;
}
