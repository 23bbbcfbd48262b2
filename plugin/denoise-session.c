/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denoises several drawables with one model, or shows a part of what that would give. */
#include "plugin/denoise-session.h"

#include "core/base/i18n.h"
#include "core/diffusion.h"
#include "plugin/denoise.h"
#include "plugin/drawables.h"
#include "plugin/part-picture.h"
#include "plugin/remember.h"
#include "ui/run-dialog.h"

typedef struct
{
  double sigma; /* the mean; negative before it is known */
  DiffusionNoiseMap map;
} Estimate;

struct _DiffusionDenoiseSession
{
  GimpImage *image;
  GimpDrawable **selected; /* the caller's */
  GPtrArray *drawables;    /* their copies, each one once */
  char *model_name;
  char *model_path;
  DiffusionPhotoModel *model;
  Estimate *estimates; /* by drawable; written by the computing thread */
  double seconds; /* what all will cost; negative before it is known. Written by the computing thread. */
  gsize bytes;
  GMutex lock;
};

typedef struct
{
  DiffusionDenoiseSession *session;
  const DiffusionDenoiseSettings *settings;
  DiffusionRunView *view; /* (nullable) */
} Job;

void
diffusion_denoise_settings_get (DiffusionDenoiseSettings *settings, GimpProcedureConfig *config)
{
  g_object_get (config, "model", &settings->model, "sigma", &settings->sigma, "strength", &settings->strength,
                "luma", &settings->luma, "chroma", &settings->chroma, "detail", &settings->detail, "passes",
                &settings->passes, "precision", &settings->precision, NULL);
}

void
diffusion_denoise_settings_clear (DiffusionDenoiseSettings *settings)
{
  g_clear_pointer (&settings->model, g_free);
  g_clear_pointer (&settings->precision, g_free);
}

static void
forget_estimates (DiffusionDenoiseSession *self)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->drawables->len; i++)
    self->estimates[i].sigma = -1.0;
  g_mutex_unlock (&self->lock);
}

gboolean
diffusion_denoise_session_refresh (DiffusionDenoiseSession *self, GError **error)
{
  GPtrArray *drawables = diffusion_drawables_copy (self->image, self->selected, error);

  if (!drawables)
    return FALSE;
  g_clear_pointer (&self->drawables, g_ptr_array_unref);
  self->drawables = drawables;
  forget_estimates (self);
  return TRUE;
}

DiffusionDenoiseSession *
diffusion_denoise_session_new (GimpImage *image, GimpDrawable **drawables, GError **error)
{
  g_autoptr (DiffusionDenoiseSession) self = g_new0 (DiffusionDenoiseSession, 1);

  g_mutex_init (&self->lock);
  self->image = image;
  self->selected = drawables;
  self->seconds = -1;
  self->estimates = g_new (Estimate, gimp_core_object_array_get_length ((GObject **) drawables));
  return diffusion_denoise_session_refresh (self, error) ? g_steal_pointer (&self) : NULL;
}

static gboolean
find_precision (const char *name, DiffusionDenoisePrecision *precision)
{
  *precision = DIFFUSION_DENOISE_PRECISION_AUTO;
  if (name == NULL || *name == '\0')
    return TRUE;
  for (guint i = 0; diffusion_denoise_precisions[i] != NULL; i++)
    if (strcmp (name, diffusion_denoise_precisions[i]) == 0)
      {
        *precision = (DiffusionDenoisePrecision) i;
        return TRUE;
      }
  return FALSE;
}

