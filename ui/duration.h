/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Durations in words. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** diffusion_format_duration: (transfer full): "2 minutes": a duration in seconds as people say it. */
char *diffusion_format_duration (double seconds);

G_END_DECLS
