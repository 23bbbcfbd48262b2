/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All that has to be known about a published weight file besides its numbers, and where that knowledge comes
 * from. */
#pragma once

#include "core/model/name-map.h"
#include "core/model/scheduler-config.h"
#include "core/model/unet-config.h"

G_BEGIN_DECLS

/**
 * DiffusionArchitecture:
 * @unet: the network
 * @scheduler: its noise schedule and what its output means
 * @new_qkv_order: how joint matrices of q, k and v are divided, see diffusion_name_map_apply()
 */
typedef struct
{
  DiffusionUnetConfig unet;
  DiffusionSchedulerConfig scheduler;
  gboolean new_qkv_order;
} DiffusionArchitecture;

/** diffusion_architecture_clear: frees what @architecture points to. */
void diffusion_architecture_clear (DiffusionArchitecture *architecture);

/**
 * diffusion_flags_load:
 * @path: a file of flags: a JSON object, or options as on the command line of guided-diffusion's scripts
 *   ("--image_size 64 --num_channels 192 …")
 * @error: return location for %DIFFUSION_ERROR_NOT_FOUND, %DIFFUSION_ERROR_IO or %DIFFUSION_ERROR_FORMAT
 *
 * Returns: (transfer full) (nullable): the flags
 */
JsonObject *diffusion_flags_load (const char *path, GError **error);

/** diffusion_flags_parse: (transfer full) (nullable): the same from text; @name is what to call it in errors.
 */
JsonObject *diffusion_flags_parse (const char *name, const char *text, gsize length, GError **error);

/**
 * diffusion_architecture_from_flags:
 * @name: what to call the flags in errors
 * @flags: of the constructors of guided-diffusion's, improved-diffusion's (where attention_resolutions is a
 * list of downsampling factors) or DDIM's networks, or of the first two's scripts (where it is a string of
 * sizes in pixels)
 * @file: (nullable): the weight file, which tells the number of classes, and everything where @flags say
 * nothing about the widths
 * @architecture: (out caller-allocates): to be cleared
 * @error: return location for %DIFFUSION_ERROR_FORMAT or %DIFFUSION_ERROR_INVALID
 */
gboolean diffusion_architecture_from_flags (const char *name,
                                            JsonObject *flags,
                                            const DiffusionTensorFile *file,
                                            DiffusionArchitecture *architecture,
                                            GError **error);

/* What the tensors of a file do not tell. */
typedef enum
{
  DIFFUSION_UNKNOWN_HEADS = 1 << 0,     /* attention heads and the order of q, k, v */
  DIFFUSION_UNKNOWN_CONSTANTS = 1 << 1, /* norm groups and ε, time embedding, padding */
} DiffusionUnknown;

/**
 * diffusion_infer_architecture:
 * @file: a weight file
 * @style: whose names it has
 * @architecture: (out caller-allocates): what its tensors tell, with the usual values of that code for the
 * rest; to be cleared
 * @unknown: (out): what the usual values may be wrong about
 * @error: return location for %DIFFUSION_ERROR_UNSUPPORTED
 */
gboolean diffusion_infer_architecture (const DiffusionTensorFile *file,
                                       DiffusionNameStyle style,
                                       DiffusionArchitecture *architecture,
                                       DiffusionUnknown *unknown,
                                       GError **error);

/** diffusion_presets_list: (transfer full): the names of all presets. */
char **diffusion_presets_list (void);

/**
 * diffusion_preset_load:
 * @name: name of a preset, or of a published file
 * @architecture: (out caller-allocates): to be cleared
 *
 * Returns: %FALSE if there is no such preset
 */
gboolean diffusion_preset_load (const char *name, DiffusionArchitecture *architecture);

/**
 * diffusion_preset_match:
 * @file: a weight file
 * @style: whose names it has
 * @architecture: (out caller-allocates): to be cleared
 *
 * Looks for a published network with exactly these tensors.
 *
 * Returns: (nullable): the name of the preset
 */
const char *diffusion_preset_match (const DiffusionTensorFile *file,
                                    DiffusionNameStyle style,
                                    DiffusionArchitecture *architecture);

/**
 * diffusion_architecture_find:
 * @file: a weight file without configuration
 * @preset: (nullable): a preset's name
 * @flags_path: (nullable): a file of flags, see diffusion_flags_load()
 * @style: (out): whose names the file has
 * @architecture: (out caller-allocates): to be cleared
 * @error: return location for %DIFFUSION_ERROR_UNSUPPORTED, saying what has to be given,
 * %DIFFUSION_ERROR_NOT_FOUND for an unknown preset, or what the file of flags is refused for, naming it
 *
 * Asks, in this order: @flags_path, @preset, the published file of this name, the published network of these
 * shapes, the shapes alone.
 */
gboolean diffusion_architecture_find (const DiffusionTensorFile *file,
                                      const char *preset,
                                      const char *flags_path,
                                      DiffusionNameStyle *style,
                                      DiffusionArchitecture *architecture,
                                      GError **error);

G_END_DECLS
