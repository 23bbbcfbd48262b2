/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What generate, regenerate, interpolate and upscale have in common: the model and how it is sampled. */
#pragma once

#include <gio/gio.h>

#include "cli/pixels.h"
#include "cli/progress.h"
#include "core/diffusion.h"

G_BEGIN_DECLS

/**
 * CliSampling:
 * @default_model: (nullable): what --model is where it is not given
 * @model: --model
 * @opened: by cli_sampling_open()
 * @editor: ready to use after cli_sampling_open()
 *
 * The common options as they were given, and what follows from them.
 */
typedef struct
{
  const char *default_model;
  char *model, *preset, *flags, *precision, *sampler_name, *class_name;
  char *classifier_name, *classifier_preset, *classifier_flags;
  double guidance_scale, eta;
  gint steps;
  gint64 seed;
  char *respacing;

  DiffusionSampling *opened;
  CliProgress *progress;
  DiffusionEditor editor;
} CliSampling;

void cli_sampling_clear (CliSampling *sampling);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CliSampling, cli_sampling_clear)

/** cli_sampling_init: the defaults; @model: (nullable): of --model. */
void cli_sampling_init (CliSampling *sampling, const char *model);

/**
 * cli_sampling_entries:
 * @sampling: where the options go
 * @entries: (array zero-terminated=1): options of the verb's own
 *
 * Returns: (transfer full) (element-type GOptionEntry): all options, for cli_parse()
 */
GArray *cli_sampling_entries (CliSampling *sampling, const GOptionEntry *entries);

/** cli_sampling_check: checks what can be checked without the model. */
gboolean cli_sampling_check (CliSampling *sampling, GError **error);

/**
 * cli_sampling_open:
 * @n: pictures that will be made at once, all of the class asked for
 *
 * Opens the model and the classifier, checks the options that depend on them, and prepares the editor.
 */
gboolean cli_sampling_open (CliSampling *sampling, gsize n, GCancellable *cancellable, GError **error);

/** cli_sampling_show: starts the progress line; @steps as for cli_progress_new(). */
void cli_sampling_show (CliSampling *sampling, const char *what, guint steps);

/**
 * cli_sampling_check_t:
 * @t: the paper's t, 1 to T, may be fractional; 0 for none given
 * @strength: the same as a share of T; 0 for none given
 * @out: (out): the 0-based t of the code
 */
gboolean cli_sampling_check_t (const CliSampling *sampling, double t, double strength, double *out, GError **error);

/**
 * cli_sampling_load:
 * @path: an image file
 *
 * Returns: (transfer full) (nullable): the picture with the model's channels
 */
CliPixels *cli_sampling_load (const CliSampling *sampling, const char *path, GError **error);

/** cli_sampling_from_pixels: 0..1 to the model's [−1, 1], in place or to @out. */
void cli_sampling_from_pixels (const CliPixels *pixels, float *out);

/**
 * cli_sampling_save:
 * @values: [height, width, channels] in [−1, 1]
 * @bits: precision of the file, as far as its format has it: 8, 16 or 32
 * @path: file to write
 */
gboolean cli_sampling_save (const CliSampling *sampling, const float *values, gint width, gint height, gint bits,
                            const char *path, GError **error);

/** cli_numbered_path: (transfer full): "dir/name-007.png" for "dir/name.png"; @path itself where @count is 1. */
char *cli_numbered_path (const char *path, guint index, guint count);

G_END_DECLS
