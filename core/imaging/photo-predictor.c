/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The photo model as samplers see it. */
#include "core/imaging/photo-predictor.h"

#include <math.h>
#include <string.h>

#include "core/base/threads.h"
#include "core/imaging/photo-worker.h"

struct _DiffusionPhotoPredictor
{
  DiffusionPhotoModel *model;
  const DiffusionSchedule *schedule;
  DiffusionPrecision precision;
  DiffusionTileWork work;
  DiffusionPhotoWorker *workers; /* kept between questions, which mostly are of one size */
  guint n_workers;
  double ratio; /* of the running question */
};

static gboolean
predict_tile (const float *in, gint x, gint y, gint width, gint height, float *out, guint worker_index,
              GCancellable *cancellable, gpointer data, GError **error)
{
  DiffusionPhotoPredictor *self = data;
  DiffusionPhotoWorker *worker = &self->workers[worker_index];
  gsize bytes = (gsize) width * (gsize) height * 3 * sizeof (float);

  if (!diffusion_photo_worker_prepare (worker, self->model, self->precision, width, height, error))
    return FALSE;
  memcpy (diffusion_exec_value (worker->exec, worker->values.x), in, bytes);
  diffusion_photo_model_set_level (worker->exec, &worker->values, 0, self->ratio);
  if (!diffusion_exec_forward (worker->exec, cancellable, error))
    return FALSE;
  memcpy (out, diffusion_exec_value (worker->exec, worker->values.epsilon), bytes);
  return TRUE;
}

static void
need_workers (DiffusionPhotoPredictor *self, guint n)
{
  if (n <= self->n_workers)
    return;
  self->workers = g_renew (DiffusionPhotoWorker, self->workers, n);
  memset (self->workers + self->n_workers, 0, (n - self->n_workers) * sizeof (DiffusionPhotoWorker));
  self->n_workers = n;
}

typedef struct
{
  const DiffusionPrediction *prediction;
  gsize index;
} Part;

static void
report (double fraction, gpointer data)
{
  const Part *part = data;

  part->prediction->progress (((double) part->index + fraction) / (double) part->prediction->n,
                              part->prediction->progress_data);
}

static gboolean
predict (const DiffusionPrediction *prediction, float *out, gpointer data, GError **error)
{
  DiffusionPhotoPredictor *self = data;
  gsize size = prediction->height * prediction->width * 3;

  for (gsize i = 0; i < prediction->n; i++)
    {
      g_autoptr (DiffusionPicture) picture
        = diffusion_picture_new_memory ((gint) prediction->width, (gint) prediction->height, 3,
                                        prediction->x_t + i * size, out + i * size);
      DiffusionTilePlan plan;
      Part part = { prediction, i };

      self->ratio
        = exp (diffusion_schedule_log_sigma (self->schedule, prediction->t[i] / self->schedule->time_scale));
      if (!diffusion_tiles_plan (picture, NULL, &self->work, 0, 0, &plan, error))
        return FALSE;
      need_workers (self, plan.workers);
      if (!diffusion_tiles_run (picture, &self->work, &plan, prediction->progress != NULL ? report : NULL, &part,
                                prediction->cancellable, error))
        return FALSE;
    }
  return TRUE;
}

DiffusionPhotoPredictor *
diffusion_photo_predictor_new (DiffusionPhotoModel *model, const DiffusionSchedule *schedule,
                               DiffusionPrecision precision)
{
  DiffusionPhotoPredictor *self = g_new0 (DiffusionPhotoPredictor, 1);

  self->model = model;
  self->schedule = schedule;
  self->precision = precision;
  self->work.func = predict_tile;
  self->work.data = self;
  diffusion_photo_worker_measure (model, &self->work);
  return self;
}

void
diffusion_photo_predictor_free (DiffusionPhotoPredictor *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_workers; i++)
    diffusion_photo_worker_clear (&self->workers[i]);
  g_free (self->workers);
  diffusion_photo_model_free (self->model);
  g_free (self);
}

DiffusionPredictor
diffusion_photo_predictor_get (DiffusionPhotoPredictor *self)
{
  return (DiffusionPredictor) { .predict = predict, .data = self, .channels = 3, .out_channels = 3 };
}

gsize
diffusion_photo_predictor_get_memory (const DiffusionPhotoPredictor *self, gint height, gint width)
{
  const DiffusionPicture picture = { .width = width, .height = height, .channels = 3, .bits = 32 };
  DiffusionTilePlan plan;

  return diffusion_tiles_plan (&picture, NULL, &self->work, 0, 0, &plan, NULL) ? plan.peak_bytes : 0;
}

gsize
diffusion_photo_predictor_get_weight_bytes (const DiffusionPhotoPredictor *self)
{
  return diffusion_params_get_bytes (diffusion_photo_model_get_params (self->model));
}

double
diffusion_photo_predictor_get_last_t (const DiffusionSchedule *schedule)
{
  return diffusion_schedule_t_for_sigma (schedule, DIFFUSION_PHOTO_SIGMA_MOST);
}
