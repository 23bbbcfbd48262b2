/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folders of pictures as training data: decoded once, cut into augmented patches. */
#pragma once

#include <gio/gio.h>

#include "core/base/progress.h"
#include "core/imaging/picture.h"

G_BEGIN_DECLS

#define DIFFUSION_MAX_SCALES 8
#define DIFFUSION_MAX_TURNED_CLASSES 1024

typedef struct _DiffusionDataset DiffusionDataset;

/**
 * DiffusionDatasetPart:
 *
 * Which pictures to use when a share of them is held out for validation. The choice hangs on each file's name
 * (below its folder), class by class, so adding pictures moves no other picture from one part to the other.
 */
typedef enum
{
  DIFFUSION_DATASET_ALL,
  DIFFUSION_DATASET_TRAIN,
  DIFFUSION_DATASET_HELD_OUT
} DiffusionDatasetPart;

/**
 * DiffusionAugmentation:
 * @n_scales: number of @scales, 0 for the full size only
 * @scales: factors of reduction (area filter), one drawn for each patch among those at which the patch fits;
 *   0 < factor <= 1
 * @flips: mirror left to right at random
 * @turns: quarter turns at random
 * @turned_classes: classes that are turned although @turns is %FALSE, see diffusion_augmentation_turn_class()
 * @shifts: pictures are tiles that wrap around: patches start anywhere on the torus
 * @soft_probability: share of the patches that are blurred a little, since a camera's pixels at 1:1 are softer
 *   than pictures that were scaled down
 * @soft_minimum: least Gaussian deviation of that blur, pixels
 * @soft_maximum: greatest
 */
typedef struct
{
  guint n_scales;
  float scales[DIFFUSION_MAX_SCALES];
  gboolean flips;
  gboolean turns;
  guint64 turned_classes[DIFFUSION_MAX_TURNED_CLASSES / 64];
  gboolean shifts;
  float soft_probability;
  float soft_minimum;
  float soft_maximum;
} DiffusionAugmentation;

/** diffusion_augmentation_photos: scales 1/0.7/0.5/0.35, flips, turns, 35 % softened by 0.4 to 1.5 pixels. */
DiffusionAugmentation diffusion_augmentation_photos (void);

/** diffusion_augmentation_tiles: flips and circular shifts, for seamless textures. */
DiffusionAugmentation diffusion_augmentation_tiles (void);

/** diffusion_augmentation_turn_class: lets pictures of class @label, below %DIFFUSION_MAX_TURNED_CLASSES, be turned. */
void diffusion_augmentation_turn_class (DiffusionAugmentation *augmentation, gint label);

/**
 * diffusion_dataset_open:
 * @folders: %NULL-terminated list of folders; they are searched with their subfolders
 * @open: decodes one file
 * @by_class: take the names of the first-level subfolders as classes (sorted); files that lie beside them are
 *   then left out with a warning
 * @part: which pictures, see %DiffusionDatasetPart
 * @held_out: share held out, 0 to 1, when @part is not %DIFFUSION_DATASET_ALL
 * @cache: (nullable): file that keeps the decoded pictures between runs and is mapped instead of read, so that
 *   data larger than the memory works; made again when a picture was added, removed or changed
 * @progress: (nullable) (scope call): told while decoding
 * @progress_data: for @progress
 * @cancellable: (nullable): stops the decoding
 * @error: return location
 *
 * Decodes all pictures (PNG, JPEG, WebP, TIFF by their extension) and keeps them as 8-bit samples, 16-bit where
 * the file has more. Gray is taken as equal red, green and blue. Files that cannot be decoded are skipped with
 * a warning and counted. No usable picture at all is an error.
 *
 * Returns: (transfer full) (nullable): the dataset, or %NULL with @error set
 */
DiffusionDataset *diffusion_dataset_open (const char *const *folders, DiffusionPictureOpenFunc open, gboolean by_class,
                                          DiffusionDatasetPart part, double held_out, const char *cache,
                                          DiffusionProgressFunc progress, gpointer progress_data,
                                          GCancellable *cancellable, GError **error);

/** diffusion_dataset_free: %NULL is allowed. */
void diffusion_dataset_free (DiffusionDataset *dataset);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiffusionDataset, diffusion_dataset_free)

/** diffusion_dataset_get_size: number of usable pictures (at least 1). */
gsize diffusion_dataset_get_size (const DiffusionDataset *dataset);

/** diffusion_dataset_get_skipped: number of files that could not be decoded. */
gsize diffusion_dataset_get_skipped (const DiffusionDataset *dataset);

/** diffusion_dataset_get_bytes: memory of the decoded pictures; 0 where a cache file is mapped. */
gsize diffusion_dataset_get_bytes (const DiffusionDataset *dataset);

/** diffusion_dataset_get_classes: (transfer none): %NULL-terminated names, empty without classes. */
const char *const *diffusion_dataset_get_classes (const DiffusionDataset *dataset);

/**
 * diffusion_dataset_get_picture:
 * @dataset: a dataset
 * @index: 0 to size − 1, in the order of the sorted names
 * @width: (out) (optional): columns
 * @height: (out) (optional): rows
 * @label: (out) (optional): class, −1 without classes
 *
 * Returns: (transfer none): the file's name
 */
const char *diffusion_dataset_get_picture (const DiffusionDataset *dataset, gsize index, gint *width, gint *height,
                                           gint *label);

/**
 * diffusion_dataset_read:
 * @dataset: a dataset
 * @index: picture
 * @x: left edge; the rectangle may reach out of the picture, which is continued by reflection, or wraps
 * @y: top edge
 * @width: columns
 * @height: rows
 * @wrap: continue the picture as a torus
 * @out: (out caller-allocates): [height, width, 3] in [-1, 1]
 *
 * Plain pixels, for validation and nearest-neighbour searches.
 */
void diffusion_dataset_read (const DiffusionDataset *dataset, gsize index, gint x, gint y, gint width, gint height,
                             gboolean wrap, float *out);

/**
 * diffusion_dataset_fill_batch:
 * @dataset: a dataset
 * @augmentation: how patches are varied
 * @seed: seed of the run
 * @step: training step
 * @first: number within the step of the first patch
 * @n: patches
 * @size: their width and height
 * @out: (out caller-allocates): [n, size, size, 3] in [-1, 1]
 * @classes: (out caller-allocates) (nullable): [n] classes, −1 without
 *
 * Every patch hangs on (seed, step, its index) alone, so a resumed run sees the same data. All pictures are
 * equally likely. Pictures smaller than the patch are continued by reflection. Parallel over patches;
 * thread-safe.
 */
void diffusion_dataset_fill_batch (const DiffusionDataset *dataset, const DiffusionAugmentation *augmentation,
                                   guint64 seed, guint32 step, gsize first, gsize n, gint size, float *out, gint *classes);

G_END_DECLS
