/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoising of whole pictures in memory, for measurements. */
#pragma once

#include <gio/gio.h>

#include "cli/pixels.h"
#include "core/base/progress.h"
#include "core/kernels/gemm.h"

G_BEGIN_DECLS

/* The noise level is estimated from the picture. */
#define CLI_SIGMA_AUTO (-1.0)

typedef struct _CliDenoiser CliDenoiser;

/** cli_denoiser_open: (transfer full) (nullable): a model that denoises, with products of that precision. */
CliDenoiser *cli_denoiser_open (const char *model, DiffusionPrecision precision, GError **error);
void cli_denoiser_free (CliDenoiser *denoiser);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliDenoiser, cli_denoiser_free)

/**
 * cli_denoiser_run:
 * @noisy: the picture
 * @sigma: deviation of its noise, 0..255 units, or %CLI_SIGMA_AUTO
 * @used: (out) (optional): the deviation that was used
 *
 * Returns: (transfer full) (nullable): the denoised picture, not clipped
 */
CliPixels *cli_denoiser_run (CliDenoiser *denoiser, CliPixels *noisy, double sigma, double *used,
                             DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable,
                             GError **error);

G_END_DECLS
