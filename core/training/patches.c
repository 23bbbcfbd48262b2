/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Augmented patches of a dataset: crop, reduce, turn, mirror, soften. */
#include <math.h>
#include <string.h>

#include "core/base/random.h"
#include "core/base/threads.h"
#include "core/training/dataset.h"

/* Room around a patch that is to be softened. */
#define SOFT_MARGIN 5

typedef struct
{
  const DiffusionDataset *dataset;
  const DiffusionAugmentation *augmentation;
  DiffusionStream stream;
  gsize first;
  gint size;
  float *out;
  gint *classes;
} Batch;

DiffusionAugmentation
diffusion_augmentation_photos (void)
{
  return (DiffusionAugmentation) {
    .n_scales = 4, .scales = { 1, 0.7f, 0.5f, 0.35f }, .flips = TRUE, .turns = TRUE,
    .soft_probability = 0.35f, .soft_minimum = 0.4f, .soft_maximum = 1.5f
  };
}

DiffusionAugmentation
diffusion_augmentation_tiles (void)
{
  return (DiffusionAugmentation) { .n_scales = 1, .scales = { 1 }, .flips = TRUE, .shifts = TRUE };
}

void
diffusion_augmentation_turn_class (DiffusionAugmentation *augmentation, gint label)
{
  if (label >= 0 && label < DIFFUSION_MAX_TURNED_CLASSES)
    augmentation->turned_classes[label / 64] |= (guint64) 1 << (label % 64);
}

static gboolean
is_turned (const DiffusionAugmentation *augmentation, gint label)
{
  return augmentation->turns
         || (label >= 0 && label < DIFFUSION_MAX_TURNED_CLASSES
             && (augmentation->turned_classes[label / 64] >> (label % 64) & 1) != 0);
}

/* One axis of an area filter: out[i] is the mean over [i·ratio, (i+1)·ratio) of the input. lines: how many
 * rows are filtered; both strides count floats; every sample has 3 channels. */
static void
reduce_axis (const float *in, gint n_in, gint n_out, gsize lines, gsize line_stride, gsize step, float *out,
             gsize out_line_stride, gsize out_step)
{
  double ratio = (double) n_in / n_out;

  for (gint i = 0; i < n_out; i++)
    {
      double begin = i * ratio, end = MIN ((i + 1) * ratio, n_in);
      gint first = (gint) begin, last = MIN ((gint) ceil (end), n_in);

      for (gsize line = 0; line < lines; line++)
        {
          float sums[3] = { 0, 0, 0 };

          for (gint k = first; k < last; k++)
            {
              float weight = (float) (MIN (end, k + 1) - MAX (begin, k));
              const float *pixel = in + line * line_stride + (gsize) k * step;

              for (int c = 0; c < 3; c++)
                sums[c] += weight * pixel[c];
            }
          for (int c = 0; c < 3; c++)
            out[line * out_line_stride + (gsize) i * out_step + (gsize) c] = sums[c] / (float) (end - begin);
        }
    }
}

/* Gaussian blur of the middle of [side, side, 3] into [side − 2·SOFT_MARGIN, …, 3]. */
static void
soften (const float *in, gint side, float sigma, float *scratch, float *out)
{
  float weights[2 * SOFT_MARGIN + 1], sum = 0;
  gint inner = side - 2 * SOFT_MARGIN;
  gsize row = (gsize) inner * 3;

  for (gint k = -SOFT_MARGIN; k <= SOFT_MARGIN; k++)
    sum += weights[k + SOFT_MARGIN] = expf (-0.5f * (float) (k * k) / (sigma * sigma));
  for (gint y = 0; y < side; y++)
    for (gsize i = 0; i < row; i++)
      {
        float value = 0;

        for (gsize k = 0; k < G_N_ELEMENTS (weights); k++)
          value += weights[k] * in[(gsize) y * (gsize) side * 3 + i + 3 * k];
        scratch[(gsize) y * row + i] = value / sum;
      }
  for (gint y = 0; y < inner; y++)
    for (gsize i = 0; i < row; i++)
      {
        float value = 0;

        for (gsize k = 0; k < G_N_ELEMENTS (weights); k++)
          value += weights[k] * scratch[((gsize) y + k) * row + i];
        out[(gsize) y * row + i] = value / sum;
      }
}

static double
draw (const Batch *batch, gsize index, gint what)
{
  return diffusion_random_uniform (&batch->stream, (gint32) (batch->first + index), what, 0);
}

