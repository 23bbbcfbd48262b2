/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GEGL's start, without its slowest part. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** diffusion_gegl_init: gegl_init() without arguments; on the main thread, whose heap it arranges for a moment. */
void diffusion_gegl_init (void);

G_END_DECLS
