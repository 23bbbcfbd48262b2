/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wavelet bands of what was taken away, weighed by how much they stand out of noise. */
#include "core/imaging/detail.h"

#include "core/base/error.h"
#include "core/base/i18n.h"

#define BANDS     3
#define WINDOW    3 /* the energy's reach to each side */
#define THRESHOLD 2.0f

/* Deviation of each band for white noise of deviation 1. */
static const float gains[BANDS] = { 0.8908f, 0.2007f, 0.0856f };

/* [1 4 6 4 1]/16 with holes of @step, along rows of @n pixels that are @stride apart. */
static void
smooth_line (const float *in, gint n, gint stride, gint step, float *out)
{
  for (gint i = 0; i < n; i++)
    {
      gint a = MAX (i - 2 * step, 0), b = MAX (i - step, 0), d = MIN (i + step, n - 1), e = MIN (i + 2 * step, n - 1);

      out[i * stride] = 0.375f * in[i * stride] + 0.25f * (in[b * stride] + in[d * stride])
                        + 0.0625f * (in[a * stride] + in[e * stride]);
    }
}

static void
smooth (const float *in, gint width, gint height, gint step, float *scratch, float *out)
{
  for (gint y = 0; y < height; y++)
    smooth_line (in + (gsize) y * width, width, 1, step, scratch + (gsize) y * width);
  for (gint x = 0; x < width; x++)
    smooth_line (scratch + x, height, width, step, out + x);
}

/* Mean of the squares over a window, along a line. */
static void
mean_line (const float *in, gint n, gint stride, gboolean square, float *out)
{
  for (gint i = 0; i < n; i++)
    {
      float sum = 0;

      for (gint k = i - WINDOW; k <= i + WINDOW; k++)
        {
          float value = in[CLAMP (k, 0, n - 1) * stride];

          sum += square ? value * value : value;
        }
      out[i * stride] = sum / (2 * WINDOW + 1);
    }
}

static void
local_energy (const float *band, gint width, gint height, float *scratch, float *out)
{
  for (gint y = 0; y < height; y++)
    mean_line (band + (gsize) y * width, width, 1, TRUE, scratch + (gsize) y * width);
  for (gint x = 0; x < width; x++)
    mean_line (scratch + x, height, width, FALSE, out + x);
}

gboolean
diffusion_detail_recover (const float *in, gint width, gint height, double sigma, double amount, float *out,
                          GError **error)
{
  gsize n = (gsize) width * (gsize) height;
  g_autofree float *block = g_try_malloc_n (n, DIFFUSION_DETAIL_BYTES_PER_PIXEL);
  float *level = block, *coarse = block + n, *energy = block + 2 * n, *scratch = block + 3 * n, *found = block + 4 * n;

  if (block == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY, _ ("Not enough memory for the details of %d×%d pixels"),
                   width, height);
      return FALSE;
    }
  for (gsize i = 0; i < n; i++)
    {
      level[i] = (in[3 * i] + in[3 * i + 1] + in[3 * i + 2] - out[3 * i] - out[3 * i + 1] - out[3 * i + 2]) / 3;
      found[i] = 0;
    }

  for (gint b = 0; b < BANDS; b++)
    {
      float noise = gains[b] * (float) sigma, *finer = level;

      smooth (level, width, height, 1 << b, scratch, coarse);
      for (gsize i = 0; i < n; i++)
        level[i] -= coarse[i];
      local_energy (level, width, height, scratch, energy);
      for (gsize i = 0; i < n; i++)
        if (energy[i] > THRESHOLD * noise * noise)
          found[i] += (1 - THRESHOLD * noise * noise / energy[i]) * level[i];
      level = coarse;
      coarse = finer;
    }
  for (gsize i = 0; i < 3 * n; i++)
    out[i] += (float) amount * found[i / 3];
  return TRUE;
}
