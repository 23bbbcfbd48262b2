/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rounded to what an estimate is worth. */
#include "ui/duration.h"

#include <math.h>

#include "core/base/i18n.h"

/* Whole numbers up to ten, fives beyond. */
static guint
rounded (double value)
{
  double step = value < 10 ? 1 : 5;

  return (guint) MAX (1, round (value / step) * step);
}

char *
diffusion_format_duration (double seconds)
{
  double minutes = seconds / 60, hours = minutes / 60;
  guint n;

  if (seconds < 90)
    {
      n = rounded (seconds);
      return g_strdup_printf (g_dngettext (DIFFUSION_GETTEXT_DOMAIN, "%u second", "%u seconds", n), n);
    }
  if (minutes < 90)
    {
      n = rounded (minutes);
      return g_strdup_printf (g_dngettext (DIFFUSION_GETTEXT_DOMAIN, "%u minute", "%u minutes", n), n);
    }
  n = (guint) round (MIN (hours, 1e6));
  return g_strdup_printf (g_dngettext (DIFFUSION_GETTEXT_DOMAIN, "%u hour", "%u hours", n), n);
}
