/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of the T training steps a sampler takes. Rounding is half to even everywhere, as in the implementations
 * that named these forms. */
#include "core/diffusion/respacing.h"

#include <math.h>

#include "core/base/error.h"
#include "core/base/i18n.h"

static gboolean
parse_count (const char *text, gsize steps, const char *spec, gsize *count, GError **error)
{
  guint64 value;

  if (g_ascii_string_to_unsigned (text, 10, 1, steps, &value, NULL))
    {
      *count = (gsize) value;
      return TRUE;
    }
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
               _("Steps “%s”: “%s” found, expected a number from 1 to %u"), spec, text, (guint) steps);
  return FALSE;
}

static double *
ddim_timesteps (gsize steps, const char *spec, gsize *count, GError **error)
{
  gsize wanted;
  double *times;

  if (!parse_count (spec + strlen ("ddim"), steps, spec, &wanted, error))
    return NULL;
  for (gsize stride = 1; stride <= steps; stride++)
    if ((steps + stride - 1) / stride == wanted)
      {
        times = g_new (double, wanted);
        for (gsize i = 0; i < wanted; i++)
          times[i] = (double) (i * stride);
        *count = wanted;
        return times;
      }
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
               _("Steps “%s”: no whole stride takes exactly %u of %u steps"), spec, (guint) wanted, (guint) steps);
  return NULL;
}

double *
diffusion_timesteps_from_spec (gsize steps, const char *spec, gsize *count, GError **error)
{
  g_auto (GStrv) parts = NULL;
  g_autofree double *times = NULL;
  gsize sections, start = 0, kept = 0;

  if (g_str_has_prefix (spec, "ddim"))
    return ddim_timesteps (steps, spec, count, error);

  parts = g_strsplit (spec, ",", -1);
  sections = g_strv_length (parts);
  if (sections == 0 || sections > steps)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("Steps “%s”: %u sections found, expected 1 to %u"), spec, (guint) sections, (guint) steps);
      return NULL;
    }
  times = g_new (double, steps);
  for (gsize s = 0; s < sections; s++)
    {
      gsize size = steps / sections + (s < steps % sections ? 1 : 0), wanted;
      double stride, position = 0;

      if (!parse_count (g_strstrip (parts[s]), size, spec, &wanted, error))
        return NULL;
      stride = wanted > 1 ? (double) (size - 1) / (double) (wanted - 1) : 1.0;
      for (gsize i = 0; i < wanted; i++)
        {
          times[kept++] = (double) start + rint (position);
          position += stride;
        }
      start += size;
    }
  *count = kept;
  return g_steal_pointer (&times);
}

/* Sorts out what rounding made equal; @times is ascending. */
static gsize
remove_equal (double *times, gsize count)
{
  gsize kept = 0;

  for (gsize i = 0; i < count; i++)
    if (kept == 0 || times[i] > times[kept - 1])
      times[kept++] = times[i];
  return kept;
}

double *
diffusion_timesteps_spaced (gsize steps, gsize wanted, DiffusionSpacing spacing, gsize offset, gsize *count,
                            GError **error)
{
  g_autofree double *times = NULL;
  double last = (double) steps - 1.0, n = (double) wanted;

  if (wanted < 1 || wanted > steps)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("%.0f steps asked for, expected 1 to %u"), n, (guint) steps);
      return NULL;
    }
  times = g_new (double, wanted);
  for (gsize i = 0; i < wanted; i++)
    {
      double k = (double) i;

      switch (spacing)
        {
        case DIFFUSION_SPACING_LEADING:
          times[i] = (double) (i * (steps / wanted));
          break;
        case DIFFUSION_SPACING_LEADING_OPEN:
          times[i] = (double) ((i + 1) * (steps / (wanted + 1)));
          break;
        case DIFFUSION_SPACING_TRAILING:
          times[i] = rint ((double) steps - (n - 1.0 - k) * ((double) steps / n)) - 1.0;
          break;
        case DIFFUSION_SPACING_LINSPACE:
          times[i] = wanted > 1 ? rint (k * (last / (n - 1.0))) : 0.0;
          break;
        case DIFFUSION_SPACING_LINSPACE_OPEN:
          times[i] = rint ((k + 1.0) * (last / n));
          break;
        }
      times[i] += (double) offset;
      if (times[i] < 0.0 || times[i] > last)
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                       _("An offset of %u puts timestep %g out of range, expected 0 to %g"), (guint) offset,
                       times[i], last);
          return NULL;
        }
    }
  *count = remove_equal (times, wanted);
  return g_steal_pointer (&times);
}

double *
diffusion_timesteps_until (double last, gsize wanted, gboolean open, gsize *count)
{
  double whole = floor (last);
  gsize available = (gsize) whole + (last > whole ? 2 : 1);
  double *times;

  /* t = 0 is the only step there is below 1. */
  open = open && last >= 1.0;
  available -= open ? 1 : 0;
  wanted = CLAMP (wanted, 1, available);
  times = g_new (double, wanted);
  for (gsize i = 0; i + 1 < wanted; i++)
    times[i] = open ? rint ((double) (i + 1) * last / (double) wanted) : rint ((double) i * last / (double) (wanted - 1));
  times[wanted - 1] = last;
  *count = remove_equal (times, wanted);
  return times;
}
