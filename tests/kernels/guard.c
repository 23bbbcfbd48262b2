/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Buffers for kernel tests: poisoned, with guard zones, and filled with hostile numbers. */
#include "tests/kernels/guard.h"

#include <math.h>
#include <string.h>

#define ZONE 65 /* odd, so that the payload is not aligned to vectors */
#define MARK 0x7fa5a5a5u

typedef struct
{
  gsize n;
  guint32 words[];
} Block;

static Block *
block_of (float *x)
{
  return (Block *) ((guint8 *) x - ZONE * 4 - sizeof (Block));
}

float *
guard_new (gsize n)
{
  Block *block = g_malloc (sizeof (Block) + (n + 2 * ZONE) * 4);

  block->n = n;
  for (gsize i = 0; i < n + 2 * ZONE; i++)
    block->words[i] = MARK;
  return (float *) (block->words + ZONE);
}

void
guard_free (float *x)
{
  Block *block = block_of (x);

  for (gsize i = 0; i < ZONE; i++)
    {
      g_assert_cmphex (block->words[i], ==, MARK);
      g_assert_cmphex (block->words[ZONE + block->n + i], ==, MARK);
    }
  g_free (block);
}

void
guard_fill (float *x, gsize n, Fill fill, guint32 seed)
{
  guint64 state = seed * 2654435761u + 1;

  for (gsize i = 0; i < n; i++)
    {
      double sum = -2.0;
      guint kind;

      for (int j = 0; j < 4; j++)
        {
          state = state * 6364136223846793005u + 1442695040888963407u;
          sum += (state >> 40) * 0x1p-24;
        }
      kind = (state >> 20) & 31;
      sum *= sqrt (3.0);
      if (fill == FILL_TINY)
        sum *= pow (10.0, -20.0 - kind * 0.7);
      else if (fill == FILL_HUGE)
        sum *= pow (10.0, kind * 0.55);
      x[i] = (float) sum;
    }
}

void
guard_compare (const char *what, gsize n, const float *got, const float *want, const double *scale, double tolerance)
{
  double worst = 0.0;
  gsize at = 0, bad = 0;

  for (gsize i = 0; i < n; i++)
    {
      double size = scale != NULL ? scale[i] : fabs ((double) want[i]);
      double error = fabs ((double) got[i] - want[i]) - 1e-37;

      if (isnan (want[i]) ? isnan (got[i]) : got[i] == want[i])
        continue;
      if (!(error <= tolerance * size))
        bad++;
      if (!(error / size <= worst))
        {
          worst = error / size;
          at = i;
        }
    }
  if (bad > 0)
    {
      g_test_message ("%s: %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " wrong, worst at %" G_GSIZE_FORMAT
                      ": %g instead of %g (relative %g, allowed %g)",
                      what, bad, n, at, got[at], want[at], worst, tolerance);
      g_test_fail ();
    }
}
