/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion evaluate --likelihood and --rate-distortion: how many bits a picture takes with the model. */
#include <math.h>
#include <string.h>

#include "cli/evaluate.h"
#include "cli/pixels.h"
#include "cli/progress.h"
#include "core/base/i18n.h"
#include "core/pictures/pictures.h"

enum
{
  PLOT_WIDTH = 900,
  PLOT_HEIGHT = 600
};

/* Sums over the pictures; points in order of falling t. */
typedef struct
{
  guint images;
  gsize steps;
  double total, prior;
  double *terms;              /* [steps] */
  DiffusionRatePoint *points; /* [steps], the distortion squared */
} Sums;

static void
sums_clear (Sums *sums)
{
  g_free (sums->terms);
  g_free (sums->points);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Sums, sums_clear)

/* The middle of a picture, as large as the network, in the exact values of 8 bits. */
static float *
load_middle (const DiffusionPredictor *predictor, const char *path, gint *width, gint *height, GError **error)
{
  g_autoptr (CliPixels) pixels = cli_pixels_load (path, error);
  gsize c = predictor->channels;
  gint multiple = (gint) MAX (predictor->multiple, 1);

  if (pixels == NULL)
    return NULL;
  if (c == 1)
    cli_pixels_to_gray (pixels);
  else if (!cli_pixels_to_rgb (pixels, error))
    return NULL;
  *width = predictor->native > 0 ? (gint) predictor->native : pixels->width / multiple * multiple;
  *height = predictor->native > 0 ? (gint) predictor->native : pixels->height / multiple * multiple;
  if (*width > pixels->width || *height > pixels->height || *width < 1 || *height < 1)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("%s: found %d×%d pixels, expected at least %d×%d"),
                   path, pixels->width, pixels->height, MAX (*width, multiple), MAX (*height, multiple));
      return NULL;
    }

  gint left = (pixels->width - *width) / 2, top = (pixels->height - *height) / 2;
  float *middle = diffusion_try_alloc ((gsize) *width * (gsize) *height * c * sizeof (float), _ ("a picture"), error);
  for (gint y = 0; middle != NULL && y < *height; y++)
    for (gsize i = 0; i < (gsize) *width * c; i++)
      {
        float value = pixels->data[((gsize) (top + y) * (gsize) pixels->width + (gsize) left) * c + i];

        middle[(gsize) y * (gsize) *width * c + i] = rintf (CLAMP (value, 0.0f, 1.0f) * 255.0f) / 127.5f - 1.0f;
      }
  return middle;
}

static void
add (Sums *sums, const DiffusionSchedule *schedule, const DiffusionLikelihood *likelihood)
{
  g_autofree DiffusionRatePoint *points = diffusion_rate_distortion (schedule, likelihood);

  if (sums->terms == NULL)
    {
      sums->steps = likelihood->steps;
      sums->terms = g_new0 (double, sums->steps);
      sums->points = g_new0 (DiffusionRatePoint, sums->steps);
    }
  sums->images++;
  sums->total += likelihood->total[0];
  sums->prior += likelihood->prior[0];
  for (gsize i = 0; i < sums->steps; i++)
    {
      sums->terms[i] += likelihood->terms[i];
      sums->points[i].t = points[i].t;
      sums->points[i].rate += points[i].rate;
      sums->points[i].distortion += points[i].distortion * points[i].distortion;
    }
}

static gboolean
measure_all (const CliEvaluation *evaluation, const CliLikelihoodOptions *o, const DiffusionEditor *editor,
             const DiffusionSchedule *schedule, Sums *sums, GError **error)
{
  g_autoptr (GPtrArray) paths = cli_list_pictures (evaluation->data, error);
  if (paths == NULL)
    return FALSE;

  guint count = evaluation->count > 0 ? MIN (evaluation->count, paths->len) : paths->len;
  g_autoptr (CliProgress) progress = cli_progress_new (_ ("Likelihood"), 0);
  DiffusionProgressShare share = { cli_progress_update, progress, 0.0, 1.0 / count };
  DiffusionLikelihoodOptions options = { .schedule = schedule,
                                         .parameterisation = editor->parameterisation,
                                         .predictor = editor->predictor,
                                         .decoder = DIFFUSION_DECODER_TANH,
                                         .classes = editor->predictor->classes > 0 ? &o->class_number : NULL,
                                         .cancellable = evaluation->cancellable,
                                         .progress = diffusion_progress_share,
                                         .progress_data = &share };

  for (guint i = 0; i < count; i++)
    {
      gint width, height;
      float *picture = load_middle (editor->predictor, g_ptr_array_index (paths, i), &width, &height, error);
      if (picture == NULL)
        return FALSE;

      share.before = i * share.part;
      options.noise.seed = evaluation->seed + i;
      g_autoptr (DiffusionLikelihood) likelihood
          = diffusion_likelihood (&options, 1, (gsize) height, (gsize) width, picture, error);
      diffusion_free (picture);
      if (likelihood == NULL)
        return FALSE;
      add (sums, schedule, likelihood);
    }
  for (gsize i = 0; i < sums->steps; i++)
    {
      sums->terms[i] /= count;
      sums->points[i].rate /= count;
      sums->points[i].distortion = sqrt (sums->points[i].distortion / count);
    }
  return TRUE;
}

