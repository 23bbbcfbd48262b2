/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A predictor of one size as a predictor of any size. */
#include "core/diffusion/windows.h"

#include <math.h>
#include <string.h>

#include "core/base/i18n.h"
#include "core/base/memory.h"
#include "core/diffusion/canvas.h"

/* The windows along one axis. */
typedef struct
{
  gsize length;   /* of the picture */
  gsize size;     /* of a window */
  gsize count;    /* of windows */
  gssize *source; /* [count, size]: which pixel of the picture stands there */
  float *weight;  /* [count, size]: its share in that pixel's average; 0 in the padding */
} Axis;

static gsize
round_up (gsize value, gsize multiple)
{
  return multiple > 1 ? (value + multiple - 1) / multiple * multiple : value;
}

static gsize
window_size (const DiffusionWindows *windows, gsize length)
{
  gsize size = windows->size > 0 ? windows->size : windows->inner->native > 0 ? windows->inner->native : length;

  return round_up (size, windows->inner->multiple);
}

static gsize
window_count (const DiffusionWindows *windows, gsize length)
{
  gsize size = window_size (windows, length);
  gsize overlap = MIN (windows->overlap > 0 ? windows->overlap : size / 4, size - 1), stride = size - overlap;

  if (windows->circular && windows->inner->circular && length == size)
    return 1;
  if (windows->circular)
    /* Never one: its own edge would be left where the picture's was. */
    return MAX (2, (length + stride - 1) / stride);
  return length <= size ? 1 : (length - overlap + stride - 1) / stride;
}

/* One window that is the picture: nothing to gather or blend. */
static gboolean
is_whole (const DiffusionWindows *windows, gsize height, gsize width)
{
  return window_size (windows, height) == height && window_size (windows, width) == width
         && window_count (windows, height) == 1 && window_count (windows, width) == 1;
}

static void
axis_place (Axis *axis, gsize window, gssize start, gboolean circular, double *sums)
{
  for (gsize i = 0; i < axis->size; i++)
    {
      gssize at = start + (gssize) i, length = (gssize) axis->length;
      gboolean inside = circular || (at >= 0 && at < length);
      double s = sin (G_PI * ((double) i + 0.5) / (double) axis->size), weight = inside ? s * s : 0.0;
      gsize source = circular ? (gsize) (((at % length) + length) % length) : diffusion_reflect_index (at, axis->length);

      axis->source[window * axis->size + i] = (gssize) source;
      axis->weight[window * axis->size + i] = (float) weight;
      sums[source] += (double) (float) weight;
    }
}

static void
axis_init (Axis *axis, const DiffusionWindows *windows, gsize length)
{
  g_autofree double *sums = g_new0 (double, length);

  axis->length = length;
  axis->size = window_size (windows, length);
  axis->count = window_count (windows, length);
  axis->source = g_new (gssize, axis->count * axis->size);
  axis->weight = g_new (float, axis->count * axis->size);
  for (gsize k = 0; k < axis->count; k++)
    {
      gssize start;

      if (windows->circular)
        start = (gssize) (k * length / axis->count);
      else if (axis->count == 1)
        start = -(gssize) ((axis->size - length) / 2);
      else
        start = (gssize) ((k * (length - axis->size) + (axis->count - 1) / 2) / (axis->count - 1));
      axis_place (axis, k, start, windows->circular, sums);
    }
  /* Along each axis the shares in a pixel add up to one, hence their products do. */
  for (gsize i = 0; i < axis->count * axis->size; i++)
    axis->weight[i] = (float) (axis->weight[i] / sums[axis->source[i]]);
}

static void
axis_clear (Axis *axis)
{
  g_free (axis->source);
  g_free (axis->weight);
}

typedef struct
{
  const DiffusionWindows *windows;
  const DiffusionPrediction *whole;
  Axis rows, columns;
  gsize total, done; /* windows of all pictures */
  gsize batch;
  float *x_t, *condition, *answer; /* [batch, size, size, …] */
  double *t;
  gint *classes;
  float *out;
} Work;

static void
gather (const Work *work, const float *from, gsize channels, gsize picture, gsize window, float *to)
{
  const gssize *rows = work->rows.source + window / work->columns.count * work->rows.size;
  const gssize *columns = work->columns.source + window % work->columns.count * work->columns.size;

  for (gsize i = 0; i < work->rows.size; i++)
    {
      const float *line =
          from + (picture * work->rows.length + (gsize) rows[i]) * work->columns.length * channels;

      for (gsize k = 0; k < work->columns.size; k++, to += channels)
        memcpy (to, line + (gsize) columns[k] * channels, channels * sizeof (float));
    }
}

static void
scatter (const Work *work, const float *answer, gsize picture, gsize window)
{
  gsize channels = work->windows->inner->out_channels;
  gsize row = window / work->columns.count * work->rows.size;
  gsize column = window % work->columns.count * work->columns.size;

  for (gsize i = 0; i < work->rows.size; i++)
    {
      float *line = work->out + (picture * work->rows.length + (gsize) work->rows.source[row + i]) *
                                    work->columns.length * channels;
      float row_weight = work->rows.weight[row + i];

      for (gsize k = 0; k < work->columns.size; k++, answer += channels)
        {
          float weight = row_weight * work->columns.weight[column + k];
          float *pixel = line + (gsize) work->columns.source[column + k] * channels;

          for (gsize c = 0; c < channels && weight > 0.0f; c++)
            pixel[c] += weight * answer[c];
        }
    }
}

