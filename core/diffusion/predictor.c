/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks around a predictor. */
#include "core/diffusion/predictor.h"

#include <math.h>
#include <stdatomic.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/threads.h"

#define CHUNK 65536

typedef struct
{
  const float *values;
  gsize count;
  atomic_int found;
} FiniteJob;

static void
finite_part (gsize index, guint worker, gpointer data)
{
  FiniteJob *job = data;
  gsize end = MIN (job->count, (index + 1) * CHUNK);
  float sum = 0.0f;

  /* x − x is zero for finite x and NaN for the others, and NaN stays in the sum. */
  for (gsize i = index * CHUNK; i < end; i++)
    sum += job->values[i] - job->values[i];
  if (sum != 0.0f)
    atomic_store_explicit (&job->found, 1, memory_order_relaxed);
}

static gboolean
all_finite (const float *values, gsize count)
{
  FiniteJob job = { .values = values, .count = count };

  atomic_init (&job.found, 0);
  diffusion_parallel_for ((count + CHUNK - 1) / CHUNK, finite_part, &job);
  return atomic_load (&job.found) == 0;
}

gboolean
diffusion_predictor_predict (const DiffusionPredictor *predictor, const DiffusionPrediction *prediction, float *out,
                             GError **error)
{
  if (g_cancellable_set_error_if_cancelled (prediction->cancellable, error))
    return FALSE;
  if (predictor->classes > 0 && prediction->classes == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("This model needs a class, from 0 to %u; none was given"), predictor->classes - 1);
      return FALSE;
    }
  for (gsize i = 0; predictor->classes > 0 && i < prediction->n; i++)
    if (prediction->classes[i] < 0 || (guint) prediction->classes[i] >= predictor->classes)
      {
        g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _("class: found %d, expected 0 to %u"),
                     prediction->classes[i], predictor->classes - 1);
        return FALSE;
      }
  if (predictor->condition_channels > 0 && prediction->condition == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _("This model needs a picture to start from (it is an upsampler); none was given"));
      return FALSE;
    }
  if (!predictor->predict (prediction, out, predictor->data, error))
    return FALSE;
  if (!all_finite (out, prediction->n * prediction->height * prediction->width * predictor->out_channels))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NUMERIC,
                   _("The network's output at t = %g is not finite"), prediction->t[0]);
      return FALSE;
    }
  return TRUE;
}
