/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The arguments that generate, regenerate and interpolate share with each other and with the command. */
#pragma once

#include <libgimp/gimp.h>

#include "core/diffusion.h"

G_BEGIN_DECLS

/* Where generated pictures go. */
#define DIFFUSION_TARGET_IMAGE     "image"
#define DIFFUSION_TARGET_LAYER     "layer"
#define DIFFUSION_TARGET_SELECTION "selection"

/* How often RePaint goes through each stretch where nothing is said. */
#define DIFFUSION_USUAL_JUMP_COUNT 10

/* Where a picture between two is made where nothing is said. */
#define DIFFUSION_USUAL_LAMBDA "0.5"

/** diffusion_settings_add_sampling: adds model, sampler, steps, class, seed and the like, with @model as the default. */
void diffusion_settings_add_sampling (GimpProcedure *procedure, const char *model);

/** diffusion_settings_add_t: adds t, and strength where @strength. */
void diffusion_settings_add_t (GimpProcedure *procedure, gboolean strength);

/** diffusion_settings_add_jumps: adds jump-length and jump-count. */
void diffusion_settings_add_jumps (GimpProcedure *procedure);

/** diffusion_settings_add_seamless: adds seamless, off, explained by @blurb. */
void diffusion_settings_add_seamless (GimpProcedure *procedure, const char *blurb);

/** diffusion_settings_add_new_layer: adds new-layer, on. */
void diffusion_settings_add_new_layer (GimpProcedure *procedure);

/**
 * DiffusionSettings:
 * @procedure: the procedure's name
 * @sampling: the model and how it is sampled
 * @t: 1 to T, 0 where none was given
 * @strength: share of T, 0 where none was given
 * @jump_length: of RePaint
 * @jump_count: of RePaint
 * @new_layer: results go into new layers
 * @target: (nullable): of generate
 * @size: (nullable): of generate
 * @count: of generate
 * @seamless: of generate and regenerate
 * @lambda: (nullable): of interpolate
 * @noise: (nullable): of interpolate
 *
 * A copy of a procedure's arguments, for another thread; those it does not have are zero.
 */
typedef struct
{
  const char *procedure;
  DiffusionSamplingOptions sampling;
  double t, strength;
  gint jump_length, jump_count;
  gboolean new_layer;
  const char *target, *size;
  gint count;
  gboolean seamless;
  const char *lambda, *noise;
  GStringChunk *strings;
} DiffusionSettings;

/** diffusion_settings_new: (transfer full): as the arguments are now. */
DiffusionSettings *diffusion_settings_new (GimpProcedureConfig *config);

/**
 * diffusion_settings_new_last:
 * @config: a procedure's arguments, run with last values
 *
 * Returns: (transfer full): the same, and where the procedure never ran what its dialog would begin with
 */
DiffusionSettings *diffusion_settings_new_last (GimpProcedureConfig *config);

void diffusion_settings_free (DiffusionSettings *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionSettings, diffusion_settings_free)

/**
 * diffusion_settings_get_size:
 * @native: the model's size, used where none is given; 0 where it has none
 * @width: (out): columns
 * @height: (out): rows
 * @error: return location for %DIFFUSION_ERROR_INVALID
 */
gboolean diffusion_settings_get_size (const DiffusionSettings *self, gsize native, gint *width, gint *height,
                                      GError **error);

/** diffusion_settings_get_lambdas: (transfer full) (nullable) (element-type double): @lambda as numbers, at least one. */
GArray *diffusion_settings_get_lambdas (const DiffusionSettings *self, GError **error);

/** diffusion_settings_get_noise: @noise as what it stands for. */
gboolean diffusion_settings_get_noise (const DiffusionSettings *self, DiffusionInterpolationType *type, GError **error);

G_END_DECLS
