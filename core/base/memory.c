/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Large aligned blocks whose failure is an error instead of an abort. */
#include "core/base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

gpointer
diffusion_try_alloc (gsize bytes, const char *what, GError **error)
{
  gpointer block = NULL;

  if (bytes <= G_MAXSSIZE - DIFFUSION_ALIGNMENT)
    {
      gsize rounded = (bytes + DIFFUSION_ALIGNMENT - 1) / DIFFUSION_ALIGNMENT * DIFFUSION_ALIGNMENT;

      block = aligned_alloc (DIFFUSION_ALIGNMENT, MAX (rounded, DIFFUSION_ALIGNMENT));
    }
  if (block == NULL)
    {
      g_autofree char *size = g_format_size (bytes);

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY, _("Not enough memory for %s: %s were asked for"),
                   what, size);
    }
  return block;
}

gpointer
diffusion_try_alloc0 (gsize bytes, const char *what, GError **error)
{
  gpointer block = diffusion_try_alloc (bytes, what, error);

  if (block != NULL)
    memset (block, 0, bytes);
  return block;
}

void
diffusion_free (gpointer block)
{
  free (block);
}
