/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a drawable's copy consists of. */
#pragma once

#include "plugin/drawable.h"

struct _DiffusionDrawable
{
  GimpDrawable *drawable;
  GeglRectangle extent;
  GeglRectangle region;
  const Babl *format;
  gboolean gray;
  GeglBuffer *source; /* all pixels, in the drawable's own format */
  GeglBuffer *mask;   /* how much of the region's pixels is selected, "Y float"; NULL for all of all */
  GeglBuffer *result; /* the region's pixels, or NULL before they are written */
};
