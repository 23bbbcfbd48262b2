/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the mathematics asks of a network, and of anything that stands for one. */
#pragma once

#include <gio/gio.h>

#include "core/base/progress.h"

G_BEGIN_DECLS

/**
 * DiffusionPrediction:
 * @n: pictures in the batch
 * @height: rows
 * @width: columns
 * @x: global column of the left edge, for predictors that depend on where they are
 * @y: global row of the top edge
 * @x_t: [n, height, width, channels]
 * @t: [n] in the network's own time scale, 0-based, may be fractional
 * @classes: (nullable): [n] class numbers
 * @condition: (nullable): [n, height, width, condition_channels] a picture to go by, at the size of @x_t (the
 *   low-resolution input of an upsampler, already resized)
 * @cancellable: (nullable): checked at least once a layer or window
 * @progress: (nullable): told how much of this one prediction is done
 * @progress_data: for @progress
 *
 * One question to a predictor. All arrays are contiguous float32, channels last.
 */
typedef struct
{
  gsize n, height, width;
  gint32 x, y;
  const float *x_t;
  const double *t;
  const gint *classes;
  const float *condition;
  GCancellable *cancellable;
  DiffusionProgressFunc progress;
  gpointer progress_data;
} DiffusionPrediction;

/**
 * DiffusionPredictFunc:
 * @prediction: the question
 * @out: (out caller-allocates): [n, height, width, out_channels]
 * @data: the predictor's data
 * @error: return location for an error
 *
 * Returns: %TRUE, or %FALSE with @error set
 */
typedef gboolean (*DiffusionPredictFunc) (const DiffusionPrediction *prediction, float *out, gpointer data,
                                          GError **error);

/**
 * DiffusionPredictor:
 * @predict: answers a question; what it writes for one picture of a batch must not depend on the others
 * @data: for @predict
 * @channels: channels of x_t
 * @out_channels: channels of the answer: as many, or twice as many with a learned variance
 * @condition_channels: channels of the condition; 0 for none
 * @classes: number of classes; 0 if it is not told a class
 * @native: width and height it was made for, 0 if it takes any size
 * @multiple: width and height have to be multiples of this; 0 and 1 mean any
 * @circular: opposite edges of a picture are neighbours for it
 *
 * A network as the samplers see it. A guidance gradient is one too: its answer is ∇ log p(y | x_t).
 */
typedef struct
{
  DiffusionPredictFunc predict;
  gpointer data;
  gsize channels, out_channels, condition_channels;
  guint classes;
  gsize native, multiple;
  gboolean circular;
} DiffusionPredictor;

/**
 * diffusion_predictor_predict:
 * @predictor: a predictor
 * @prediction: the question
 * @out: (out caller-allocates): [n, height, width, out_channels]
 * @error: return location for %DIFFUSION_ERROR_INVALID if classes or condition do not fit,
 *   %DIFFUSION_ERROR_NUMERIC if the answer has NaN or infinity, and whatever the predictor reports
 *
 * Asks the predictor, and checks question and answer.
 */
gboolean diffusion_predictor_predict (const DiffusionPredictor *predictor, const DiffusionPrediction *prediction,
                                      float *out, GError **error);

G_END_DECLS
