/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of the T training steps a sampler takes. */
#pragma once

#include "core/diffusion/schedule.h"

G_BEGIN_DECLS

/**
 * DiffusionSpacing:
 * @DIFFUSION_SPACING_LEADING: every (T / n)-th step from 0 (diffusers "leading", without offset)
 * @DIFFUSION_SPACING_TRAILING: every (T / n)-th step back from the last (diffusers "trailing")
 * @DIFFUSION_SPACING_LINSPACE: n values from 0 to the last (diffusers "linspace")
 * @DIFFUSION_SPACING_LINSPACE_OPEN: n values from 0, not included, to the last: what diffusers' multistep solvers
 *   mean by "linspace"; their last step ends at the picture itself
 * @DIFFUSION_SPACING_LEADING_OPEN: the same reading of "leading"
 */
typedef enum
{
  DIFFUSION_SPACING_LEADING,
  DIFFUSION_SPACING_TRAILING,
  DIFFUSION_SPACING_LINSPACE,
  DIFFUSION_SPACING_LINSPACE_OPEN,
  DIFFUSION_SPACING_LEADING_OPEN
} DiffusionSpacing;

/**
 * diffusion_timesteps_from_spec:
 * @steps: T
 * @spec: "250": that many, the first and last included; "10,15,20": as many in each of equal sections;
 *   "ddim50": 50 with a whole stride from 0 (the forms of improved-diffusion's timestep_respacing)
 * @count: (out): how many were kept
 * @error: return location for %DIFFUSION_ERROR_INVALID
 *
 * Returns: (transfer full) (nullable) (array length=count): ascending timesteps, to be freed with g_free()
 */
double *diffusion_timesteps_from_spec (gsize steps, const char *spec, gsize *count, GError **error);

/**
 * diffusion_timesteps_spaced:
 * @steps: T
 * @wanted: 1 to @steps
 * @spacing: see #DiffusionSpacing
 * @offset: added to every timestep ("steps_offset" of diffusers, for leading)
 * @count: (out): how many there are; fewer than @wanted if rounding made some equal
 * @error: return location for %DIFFUSION_ERROR_INVALID
 *
 * Returns: (transfer full) (nullable) (array length=count): ascending timesteps, to be freed with g_free()
 */
double *diffusion_timesteps_spaced (gsize steps, gsize wanted, DiffusionSpacing spacing, gsize offset, gsize *count,
                                    GError **error);

/**
 * diffusion_timesteps_until:
 * @last: the t to start denoising from, 0-based, may be fractional
 * @wanted: at least 1
 * @open: leave 0 out, as multistep solvers want
 * @count: (out): how many there are, at most @wanted
 *
 * Timesteps for a chain that starts in the middle (SDEdit): about equally spaced whole numbers, then @last itself.
 *
 * Returns: (transfer full) (array length=count): ascending timesteps, to be freed with g_free()
 */
double *diffusion_timesteps_until (double last, gsize wanted, gboolean open, gsize *count);

G_END_DECLS
