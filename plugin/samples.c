/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samples to float and back, each by one fixed formula. */
#include "plugin/samples.h"

#include <math.h>
#include <string.h>

#include "core/model/dtype.h"

DiffusionSamples
diffusion_samples_get (const Babl *format)
{
  static const char *const types[] = { "u8", "u16", "u32", "half", "float", "double" };
  gint count = babl_format_get_n_components (format);
  DiffusionSamples self = {
    .type = DIFFUSION_SAMPLE_FLOAT,
    .count = count,
    .channels = count - (babl_format_has_alpha (format) ? 1 : 0),
    .size = babl_format_get_bytes_per_pixel (format) / count,
    /* "R'G'B' u8" and "R~G~B~ u8" have a curve, "RGB u8" has none. */
    .linear = strpbrk (babl_format_get_encoding (format), "'~") == NULL,
  };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (babl_format_get_type (format, 0) == babl_type (types[i]))
      self.type = (DiffusionSampleType) i;
  return self;
}

/* sRGB's curve, beyond 0 to 1 too. */
static double
encode (double light)
{
  return light <= 0.0031308 ? 12.92 * light : 1.055 * pow (light, 1.0 / 2.4) - 0.055;
}

static double
decode (double value)
{
  return value <= 0.04045 ? value / 12.92 : pow ((value + 0.055) / 1.055, 2.4);
}

static double
load (DiffusionSampleType type, const guint8 *sample)
{
  guint16 u16;
  guint32 u32;
  float single;
  double number;

  switch (type)
    {
    case DIFFUSION_SAMPLE_U8:
      return *sample / 255.0;
    case DIFFUSION_SAMPLE_U16:
      memcpy (&u16, sample, sizeof u16);
      return u16 / 65535.0;
    case DIFFUSION_SAMPLE_U32:
      memcpy (&u32, sample, sizeof u32);
      return u32 / (double) G_MAXUINT32;
    case DIFFUSION_SAMPLE_HALF:
      memcpy (&u16, sample, sizeof u16);
      return diffusion_f16_to_float (u16);
    case DIFFUSION_SAMPLE_FLOAT:
      memcpy (&single, sample, sizeof single);
      return single;
    default:
      memcpy (&number, sample, sizeof number);
      return number;
    }
}

/* As picture files are written: the command gives the same samples. */
static guint
quantise (float value, float most)
{
  value = value * most + 0.5f;
  return value > 0.0f ? (guint) MIN (value, most) : 0;
}

static void
store (DiffusionSampleType type, double value, guint8 *sample)
{
  guint16 u16;
  guint32 u32;
  float single = (float) value;

  switch (type)
    {
    case DIFFUSION_SAMPLE_U8:
      *sample = (guint8) quantise (single, G_MAXUINT8);
      break;
    case DIFFUSION_SAMPLE_U16:
      u16 = (guint16) quantise (single, G_MAXUINT16);
      memcpy (sample, &u16, sizeof u16);
      break;
    case DIFFUSION_SAMPLE_U32:
      u32 = (guint32) rint (CLAMP (value, 0.0, 1.0) * G_MAXUINT32);
      memcpy (sample, &u32, sizeof u32);
      break;
    case DIFFUSION_SAMPLE_HALF:
      u16 = diffusion_float_to_f16 (single);
      memcpy (sample, &u16, sizeof u16);
      break;
    case DIFFUSION_SAMPLE_FLOAT:
      memcpy (sample, &single, sizeof single);
      break;
    default:
      memcpy (sample, &value, sizeof value);
    }
}

/* A sample as the core sees it, or what is no number. */
static double
look (const DiffusionSamples *self, const guint8 *sample)
{
  double value = load (self->type, sample);

  return self->linear ? encode (value) : value;
}

void
diffusion_samples_read (const DiffusionSamples *self, const guint8 *pixels, gsize n, float *out)
{
  for (gsize i = 0; i < n; i++, pixels += self->count * self->size)
    for (gint c = 0; c < self->channels; c++)
      {
        float value = (float) look (self, pixels + c * self->size);

        /* It would spread over all pixels that the network computes from it. */
        *out++ = isfinite (value) ? value : 0.0f;
      }
}

void
diffusion_samples_write (const DiffusionSamples *self, const float *in, gsize n, guint8 *pixels)
{
  for (gsize i = 0; i < n; i++, pixels += self->count * self->size)
    for (gint c = 0; c < self->channels; c++, in++)
      {
        guint8 *sample = pixels + c * self->size;
        float before = (float) look (self, sample);

        if (isfinite (before) && isfinite (*in) && *in != before)
          store (self->type, self->linear ? decode (*in) : *in, sample);
      }
}
