/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The number formats that weight files use. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  DIFFUSION_DTYPE_F64,
  DIFFUSION_DTYPE_F32,
  DIFFUSION_DTYPE_F16,
  DIFFUSION_DTYPE_BF16,
  DIFFUSION_DTYPE_I64,
  DIFFUSION_DTYPE_I32,
  DIFFUSION_DTYPE_I16,
  DIFFUSION_DTYPE_I8,
  DIFFUSION_DTYPE_U8,
  DIFFUSION_DTYPE_BOOL
} DiffusionDtype;

#define DIFFUSION_N_DTYPES (DIFFUSION_DTYPE_BOOL + 1)

/** diffusion_dtype_size: bytes per element. */
gsize diffusion_dtype_size (DiffusionDtype dtype);

/** diffusion_dtype_name: the name in a safetensors header: "F32", "BF16"… */
const char *diffusion_dtype_name (DiffusionDtype dtype);

/** diffusion_dtype_from_name: the reverse of diffusion_dtype_name(); %FALSE for unknown names. */
gboolean diffusion_dtype_from_name (const char *name, DiffusionDtype *dtype);

/** diffusion_dtype_is_float: whether elements are floating-point numbers. */
gboolean diffusion_dtype_is_float (DiffusionDtype dtype);

/** diffusion_f16_to_float: IEEE 754 binary16 to binary32, exact. */
float diffusion_f16_to_float (guint16 bits);

/** diffusion_float_to_f16: rounded to nearest, ties to even; too large becomes infinity. */
guint16 diffusion_float_to_f16 (float value);

/** diffusion_bf16_to_float: exact. */
float diffusion_bf16_to_float (guint16 bits);

/** diffusion_float_to_bf16: rounded to nearest, ties to even. */
guint16 diffusion_float_to_bf16 (float value);

/**
 * diffusion_half_to_floats:
 * @dtype: %DIFFUSION_DTYPE_F16 or %DIFFUSION_DTYPE_BF16
 * @data: [n] little-endian, of any alignment
 * @out: (out caller-allocates): [n]
 *
 * Widens many numbers; exact.
 */
void diffusion_half_to_floats (DiffusionDtype dtype, const guint8 *data, gsize n, float *out);

/**
 * diffusion_dtype_load: element @index of @data, which needs no alignment and is little-endian, as a double
 * (integers beyond 2^53 are rounded).
 */
double diffusion_dtype_load (DiffusionDtype dtype, const guint8 *data, gint64 index);

G_END_DECLS