static void
fill_patch (gsize index, guint worker, gpointer data)
{
  const Batch *batch = data;
  const DiffusionAugmentation *augmentation = batch->augmentation;
  gsize picture = (gsize) (draw (batch, index, 0) * (double) diffusion_dataset_get_size (batch->dataset));
  gint size = batch->size, side = size, span, width, height, label, x, y;
  gboolean soft = draw (batch, index, 1) < augmentation->soft_probability;
  float scale = 1, *out = batch->out + index * (gsize) size * (gsize) size * 3;
  guint fitting = 0;
  gsize pixels;
  g_autofree float *block = NULL;
  float *patch, *scratch, *source;

  diffusion_dataset_get_picture (batch->dataset, picture, &width, &height, &label);
  if (batch->classes != NULL)
    batch->classes[index] = label;
  if (soft)
    side += 2 * SOFT_MARGIN;

  /* Scales at which the picture is large enough; the mildest when none is. */
  for (guint k = 0; k < augmentation->n_scales; k++)
    {
      scale = MAX (scale * (k > 0), augmentation->scales[k]);
      fitting += side <= (gint) ((float) MIN (width, height) * augmentation->scales[k]);
    }
  if (fitting > 0)
    {
      guint chosen = (guint) (draw (batch, index, 2) * fitting);

      for (guint k = 0; k < augmentation->n_scales; k++)
        if (side <= (gint) ((float) MIN (width, height) * augmentation->scales[k]) && chosen-- == 0)
          {
            scale = augmentation->scales[k];
            break;
          }
    }
  span = MAX (1, (gint) lround (side / scale));

  if (augmentation->shifts)
    {
      x = (gint) (draw (batch, index, 3) * width);
      y = (gint) (draw (batch, index, 4) * height);
    }
  else
    {
      x = width > span ? (gint) (draw (batch, index, 3) * (width - span + 1)) : (width - span) / 2;
      y = height > span ? (gint) (draw (batch, index, 4) * (height - span + 1)) : (height - span) / 2;
    }

  pixels = (gsize) span * (gsize) span * 3;
  block = g_new (float, 2 * pixels);
  source = block;
  scratch = block + pixels;
  patch = source;
  diffusion_dataset_read (batch->dataset, picture, x, y, span, span, augmentation->shifts, source);
  if (span != side)
    {
      /* Columns into the scratch block, rows back over the source, which is no longer needed. */
      reduce_axis (source, span, side, (gsize) span, (gsize) span * 3, 3, scratch, (gsize) side * 3, 3);
      reduce_axis (scratch, span, side, (gsize) side, 3, (gsize) side * 3, source, 3, (gsize) side * 3);
    }
  if (soft)
    {
      float sigma = augmentation->soft_minimum +
                    (float) draw (batch, index, 5) * (augmentation->soft_maximum - augmentation->soft_minimum);
      g_autofree float *result = g_new (float, (gsize) size * (gsize) size * 3);

      soften (patch, side, MAX (sigma, 0.1f), scratch, result);
      memcpy (source, result, (gsize) size * (gsize) size * 3 * sizeof (float));
    }

  {
    gboolean flip = augmentation->flips && draw (batch, index, 6) < 0.5;
    gint turns = is_turned (augmentation, label) ? (gint) (draw (batch, index, 7) * 4) : 0;

    for (gint row = 0; row < size; row++)
      for (gint column = 0; column < size; column++)
        {
          gint from_x = flip ? size - 1 - column : column, from_y = row;

          for (gint k = 0; k < turns; k++)
            {
              gint old = from_x;

              from_x = from_y;
              from_y = size - 1 - old;
            }
          memcpy (out + ((gsize) row * (gsize) size + (gsize) column) * 3,
                  patch + ((gsize) from_y * (gsize) size + (gsize) from_x) * 3, 3 * sizeof (float));
        }
  }
}

void
diffusion_dataset_fill_batch (const DiffusionDataset *dataset, const DiffusionAugmentation *augmentation, guint64 seed,
                              guint32 step, gsize first, gsize n, gint size, float *out, gint *classes)
{
  Batch batch = { .dataset = dataset,
                  .augmentation = augmentation,
                  .stream = { seed, DIFFUSION_PURPOSE_DATA, step },
                  .first = first,
                  .size = size,
                  .out = out,
                  .classes = classes };

  diffusion_parallel_for (n, fill_patch, &batch);
}
