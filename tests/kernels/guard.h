/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Buffers for kernel tests: poisoned, with guard zones, and filled with hostile numbers. */
#pragma once

#include <glib.h>

/* [n] floats at an address that is a multiple of 4 but not of 8, all NaN, between two zones that must stay as they are. */
float *guard_new (gsize n);
/* Fails the test when something was written outside; then frees. */
void guard_free (float *x);

typedef enum
{
  FILL_NORMAL, /* about N(0, 1) */
  FILL_TINY,   /* down to denormals */
  FILL_HUGE,   /* up to 1e18, so that squares and short sums stay finite */
  FILL_KINDS
} Fill;

void guard_fill (float *x, gsize n, Fill fill, guint32 seed);

/* Fails unless |got - want| <= tolerance·scale for each i, NaN included; @scale may be %NULL for max (|want|, floor). */
void guard_compare (const char *what, gsize n, const float *got, const float *want, const double *scale,
                    double tolerance);
