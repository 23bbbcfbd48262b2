/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Large aligned blocks whose failure is an error instead of an abort. */
#include "core/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

/* Blocks of several huge pages are made of them: the first touch of each small page costs 0.1 µs to 4 µs, the most on
 * virtual machines, and products of matrices miss fewer translations. */
#define HUGE_PAGE ((gsize) 2 << 20)

static gpointer
alloc (gsize bytes)
{
  gsize rounded = (MAX (bytes, 1) + DIFFUSION_ALIGNMENT - 1) / DIFFUSION_ALIGNMENT * DIFFUSION_ALIGNMENT;
  gpointer block;

  if (bytes < 2 * HUGE_PAGE)
    return aligned_alloc (DIFFUSION_ALIGNMENT, rounded);
  block = aligned_alloc (HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
#ifdef MADV_HUGEPAGE
  if (block != NULL)
    madvise (block, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
  return block;
}

gpointer
diffusion_try_alloc (gsize bytes, const char *what, GError **error)
{
  gpointer block = bytes <= G_MAXSSIZE - HUGE_PAGE ? alloc (bytes) : NULL;

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
