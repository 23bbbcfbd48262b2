/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The number formats that weight files use. */
#include "core/model/dtype.h"

#include <math.h>
#include <string.h>

static const struct
{
  const char *name;
  guint8 size;
  gboolean is_float;
} dtypes[DIFFUSION_N_DTYPES] = {
  [DIFFUSION_DTYPE_F64] = { "F64", 8, TRUE },  [DIFFUSION_DTYPE_F32] = { "F32", 4, TRUE },
  [DIFFUSION_DTYPE_F16] = { "F16", 2, TRUE },  [DIFFUSION_DTYPE_BF16] = { "BF16", 2, TRUE },
  [DIFFUSION_DTYPE_I64] = { "I64", 8, FALSE }, [DIFFUSION_DTYPE_I32] = { "I32", 4, FALSE },
  [DIFFUSION_DTYPE_I16] = { "I16", 2, FALSE }, [DIFFUSION_DTYPE_I8] = { "I8", 1, FALSE },
  [DIFFUSION_DTYPE_U8] = { "U8", 1, FALSE },   [DIFFUSION_DTYPE_BOOL] = { "BOOL", 1, FALSE },
};

gsize
diffusion_dtype_size (DiffusionDtype dtype)
{
  return dtypes[dtype].size;
}

const char *
diffusion_dtype_name (DiffusionDtype dtype)
{
  return dtypes[dtype].name;
}

gboolean
diffusion_dtype_from_name (const char *name, DiffusionDtype *dtype)
{
  for (int i = 0; i < DIFFUSION_N_DTYPES; i++)
    if (strcmp (name, dtypes[i].name) == 0)
      {
        *dtype = (DiffusionDtype)i;
        return TRUE;
      }
  return FALSE;
}

gboolean
diffusion_dtype_is_float (DiffusionDtype dtype)
{
  return dtypes[dtype].is_float;
}

static float
float_from_bits (guint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static guint32
float_to_bits (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

float
diffusion_f16_to_float (guint16 bits)
{
  guint32 sign = (guint32)(bits & 0x8000) << 16;
  guint32 exponent = (bits >> 10) & 31;
  guint32 fraction = bits & 0x3ff;

  if (exponent == 31)
    return float_from_bits (sign | 0x7f800000 | fraction << 13);
  if (exponent != 0)
    return float_from_bits (sign | (exponent + 112) << 23 | fraction << 13);
  /* Zero and the subnormals: fraction times 2^-24. */
  return (sign != 0 ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
}

guint16
diffusion_float_to_f16 (float value)
{
  guint32 bits = float_to_bits (value);
  guint16 sign = (guint16)(bits >> 16 & 0x8000);
  guint32 magnitude = bits & 0x7fffffff;

  if (magnitude > 0x7f800000)
    return sign | 0x7e00;
  if (magnitude >= 0x477ff000) /* 65520 and above round to infinity */
    return sign | 0x7c00;
  if (magnitude < 0x38800000) /* below 2^-14: subnormal, a multiple of 2^-24 */
    return sign | (guint16)rintf (float_from_bits (magnitude) * 0x1p24f);
  magnitude += 0xfff + (magnitude >> 13 & 1);
  return sign | (guint16)((magnitude - 0x38000000) >> 13);
}

float
diffusion_bf16_to_float (guint16 bits)
{
  return float_from_bits ((guint32)bits << 16);
}

guint16
diffusion_float_to_bf16 (float value)
{
  guint32 bits = float_to_bits (value);

  if ((bits & 0x7fffffff) > 0x7f800000)
    return (guint16)(bits >> 16 | 0x40);
  return (guint16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static guint16
load16 (const guint8 *at)
{
  guint16 bits;

  memcpy (&bits, at, sizeof bits);
  return GUINT16_FROM_LE (bits);
}

/* Sixteen numbers at a time, whatever the registers' width; unaligned. */
#define LANES 16
typedef guint16 Halves __attribute__ ((vector_size (2 * LANES), aligned (1), may_alias));
typedef guint32 Words __attribute__ ((vector_size (4 * LANES), aligned (4), may_alias));
typedef float Floats __attribute__ ((vector_size (4 * LANES), aligned (4), may_alias));

static inline void
widen_lanes (DiffusionDtype dtype, const guint8 *data, float *out)
{
  Words bits = __builtin_convertvector (*(const Halves *) data, Words);
  Words *to = (Words *) (gpointer) out;

  if (dtype == DIFFUSION_DTYPE_BF16)
    {
      *to = bits << 16;
      return;
    }
  /* The exponent moves by the multiplication, which is exact and takes subnormals along; that of infinity and NaN, all
   * ones, is set. */
  *to = (Words) ((Floats) ((bits & 0x7fff) << 13) * 0x1p112f) | (bits & 0x8000) << 16
        | ((Words) ((bits & 0x7c00) == 0x7c00) & 0x7f800000);
}

void
diffusion_half_to_floats (DiffusionDtype dtype, const guint8 *data, gsize n, float *out)
{
  gsize done = 0;

  if (G_BYTE_ORDER == G_LITTLE_ENDIAN)
    for (; done + LANES <= n; done += LANES)
      widen_lanes (dtype, data + 2 * done, out + done);
  for (; done < n; done++)
    out[done] = (float) diffusion_dtype_load (dtype, data, (gint64) done);
}

static guint32
load32 (const guint8 *at)
{
  guint32 bits;

  memcpy (&bits, at, sizeof bits);
  return GUINT32_FROM_LE (bits);
}

static guint64
load64 (const guint8 *at)
{
  guint64 bits;

  memcpy (&bits, at, sizeof bits);
  return GUINT64_FROM_LE (bits);
}

double
diffusion_dtype_load (DiffusionDtype dtype, const guint8 *data, gint64 index)
{
  const guint8 *at = data + index * dtypes[dtype].size;
  guint64 bits;
  double value;

  switch (dtype)
    {
    case DIFFUSION_DTYPE_F64:
      bits = load64 (at);
      memcpy (&value, &bits, sizeof value);
      return value;
    case DIFFUSION_DTYPE_F32:
      return float_from_bits (load32 (at));
    case DIFFUSION_DTYPE_F16:
      return diffusion_f16_to_float (load16 (at));
    case DIFFUSION_DTYPE_BF16:
      return diffusion_bf16_to_float (load16 (at));
    case DIFFUSION_DTYPE_I64:
      return (double)(gint64)load64 (at);
    case DIFFUSION_DTYPE_I32:
      return (gint32)load32 (at);
    case DIFFUSION_DTYPE_I16:
      return (gint16)load16 (at);
    case DIFFUSION_DTYPE_I8:
      return (gint8)*at;
    case DIFFUSION_DTYPE_U8:
      return *at;
    case DIFFUSION_DTYPE_BOOL:
      return *at != 0;
    }
  return 0;
}