gboolean
diffusion_denoise_session_check (DiffusionDenoiseSession *self, GimpProcedureConfig *config, GError **error)
{
  g_auto (DiffusionDenoiseSettings) settings = { 0 };
  DiffusionSamplingOptions sampling = { .guidance_scale = 1.0 };
  DiffusionDenoisePrecision precision;
  gboolean new_layer;

  diffusion_denoise_settings_get (&settings, config);
  sampling.model = settings.model;
  if (!diffusion_sampling_check (&sampling, error))
    return FALSE;
  if (!find_precision (settings.precision, &precision))
    {
      g_autofree char *names = g_strjoinv (", ", (char **) diffusion_denoise_precisions);

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("precision: found “%s”, expected one of %s"),
                   settings.precision, names);
      return FALSE;
    }
  g_object_get (config, "new-layer", &new_layer, NULL);
  return !new_layer || diffusion_drawables_check_layers (self->drawables, error);
}

void
diffusion_denoise_session_free (DiffusionDenoiseSession *self)
{
  if (!self)
    return;
  g_clear_pointer (&self->drawables, g_ptr_array_unref);
  g_clear_pointer (&self->model, diffusion_photo_model_free);
  g_free (self->model_name);
  g_free (self->model_path);
  g_free (self->estimates);
  g_mutex_clear (&self->lock);
  g_free (self);
}

GPtrArray *
diffusion_denoise_session_get_drawables (DiffusionDenoiseSession *self)
{
  return self->drawables;
}

double
diffusion_denoise_session_get_estimate (DiffusionDenoiseSession *self, guint index, double *least, double *most)
{
  const Estimate *estimate = &self->estimates[index];
  double sigma;

  g_mutex_lock (&self->lock);
  sigma = estimate->sigma;
  if (sigma >= 0 && least)
    diffusion_noise_map_range (&estimate->map, least, most);
  g_mutex_unlock (&self->lock);
  return sigma;
}

gboolean
diffusion_denoise_session_get_cost (DiffusionDenoiseSession *self, double *seconds, gsize *bytes)
{
  g_mutex_lock (&self->lock);
  *seconds = self->seconds;
  *bytes = self->bytes;
  g_mutex_unlock (&self->lock);
  return *seconds >= 0;
}

static gboolean
open_model (DiffusionDenoiseSession *self, const char *name, GError **error)
{
  g_autofree char *path = NULL;

  if (self->model && g_strcmp0 (self->model_name, name) == 0)
    return TRUE;
  g_clear_pointer (&self->model, diffusion_photo_model_free);
  path = diffusion_library_find (name, error);
  if (!path)
    return FALSE;
  self->model = diffusion_photo_model_open (path, error);
  if (!self->model)
    return FALSE;
  g_free (self->model_path);
  self->model_path = g_steal_pointer (&path);
  g_free (self->model_name);
  self->model_name = g_strdup (name);
  /* What one network finds is not what another one would. */
  forget_estimates (self);
  return TRUE;
}

