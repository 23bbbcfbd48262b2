/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How layers split their work: by the problem's size alone, so that no result depends on the number of threads. */
#pragma once

#include <glib.h>

/* Rows of a [rows, …] matrix in one part: enough parts for several threads, parts worth a matrix product. */
static inline gsize
diffusion_part_rows (gsize rows, gsize least, gsize most)
{
  gsize part = (rows / 8 + 63) / 64 * 64;

  return CLAMP (part, least, most);
}

static inline gsize
diffusion_n_parts (gsize rows, gsize part_rows)
{
  return (rows + part_rows - 1) / part_rows;
}
