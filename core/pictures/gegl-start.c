/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GEGL's start, without its slowest part. */
#include "core/pictures/gegl-start.h"

#include <gegl.h>

#if defined(__GLIBC__)
#include <malloc.h>
#include <sys/mman.h>
#endif

/* What babl fills once to see how fast memory is (0.1.112: 256 MiB and 47 MiB), and some more. */
#define BABL_TRIAL_BYTES ((gsize) 400 << 20)

/* babl's trial touches its memory page by page, which takes more than a second on some virtual machines. In huge pages it is
 * over at once: the heap grows by as much of them before, and gives all back after. */
static void
ease_trial (gboolean before)
{
#if defined(__GLIBC__)
  if (before)
    {
      gpointer memory;

      mallopt (M_MMAP_MAX, 0);
      mallopt (M_TRIM_THRESHOLD, 2 * (int) BABL_TRIAL_BYTES);
      memory = malloc (BABL_TRIAL_BYTES);
      if (memory != NULL)
        madvise ((gpointer) (((gsize) memory + 0xfff) & ~(gsize) 0xfff), BABL_TRIAL_BYTES - 0x1000, MADV_HUGEPAGE);
      free (memory);
      return;
    }
  mallopt (M_MMAP_MAX, 65536);
  mallopt (M_TRIM_THRESHOLD, 128 * 1024);
  malloc_trim (0);
#endif
}

void
diffusion_gegl_init (void)
{
  ease_trial (TRUE);
  gegl_init (NULL, NULL);
  ease_trial (FALSE);
}
