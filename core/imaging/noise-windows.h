/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of a picture, and what denoising at some level takes off them. */
#pragma once

#include <gio/gio.h>

#include "core/imaging/picture.h"
#include "core/model/photo-folder.h"

G_BEGIN_DECLS

/* Side of a window and of the blocks in it, pixels; blocks beside each other; blocks of a window. */
#define DIFFUSION_NOISE_WINDOW 128
#define DIFFUSION_NOISE_BLOCK 16
#define DIFFUSION_NOISE_SIDE (DIFFUSION_NOISE_WINDOW / DIFFUSION_NOISE_BLOCK)
#define DIFFUSION_NOISE_BLOCKS (DIFFUSION_NOISE_SIDE * DIFFUSION_NOISE_SIDE)

/**
 * DiffusionNoiseBlock:
 * @energy: mean square of what came off red, green and blue, 0..255 units
 * @total: its mean over the channels
 * @lagged: mean product with that of the next pixel, over the channels
 * @repeats: the highest correlation with what came off some pixels away: near 1 is a pattern, as of cloth, noise is below 0.5
 * @brightness: of the block, 0 to 1
 * @tells: it is neither clipped nor drawn, and can be seen
 */
typedef struct
{
  double energy[3];
  double total;
  double lagged;
  double repeats;
  double brightness;
  gboolean tells;
} DiffusionNoiseBlock;

/** DiffusionNoiseWindows: windows of a picture with what surrounds them, and the networks of all threads. */
typedef struct _DiffusionNoiseWindows DiffusionNoiseWindows;

/**
 * diffusion_noise_windows_new:
 * @model: must outlive the windows
 * @most: how many there can be
 *
 * Returns: (transfer full) (nullable): no windows yet, or %NULL with %DIFFUSION_ERROR_MEMORY
 */
DiffusionNoiseWindows *diffusion_noise_windows_new (DiffusionPhotoModel *model, gsize most, GError **error);
void diffusion_noise_windows_free (DiffusionNoiseWindows *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionNoiseWindows, diffusion_noise_windows_free)

/**
 * diffusion_noise_windows_add:
 * @x: left edge in the picture, which is continued by reflection
 * @y: top edge
 *
 * Returns: %FALSE with an error of the picture
 */
gboolean diffusion_noise_windows_add (DiffusionNoiseWindows *self, DiffusionPicture *picture, gint x, gint y,
                                      GError **error);

/** diffusion_noise_windows_clear: no windows again. */
void diffusion_noise_windows_clear (DiffusionNoiseWindows *self);

/**
 * diffusion_noise_windows_measure:
 * @which: (array length=n): windows, by the order in which they were added
 * @sigma: the level to denoise them at, 0..255 units
 * @blocks: (out caller-allocates): [n, %DIFFUSION_NOISE_BLOCKS] what came off
 *
 * Returns: %FALSE with %G_IO_ERROR_CANCELLED
 */
gboolean diffusion_noise_windows_measure (DiffusionNoiseWindows *self, const gsize *which, gsize n, double sigma,
                                          DiffusionNoiseBlock *blocks, GCancellable *cancellable, GError **error);

G_END_DECLS