static void
report_likelihood (const CliEvaluation *evaluation, const Sums *sums)
{
  JsonObject *object = json_object_new ();
  JsonArray *terms = json_array_new ();

  for (gsize i = 0; i < sums->steps; i++)
    json_array_add_double_element (terms, sums->terms[i]);
  json_object_set_double_member (object, "bits_per_dim", sums->total / sums->images);
  json_object_set_double_member (object, "prior", sums->prior / sums->images);
  json_object_set_int_member (object, "steps", (gint64) sums->steps);
  json_object_set_int_member (object, "images", sums->images);
  json_object_set_array_member (object, "terms", terms);
  json_object_set_object_member (evaluation->results, "likelihood", object);
}

static void
report_curve (const CliEvaluation *evaluation, const Sums *sums)
{
  JsonArray *array = json_array_new ();

  for (gsize i = 0; i < sums->steps; i++)
    {
      JsonObject *point = json_object_new ();

      json_object_set_double_member (point, "t", sums->points[i].t);
      json_object_set_double_member (point, "rate", sums->points[i].rate);
      json_object_set_double_member (point, "distortion", sums->points[i].distortion);
      json_array_add_object_element (array, point);
    }
  json_object_set_array_member (evaluation->results, "rate_distortion", array);
}

static gboolean
write_csv (const char *path, const Sums *sums, GError **error)
{
  g_autoptr (GString) text = g_string_new ("t,rate_bits_per_dim,distortion_rmse\n");
  char number[3][G_ASCII_DTOSTR_BUF_SIZE];

  for (gsize i = 0; i < sums->steps; i++)
    g_string_append_printf (text, "%s,%s,%s\n", g_ascii_formatd (number[0], sizeof number[0], "%.6g", sums->points[i].t),
                            g_ascii_formatd (number[1], sizeof number[1], "%.8g", sums->points[i].rate),
                            g_ascii_formatd (number[2], sizeof number[2], "%.8g", sums->points[i].distortion));
  return diffusion_output_file_set_contents (path, text->str, text->len, error);
}

static gboolean
write_plot (const char *path, const Sums *sums, GError **error)
{
  g_autofree double *x = g_new (double, sums->steps);
  g_autofree double *y = g_new (double, sums->steps);
  g_autofree float *pixels = g_new (float, PLOT_WIDTH * PLOT_HEIGHT * 3);
  const DiffusionPlotLine line = { NULL, x, y, sums->steps };
  const DiffusionPlot plot = { "rate and distortion", "rate (bits/dim)", "distortion (rmse, 0-255)", FALSE, FALSE, &line, 1 };

  for (gsize i = 0; i < sums->steps; i++)
    {
      x[i] = sums->points[i].rate;
      y[i] = sums->points[i].distortion;
    }
  diffusion_plot_draw (&plot, PLOT_WIDTH, PLOT_HEIGHT, pixels);
  return diffusion_pictures_write_png (path, pixels, PLOT_WIDTH, PLOT_HEIGHT, 3, error);
}

/* All steps, or so many of them that the bound takes less time (and is less tight). */
static DiffusionSchedule *
choose_steps (const DiffusionSchedule *schedule, gint steps, GError **error)
{
  gsize count = 0;

  if (steps == 0 || (gsize) steps >= schedule->steps)
    return diffusion_schedule_ref (schedule);

  g_autofree char *spec = g_strdup_printf ("%d", steps);
  g_autofree double *times = diffusion_timesteps_from_spec (schedule->steps, spec, &count, error);
  return times != NULL ? diffusion_schedule_respace (schedule, times, count, error) : NULL;
}

gboolean
cli_evaluate_likelihood (const CliEvaluation *evaluation, const CliLikelihoodOptions *o, GError **error)
{
  g_autoptr (DiffusionModel) model = diffusion_model_open (evaluation->model, o->preset, o->flags, error);
  g_autoptr (DiffusionNetwork) network
      = model != NULL ? diffusion_network_new (model, DIFFUSION_PRECISION_F32, error) : NULL;
  g_auto (Sums) sums = { 0 };

  if (network == NULL)
    return FALSE;

  const DiffusionEditor editor = diffusion_network_get_editor (network);
  g_autoptr (DiffusionSchedule) schedule = choose_steps (editor.schedule, o->steps, error);
  if (schedule == NULL || !measure_all (evaluation, o, &editor, schedule, &sums, error))
    return FALSE;
  if (o->likelihood)
    report_likelihood (evaluation, &sums);
  if (o->rate_distortion)
    report_curve (evaluation, &sums);
  return (o->csv == NULL || write_csv (o->csv, &sums, error)) && (o->plot == NULL || write_plot (o->plot, &sums, error));
}
