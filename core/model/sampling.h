/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a user wants a model to be sampled: the options that generate, regenerate, interpolate and upscale share. */
#pragma once

#include "core/model/network.h"

G_BEGIN_DECLS

/**
 * DiffusionSamplingOptions:
 * @model: name, folder or file
 * @preset: (nullable): which published network a file is
 * @flags: (nullable): file of the flags it was trained with
 * @sampler: (nullable): "ancestral", "ddim" or "dpm++"; %NULL for ddim
 * @steps: how many; 0 for 250, 50 or 25 of these samplers. Never more than there are
 * @respacing: (nullable): which steps instead
 * @eta: η of ddim, 0 to 1
 * @class_name: (nullable): name or number of a class
 * @classifier: (nullable): noisy classifier that guides to it
 * @classifier_preset: (nullable)
 * @classifier_flags: (nullable)
 * @guidance_scale: how strongly
 * @seed: of the noise, 0 or more
 * @precision: (nullable): of products, "f32" or "bf16"; %NULL for f32
 * @prefix: (nullable): what the names of options begin with in errors ("--")
 *
 * Empty strings mean the same as %NULL. Names and defaults are those of the command and of the procedures.
 */
typedef struct
{
  const char *model, *preset, *flags;
  const char *sampler;
  gint64 steps;
  const char *respacing;
  double eta;
  const char *class_name;
  const char *classifier, *classifier_preset, *classifier_flags;
  double guidance_scale;
  gint64 seed;
  const char *precision;
  const char *prefix;
} DiffusionSamplingOptions;

/** diffusion_samplers: (array zero-terminated=1): the names of samplers; the second is the default. */
extern const char *const diffusion_samplers[];

/** diffusion_sampler_get_usual_steps: how many steps a sampler takes where nothing is said. */
gint diffusion_sampler_get_usual_steps (const char *sampler);

/** diffusion_sampling_check: refuses with %DIFFUSION_ERROR_INVALID what is wrong whatever the model is. */
gboolean diffusion_sampling_check (const DiffusionSamplingOptions *options, GError **error);

/** DiffusionSampling: the models that options name, kept in memory while they are named, and an editor. */
typedef struct _DiffusionSampling DiffusionSampling;

DiffusionSampling *diffusion_sampling_new (void);
void diffusion_sampling_free (DiffusionSampling *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionSampling, diffusion_sampling_free)

/**
 * diffusion_sampling_prepare:
 * @options: what is asked for; not kept
 * @n: pictures that will be made at once, all of the class asked for
 * @error: return location for %DIFFUSION_ERROR_INVALID naming the option, what was found and what is expected, or what
 *   opening the models reports
 *
 * Opens the models that are not open yet, checks everything, and makes the editor ready.
 */
gboolean diffusion_sampling_prepare (DiffusionSampling *self, const DiffusionSamplingOptions *options, gsize n,
                                     GError **error);

/** diffusion_sampling_get_editor: (transfer none): batches of one, nobody told of anything; valid until the next
 * preparation. */
const DiffusionEditor *diffusion_sampling_get_editor (const DiffusionSampling *self);

/** diffusion_sampling_get_model: (transfer none): the model. */
DiffusionModel *diffusion_sampling_get_model (const DiffusionSampling *self);

/** diffusion_sampling_get_memory: bytes that a chain on such pictures takes, about. */
gsize diffusion_sampling_get_memory (const DiffusionSampling *self, gsize n, gsize height, gsize width);

/** diffusion_sampling_get_sampler: the sampler's name. */
const char *diffusion_sampling_get_sampler (const DiffusionSampling *self);

/**
 * diffusion_sampling_check_t:
 * @t: the paper's t, 1 to T, may be fractional; 0 for none given
 * @strength: the same as a share of T, above 0 to 1; 0 for none given
 * @prefix: (nullable): as in #DiffusionSamplingOptions
 * @out: (out): the 0-based t of the code
 */
gboolean diffusion_sampling_check_t (const DiffusionSampling *self, double t, double strength, const char *prefix,
                                     double *out, GError **error);

/**
 * diffusion_model_get_class_names:
 *
 * Returns: (transfer full) (nullable): the names of its classes in their order from its card, "" for one without; %NULL
 *   where it names none
 */
char **diffusion_model_get_class_names (DiffusionModel *model);

G_END_DECLS
