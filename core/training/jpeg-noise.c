/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What JPEG does to noise. */
#include "core/training/jpeg-noise.h"

#include <math.h>
#include <string.h>

/* Tables K.1 and K.2 of the standard, row by row. */
static const guint8 luma_table[64] = { 16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                       14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                       18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                       49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99 };
static const guint8 chroma_table[64] = { 17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
                                         24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
                                         99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                         99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99 };

static void
scale_table (const guint8 *table, gint quality, float steps[64])
{
  gint scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;

  for (int i = 0; i < 64; i++)
    steps[i] = (float) CLAMP ((table[i] * scale + 50) / 100, 1, 255);
}

/* The orthonormal transform of type II, rows are frequencies. */
static void
make_cosines (float cosines[8][8])
{
  for (int k = 0; k < 8; k++)
    for (int n = 0; n < 8; n++)
      cosines[k][n] = (k == 0 ? 0.35355339f : 0.5f) * cosf (3.14159265f * (float) ((2 * n + 1) * k) / 16);
}

/* One plane, multiples of 8 in both directions, through transform and quantisation. */
static void
quantise_plane (float *plane, gint height, gint width, float cosines[8][8], const float *steps)
{
  for (gint y = 0; y < height; y += 8)
    for (gint x = 0; x < width; x += 8)
      {
        float *corner = plane + (gsize) y * (gsize) width + (gsize) x, half[8][8], whole[8][8];

        for (int i = 0; i < 8; i++)
          for (int k = 0; k < 8; k++)
            {
              float sum = 0;

              for (int n = 0; n < 8; n++)
                sum += corner[i * width + n] * cosines[k][n];
              half[i][k] = sum;
            }
        for (int j = 0; j < 8; j++)
          for (int k = 0; k < 8; k++)
            {
              float sum = 0;

              for (int n = 0; n < 8; n++)
                sum += half[n][k] * cosines[j][n];
              whole[j][k] = roundf (sum / steps[j * 8 + k]) * steps[j * 8 + k];
            }
        for (int i = 0; i < 8; i++)
          for (int k = 0; k < 8; k++)
            {
              float sum = 0;

              for (int n = 0; n < 8; n++)
                sum += whole[n][k] * cosines[n][i];
              half[i][k] = sum;
            }
        for (int i = 0; i < 8; i++)
          for (int n = 0; n < 8; n++)
            {
              float sum = 0;

              for (int k = 0; k < 8; k++)
                sum += half[i][k] * cosines[k][n];
              corner[i * width + n] = sum;
            }
      }
}

static void
halve (const float *in, gint height, gint width, gint fy, gint fx, float *out)
{
  for (gint y = 0; y < height / fy; y++)
    for (gint x = 0; x < width / fx; x++)
      {
        float sum = 0;

        for (gint j = 0; j < fy; j++)
          for (gint i = 0; i < fx; i++)
            sum += in[(gsize) (y * fy + j) * (gsize) width + (gsize) (x * fx + i)];
        out[(gsize) y * (gsize) (width / fx) + (gsize) x] = sum / (float) (fy * fx);
      }
}

/* Linear interpolation between the centres of the reduced samples, as decoders do. */
static float
sample (const float *plane, gint height, gint width, gint y, gint x, gint fy, gint fx)
{
  gint y0 = y / fy, x0 = x / fx, y1 = fy == 1 ? y0 : CLAMP (y0 + (y % 2 ? 1 : -1), 0, height - 1);
  gint x1 = fx == 1 ? x0 : CLAMP (x0 + (x % 2 ? 1 : -1), 0, width - 1);

  return 0.75f * (0.75f * plane[(gsize) y0 * (gsize) width + (gsize) x0] + 0.25f * plane[(gsize) y0 * (gsize) width + (gsize) x1]) +
         0.25f * (0.75f * plane[(gsize) y1 * (gsize) width + (gsize) x0] + 0.25f * plane[(gsize) y1 * (gsize) width + (gsize) x1]);
}

static inline float
to_byte (float value)
{
  return CLAMP (roundf (127.5f + 127.5f * value), 0, 255);
}

void
diffusion_jpeg_round_trip (float *pixels, gint height, gint width, gint shift_x, gint shift_y, gint quality,
                           DiffusionJpegChroma chroma)
{
  const gint tall = (height + shift_y + 15) / 16 * 16, wide = (width + shift_x + 15) / 16 * 16;
  const gint fx = chroma == DIFFUSION_JPEG_444 ? 1 : 2, fy = chroma == DIFFUSION_JPEG_420 ? 2 : 1;
  const gsize n = (gsize) tall * (gsize) wide;
  g_autofree float *block = g_new (float, 5 * n);
  float *planes[3] = { block, block + n, block + 2 * n }, *reduced[2] = { block + 3 * n, block + 4 * n };
  float cosines[8][8], steps[2][64];

  make_cosines (cosines);
  scale_table (luma_table, quality, steps[0]);
  scale_table (chroma_table, quality, steps[1]);
  for (gint y = 0; y < tall; y++)
    for (gint x = 0; x < wide; x++)
      {
        const float *pixel = pixels + ((gsize) CLAMP (y - shift_y, 0, height - 1) * (gsize) width +
                                       (gsize) CLAMP (x - shift_x, 0, width - 1)) * 3;
        float r = to_byte (pixel[0]), g = to_byte (pixel[1]), b = to_byte (pixel[2]);
        gsize i = (gsize) y * (gsize) wide + (gsize) x;

        planes[0][i] = roundf (0.299f * r + 0.587f * g + 0.114f * b) - 128;
        planes[1][i] = roundf (-0.168736f * r - 0.331264f * g + 0.5f * b);
        planes[2][i] = roundf (0.5f * r - 0.418688f * g - 0.081312f * b);
      }
  quantise_plane (planes[0], tall, wide, cosines, steps[0]);
  for (int c = 0; c < 2; c++)
    {
      halve (planes[1 + c], tall, wide, fy, fx, reduced[c]);
      quantise_plane (reduced[c], tall / fy, wide / fx, cosines, steps[1]);
    }
  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      {
        float *pixel = pixels + ((gsize) y * (gsize) width + (gsize) x) * 3;
        float luma = roundf (planes[0][(gsize) (y + shift_y) * (gsize) wide + (gsize) (x + shift_x)]) + 128;
        float blue = roundf (sample (reduced[0], tall / fy, wide / fx, y + shift_y, x + shift_x, fy, fx));
        float red = roundf (sample (reduced[1], tall / fy, wide / fx, y + shift_y, x + shift_x, fy, fx));

        pixel[0] = CLAMP (roundf (luma + 1.402f * red), 0, 255) / 127.5f - 1;
        pixel[1] = CLAMP (roundf (luma - 0.344136f * blue - 0.714136f * red), 0, 255) / 127.5f - 1;
        pixel[2] = CLAMP (roundf (luma + 1.772f * blue), 0, 255) / 127.5f - 1;
      }
}
