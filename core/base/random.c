/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counter-based random numbers. */
#include "core/base/random.h"

#include <math.h>

#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u

void
diffusion_random_bits (const DiffusionStream *stream, gint32 x, gint32 y, guint32 channel, guint32 bits[4])
{
  guint32 c0 = (guint32) x, c1 = (guint32) y, c2 = channel ^ (stream->purpose << 24), c3 = stream->step;
  guint32 k0 = (guint32) stream->seed, k1 = (guint32) (stream->seed >> 32);

  for (int round = 0; round < 10; round++)
    {
      guint64 p0 = (guint64) PHILOX_M0 * c0;
      guint64 p1 = (guint64) PHILOX_M1 * c2;
      guint32 n0 = (guint32) (p1 >> 32) ^ c1 ^ k0;
      guint32 n2 = (guint32) (p0 >> 32) ^ c3 ^ k1;

      c1 = (guint32) p1;
      c3 = (guint32) p0;
      c0 = n0;
      c2 = n2;
      k0 += PHILOX_W0;
      k1 += PHILOX_W1;
    }
  bits[0] = c0;
  bits[1] = c1;
  bits[2] = c2;
  bits[3] = c3;
}

double
diffusion_random_uniform (const DiffusionStream *stream, gint32 x, gint32 y, guint32 channel)
{
  guint32 bits[4];

  diffusion_random_bits (stream, x, y, channel, bits);
  return (double) ((((guint64) bits[0] << 32) | bits[1]) >> 11) * 0x1p-53;
}

void
diffusion_random_normal_fill (const DiffusionStream *stream, gint32 x, gint32 y, gint width, gint height,
                              gint channels, float *out)
{
  for (gint row = 0; row < height; row++)
    for (gint column = 0; column < width; column++)
      for (gint first = 0; first < channels; first += 4)
        {
          guint32 bits[4];
          float values[4];

          /* One block of four bits serves four channels. */
          diffusion_random_bits (stream, x + column, y + row, (guint32) first / 4, bits);
          for (int pair = 0; pair < 2; pair++)
            {
              /* (bits + 1/2) / 2^32 lies strictly inside (0, 1), so the logarithm is finite. */
              float u = (float) (((double) bits[2 * pair] + 0.5) * 0x1p-32);
              float v = (float) ((double) bits[2 * pair + 1] * 0x1p-32);
              float radius = sqrtf (-2.0f * logf (u));
              float angle = 6.28318530717958648f * v;

              values[2 * pair] = radius * cosf (angle);
              values[2 * pair + 1] = radius * sinf (angle);
            }
          for (gint k = 0; k < 4 && first + k < channels; k++)
            *out++ = values[k];
        }
}