static void
report_inner (double fraction, gpointer data)
{
  const Work *work = data;
  gsize batch = MIN (work->batch, work->total - work->done);

  work->whole->progress (((double) work->done + fraction * (double) batch) / (double) work->total,
                         work->whole->progress_data);
}

static gboolean
predict_batch (Work *work, GError **error)
{
  const DiffusionPredictor *inner = work->windows->inner;
  const DiffusionPrediction *whole = work->whole;
  gsize per_picture = work->rows.count * work->columns.count, area = work->rows.size * work->columns.size;
  gsize batch = MIN (work->batch, work->total - work->done);
  gsize first = work->done % per_picture;
  DiffusionPrediction prediction = {
    .n = batch,
    .height = work->rows.size,
    .width = work->columns.size,
    .x = whole->x + (gint32) work->columns.source[first % work->columns.count * work->columns.size],
    .y = whole->y + (gint32) work->rows.source[first / work->columns.count * work->rows.size],
    .x_t = work->x_t,
    .t = work->t,
    .classes = whole->classes != NULL ? work->classes : NULL,
    .condition = whole->condition != NULL ? work->condition : NULL,
    .cancellable = whole->cancellable,
    .progress = whole->progress != NULL ? report_inner : NULL,
    .progress_data = work,
  };

  for (gsize i = 0; i < batch; i++)
    {
      gsize picture = (work->done + i) / per_picture, window = (work->done + i) % per_picture;

      gather (work, whole->x_t, inner->channels, picture, window, work->x_t + i * area * inner->channels);
      if (whole->condition != NULL && inner->condition_channels > 0)
        gather (work, whole->condition, inner->condition_channels, picture, window,
                work->condition + i * area * inner->condition_channels);
      work->t[i] = whole->t[picture];
      if (whole->classes != NULL)
        work->classes[i] = whole->classes[picture];
    }
  if (!diffusion_predictor_predict (inner, &prediction, work->answer, error))
    return FALSE;
  for (gsize i = 0; i < batch; i++)
    scatter (work, work->answer + i * area * inner->out_channels, (work->done + i) / per_picture,
             (work->done + i) % per_picture);
  work->done += batch;
  if (whole->progress != NULL)
    whole->progress ((double) work->done / (double) work->total, whole->progress_data);
  return TRUE;
}

static gsize
values_per_window_pixel (const DiffusionPredictor *inner)
{
  return inner->channels + inner->condition_channels + inner->out_channels;
}

static gboolean
predict_windows (Work *work, GError **error)
{
  const DiffusionPredictor *inner = work->windows->inner;
  const DiffusionPrediction *whole = work->whole;
  gsize area = work->rows.size * work->columns.size, batch = MAX (1, work->windows->batch);
  gboolean done = TRUE;

  work->total = whole->n * work->rows.count * work->columns.count;
  work->batch = MIN (batch, work->total);
  work->x_t = diffusion_try_alloc (work->batch * area * values_per_window_pixel (inner) * sizeof (float),
                                   _("a window"), error);
  if (work->x_t == NULL)
    return FALSE;
  work->condition = work->x_t + work->batch * area * inner->channels;
  work->answer = work->condition + work->batch * area * inner->condition_channels;
  work->t = g_new (double, work->batch);
  work->classes = g_new (gint, work->batch);
  memset (work->out, 0, whole->n * whole->height * whole->width * inner->out_channels * sizeof (float));
  while (done && work->done < work->total)
    done = predict_batch (work, error);
  diffusion_free (work->x_t);
  g_free (work->t);
  g_free (work->classes);
  return done;
}

static gboolean
windows_predict (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  const DiffusionWindows *windows = data;
  Work work = { .windows = windows, .whole = prediction, .out = out };
  gboolean done;

  if (is_whole (windows, prediction->height, prediction->width))
    return diffusion_predictor_predict (windows->inner, prediction, out, error);

  axis_init (&work.rows, windows, prediction->height);
  axis_init (&work.columns, windows, prediction->width);
  done = predict_windows (&work, error);
  axis_clear (&work.rows);
  axis_clear (&work.columns);
  return done;
}

DiffusionPredictor
diffusion_windows_predictor (const DiffusionWindows *windows)
{
  DiffusionPredictor predictor = *windows->inner;

  predictor.predict = windows_predict;
  predictor.data = (gpointer) windows;
  predictor.native = 0;
  predictor.multiple = 1;
  return predictor;
}

gsize
diffusion_windows_count (const DiffusionWindows *windows, gsize height, gsize width)
{
  return window_count (windows, height) * window_count (windows, width);
}

gsize
diffusion_windows_memory (const DiffusionWindows *windows, gsize height, gsize width)
{
  if (is_whole (windows, height, width))
    return 0;
  return MAX (1, windows->batch) * window_size (windows, height) * window_size (windows, width)
         * values_per_window_pixel (windows->inner) * sizeof (float);
}