/* The whole drawable is looked at, once, so that a part comes out as it does in the whole. */
static gboolean
set_level (DiffusionDenoiseSession *self, guint index, double sigma, DiffusionPicture *picture,
           DiffusionDenoiseOptions *options, GCancellable *cancellable, GError **error)
{
  Estimate *estimate = &self->estimates[index];
  DiffusionNoiseLevel level;

  options->sigma = sigma >= 0 ? sigma : DIFFUSION_SIGMA_AUTO;
  options->map = &estimate->map;
  if (sigma >= 0 || diffusion_denoise_session_get_estimate (self, index, NULL, NULL) >= 0)
    return TRUE;
  if (!diffusion_noise_level_estimate (self->model, picture, &level, cancellable, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  estimate->map = level.map;
  estimate->sigma = diffusion_noise_map_mean (&level.map, picture->width, picture->height);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* region: [x, y, width, height] */
static DiffusionDenoiseOptions
make_options (const DiffusionDenoiseSettings *settings, const gint *region)
{
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();

  options.strength = settings->strength;
  options.luma = settings->luma;
  options.chroma = settings->chroma;
  options.detail = settings->detail;
  options.passes = settings->passes;
  find_precision (settings->precision, &options.precision);
  options.region = region;
  return options;
}

static gboolean
denoise (DiffusionDenoiseSession *self, guint index, const DiffusionDenoiseSettings *settings,
         DiffusionPicture *picture, const GeglRectangle *area, DiffusionDenoiseReport *report,
         DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable, GError **error)
{
  const gint region[4] = { area->x, area->y, area->width, area->height };
  DiffusionDenoiseOptions options = make_options (settings, region);

  return set_level (self, index, settings->sigma, picture, &options, cancellable, error)
         && diffusion_denoise (self->model, picture, &options, report, progress, progress_data, cancellable, error);
}

/* From what a part took to what all will take; a part that needs no work does not tell. */
static void
extrapolate (DiffusionDenoiseSession *self, const DiffusionDenoiseSettings *settings, double seconds, double computed)
{
  double all = 0;
  gsize most = 0, results = 0;

  if (computed <= 0)
    return;
  for (guint i = 0; i < self->drawables->len; i++)
    {
      const GeglRectangle *area = diffusion_drawable_get_region (self->drawables->pdata[i]);
      const gint region[4] = { area->x, area->y, area->width, area->height };
      g_autoptr (DiffusionPicture) picture = diffusion_drawable_open (self->drawables->pdata[i]);
      DiffusionDenoiseOptions options = make_options (settings, region);
      DiffusionDenoiseReport report;

      options.sigma = 0;
      if (settings->sigma < 0 && self->estimates[i].sigma >= 0)
        {
          options.sigma = DIFFUSION_SIGMA_AUTO;
          options.map = &self->estimates[i].map;
        }
      if (!diffusion_denoise_plan (self->model, picture, &options, &report, NULL))
        return;
      all += report.computed;
      most = MAX (most, report.peak_bytes);
      results += diffusion_drawable_get_bytes (self->drawables->pdata[i]);
    }
  g_mutex_lock (&self->lock);
  self->seconds = seconds * all / computed;
  self->bytes = most + results;
  g_mutex_unlock (&self->lock);
}

static gboolean
run_job (gpointer data, DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable,
         GError **error)
{
  Job *job = data;
  GPtrArray *drawables = job->session->drawables;
  double pixels = 0, done = 0;

  if (!open_model (job->session, job->settings->model, error))
    return FALSE;
  for (guint i = 0; i < drawables->len; i++)
    {
      const GeglRectangle *region = diffusion_drawable_get_region (drawables->pdata[i]);

      pixels += (double) region->width * region->height;
    }
  for (guint i = 0; i < drawables->len; i++)
    {
      const GeglRectangle *region = diffusion_drawable_get_region (drawables->pdata[i]);
      g_autoptr (DiffusionPicture) picture = diffusion_drawable_open (drawables->pdata[i]);
      double part = (double) region->width * region->height / pixels;
      DiffusionProgressShare share = { progress, progress_data, done, part };

      done += part;
      if (job->view)
        diffusion_run_view_set_item (job->view, i, drawables->len);
      if (!denoise (job->session, i, job->settings, picture, region, NULL, diffusion_progress_share, &share, cancellable,
                    error))
        return FALSE;
    }
  return TRUE;
}

gboolean
diffusion_denoise_session_run (DiffusionDenoiseSession *self, const DiffusionDenoiseSettings *settings,
                               DiffusionProgressFunc progress, gpointer progress_data, GCancellable *cancellable,
                               GError **error)
{
  Job job = { self, settings, NULL };

  return diffusion_worker_run (run_job, &job, cancellable, progress, progress_data, error);
}

gboolean
diffusion_denoise_session_run_dialog (DiffusionDenoiseSession *self, const DiffusionDenoiseSettings *settings,
                                      gboolean *stopped, GError **error)
{
  g_autoptr (DiffusionRunView) view = diffusion_run_view_new ();
  Job job = { self, settings, view };
  const DiffusionRun run = { .title = _ ("Denoising"), .func = run_job, .data = &job, .view = view };

  return diffusion_run_dialog (&run, stopped, error);
}

gboolean
diffusion_denoise_session_preview (DiffusionDenoiseSession *self, const DiffusionDenoiseSettings *settings,
                                   const GeglRectangle *area, guint32 *pixels, DiffusionProgressFunc progress,
                                   gpointer progress_data, GCancellable *cancellable, GError **error)
{
  DiffusionDrawable *drawable = self->drawables->pdata[0];
  g_autoptr (DiffusionPicture) from = diffusion_drawable_open (drawable);
  g_autofree float *colors = g_try_new (float, (gsize) area->width * area->height * from->channels);
  g_autoptr (DiffusionPicture) picture = diffusion_part_picture_new (from, area, colors);
  DiffusionDenoiseReport report;
  DiffusionDenoiseOptions level;
  GeglRectangle region;
  gint64 begun;

  if (!colors)
    {
      g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_MEMORY, _ ("Not enough memory for the preview."));
      return FALSE;
    }
  /* Without noise to take away nothing is written. */
  if (!from->read (from, area->x, area->y, area->width, area->height, colors, error))
    return FALSE;
  if (!open_model (self, settings->model, error)
      || !set_level (self, 0, settings->sigma, picture, &level, cancellable, error))
    return FALSE;
  begun = g_get_monotonic_time ();
  /* Outside the region nothing is selected, so no new colours are taken from there. */
  if (gegl_rectangle_intersect (&region, area, diffusion_drawable_get_region (drawable)))
    {
      if (!denoise (self, 0, settings, picture, &region, &report, progress, progress_data, cancellable, error))
        return FALSE;
      extrapolate (self, settings, (double) (g_get_monotonic_time () - begun) / G_USEC_PER_SEC, report.computed);
    }
  diffusion_drawable_render (drawable, area, colors, pixels);
  return TRUE;
}

static gboolean
commit_drawable (DiffusionDenoiseSession *self, guint index, GimpProcedureConfig *config, gboolean new_layer,
                 gboolean stopped, GError **error)
{
  DiffusionDrawable *drawable = self->drawables->pdata[index];
  GimpItem *item = GIMP_ITEM (diffusion_drawable_get_drawable (drawable));
  g_autoptr (JsonObject) found = json_object_new ();
  double estimate = diffusion_denoise_session_get_estimate (self, index, NULL, NULL);

  if (stopped && !diffusion_drawable_has_result (drawable))
    return TRUE;
  if (new_layer)
    {
      g_autofree char *old = gimp_item_get_name (item);
      g_autofree char *name = g_strdup_printf (_ ("%s, denoised"), old);

      if (!diffusion_drawable_commit_as_layer (drawable, name, error))
        return FALSE;
      json_object_set_int_member (found, DIFFUSION_REMEMBER_SOURCE, gimp_item_get_tattoo (item));
    }
  else if (!diffusion_drawable_commit (drawable, error))
    return FALSE;

  if (estimate >= 0)
    json_object_set_double_member (found, "noise-level", estimate);
  if (stopped)
    json_object_set_boolean_member (found, "stopped", TRUE);
  diffusion_remember (GIMP_ITEM (diffusion_drawable_get_drawable (drawable)), DIFFUSION_DENOISE_PROCEDURE, config,
                      self->model_path, found);
  return TRUE;
}

gboolean
diffusion_denoise_session_commit (DiffusionDenoiseSession *self, GimpProcedureConfig *config, gboolean stopped,
                                  GError **error)
{
  gboolean ok = TRUE, new_layer;

  g_object_get (config, "new-layer", &new_layer, NULL);
  for (guint i = 0; i < self->drawables->len; i++)
    if (diffusion_drawable_has_result (self->drawables->pdata[i])
        && !diffusion_drawable_check_unchanged (self->drawables->pdata[i], error))
      return FALSE;
  gimp_image_undo_group_start (self->image);
  for (guint i = 0; ok && i < self->drawables->len; i++)
    ok = commit_drawable (self, i, config, new_layer, stopped, error);
  gimp_image_undo_group_end (self->image);
  return ok;
}
