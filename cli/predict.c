/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion predict: the network alone, tensors in and tensors out. */
#include <string.h>

#include "cli/options.h"
#include "cli/verbs.h"
#include "core/diffusion.h"

/* A tensor of pictures, turned between [n, c, h, w] in files and [n, h, w, c] here. */
typedef struct
{
  gsize n, h, w, c;
  float *pixels;
} Pictures;

static void
turn (const float *in, gsize n, gsize rows, gsize columns, float *out)
{
  for (gsize i = 0; i < n; i++)
    for (gsize row = 0; row < rows; row++)
      for (gsize column = 0; column < columns; column++)
        out[(i * columns + column) * rows + row] = in[(i * rows + row) * columns + column];
}

static gboolean
read_pictures (const DiffusionTensorFile *file, const char *name, gint channels, Pictures *pictures, GError **error)
{
  const DiffusionTensorEntry *entry = diffusion_tensor_file_require (file, name, error);
  g_autofree char *found = NULL;
  float *planes;

  if (entry == NULL)
    return FALSE;
  found = diffusion_tensor_entry_format_shape (entry);
  if (entry->n_dims != 4 || entry->n_elements == 0 || entry->shape[1] != channels
      || !diffusion_dtype_is_float (entry->dtype))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _ ("%s: tensor %s is %s %s, expected floating-point numbers [n, %d, h, w]"),
                   diffusion_tensor_file_get_path (file), name, diffusion_dtype_name (entry->dtype), found, channels);
      return FALSE;
    }
  pictures->n = (gsize) entry->shape[0];
  pictures->c = (gsize) entry->shape[1];
  pictures->h = (gsize) entry->shape[2];
  pictures->w = (gsize) entry->shape[3];
  planes = diffusion_try_alloc ((gsize) entry->n_elements * sizeof (float), name, error);
  pictures->pixels = planes != NULL ? diffusion_try_alloc ((gsize) entry->n_elements * sizeof (float), name, error) : NULL;
  if (pictures->pixels != NULL)
    {
      diffusion_tensor_entry_to_floats (entry, planes);
      if (!diffusion_tensor_file_check_finite (file, entry, planes, error))
        {
          diffusion_free (planes);
          return FALSE;
        }
      turn (planes, pictures->n, pictures->c, pictures->h * pictures->w, pictures->pixels);
    }
  diffusion_free (planes);
  return pictures->pixels != NULL;
}

/* One number for each picture; (transfer full). */
static double *
read_numbers (const DiffusionTensorFile *file, const char *name, gsize n, GError **error)
{
  const DiffusionTensorEntry *entry = diffusion_tensor_file_require (file, name, error);
  double *numbers;

  if (entry == NULL)
    return NULL;
  if (entry->n_dims != 1 || entry->shape[0] != (gint64) n)
    {
      g_autofree char *found = diffusion_tensor_entry_format_shape (entry);

      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                   _ ("%s: tensor %s has shape %s, expected [%zu], one for each picture"),
                   diffusion_tensor_file_get_path (file), name, found, n);
      return NULL;
    }
  numbers = g_new (double, n);
  diffusion_tensor_entry_to_doubles (entry, numbers);
  return numbers;
}

/* Rescaled and continuous times go on between the last whole step and T. */
static gboolean
check_times (const DiffusionModel *model, const double *t, gsize n, GError **error)
{
  gint steps = diffusion_model_get_scheduler (model)->steps;

  for (gsize i = 0; i < n; i++)
    if (!(t[i] >= 0 && t[i] < steps))
      {
        g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("t is %g, expected 0 to %d"), t[i],
                     steps - 1);
        return FALSE;
      }
  return TRUE;
}

typedef struct
{
  DiffusionUnetInput input;
  Pictures x, low_res;
  double *t, *y;
  float *out, *gradient, *planes; /* planes: what is written */
} Job;

static void
job_clear (Job *job)
{
  diffusion_free (job->x.pixels);
  diffusion_free (job->low_res.pixels);
  diffusion_free (job->out);
  diffusion_free (job->gradient);
  diffusion_free (job->planes);
  g_free (job->t);
  g_free (job->y);
}

static gboolean
read_job (const DiffusionModel *model, const DiffusionTensorFile *file, Job *job, GError **error)
{
  const DiffusionUnetConfig *config = diffusion_model_get_unet (model);

  if (!read_pictures (file, "x", config->in_channels, &job->x, error))
    return FALSE;
  job->t = read_numbers (file, "t", job->x.n, error);
  if (job->t == NULL || !check_times (model, job->t, job->x.n, error))
    return FALSE;
  if (config->class_input != DIFFUSION_CLASS_NONE || diffusion_tensor_file_lookup (file, "y") != NULL)
    {
      job->y = read_numbers (file, "y", job->x.n, error);
      if (job->y == NULL)
        return FALSE;
    }
  if (config->low_res_channels > 0)
    {
      if (!read_pictures (file, "low_res", config->low_res_channels, &job->low_res, error))
        return FALSE;
      if (job->low_res.n != job->x.n)
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT,
                       _ ("%s: tensor low_res has %zu pictures, expected %zu"),
                       diffusion_tensor_file_get_path (file), job->low_res.n, job->x.n);
          return FALSE;
        }
    }
  job->input = (DiffusionUnetInput) { .n = job->x.n, .h = job->x.h, .w = job->x.w, .x = job->x.pixels, .t = job->t,
                                      .y = job->y, .low_res = job->low_res.pixels, .low_h = job->low_res.h,
                                      .low_w = job->low_res.w };
  return TRUE;
}

/* Adds pictures [n, h, w, c] to what is written, as planes. */
static gboolean
add_pictures (DiffusionTensorWriter *writer, const char *name, Job *job, const float *pixels, gint channels,
              GError **error)
{
  const gint64 shape[] = { (gint64) job->x.n, channels, (gint64) job->x.h, (gint64) job->x.w };

  job->planes
    = diffusion_try_alloc (job->x.n * (gsize) channels * job->x.h * job->x.w * sizeof (float), name, error);
  if (job->planes == NULL)
    return FALSE;
  turn (pixels, job->x.n, job->x.h * job->x.w, (gsize) channels, job->planes);
  diffusion_tensor_writer_add_floats (writer, name, DIFFUSION_DTYPE_F32, 4, shape, job->planes);
  return TRUE;
}

static gboolean
run_unet (DiffusionUnetRunner *runner, Job *job, DiffusionTensorWriter *writer, GCancellable *cancellable,
          GError **error)
{
  gint channels = diffusion_unet_runner_get_config (runner)->out_channels;

  job->out = diffusion_try_alloc (job->x.n * job->x.h * job->x.w * (gsize) channels * sizeof (float), "out", error);
  return job->out != NULL && diffusion_unet_runner_run (runner, &job->input, job->out, cancellable, error)
         && add_pictures (writer, "out", job, job->out, channels, error);
}

static gboolean
run_classifier (DiffusionUnetRunner *runner, Job *job, DiffusionTensorWriter *writer, GCancellable *cancellable,
                GError **error)
{
  const DiffusionUnetConfig *config = diffusion_unet_runner_get_config (runner);
  const gint64 shape[] = { (gint64) job->x.n, config->out_channels };

  job->out = diffusion_try_alloc (job->x.n * (gsize) config->out_channels * sizeof (float), "logits", error);
  if (job->out == NULL)
    return FALSE;
  diffusion_tensor_writer_add_floats (writer, "logits", DIFFUSION_DTYPE_F32, 2, shape, job->out);
  if (job->y == NULL)
    return diffusion_unet_runner_run (runner, &job->input, job->out, cancellable, error);
  job->gradient = diffusion_try_alloc (job->x.n * job->x.h * job->x.w * job->x.c * sizeof (float), "grad_log_prob", error);
  return job->gradient != NULL
         && diffusion_unet_runner_guide (runner, &job->input, job->out, job->gradient, cancellable, error)
         && add_pictures (writer, "grad_log_prob", job, job->gradient, config->in_channels, error);
}

static gboolean
predict (const DiffusionModel *model, const char *in, const char *out, DiffusionPrecision precision,
         GCancellable *cancellable, GError **error)
{
  g_autoptr (DiffusionTensorWriter) writer = diffusion_tensor_writer_new ();
  g_autoptr (DiffusionTensorFile) file = NULL;
  g_autoptr (DiffusionUnetRunner) runner = NULL;
  Job job = { 0 };
  gboolean good;

  if (diffusion_model_get_unet (model) == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED, _ ("%s is no U-Net and no classifier"),
                   diffusion_model_get_path (model));
      return FALSE;
    }
  file = diffusion_tensor_file_open (in, error);
  good = file != NULL && read_job (model, file, &job, error);
  runner = good ? diffusion_unet_runner_new_for_model (model, precision, error) : NULL;
  if (runner != NULL)
    good = (diffusion_model_get_kind (model) == DIFFUSION_MODEL_CLASSIFIER ? run_classifier : run_unet) (
             runner, &job, writer, cancellable, error)
           && diffusion_tensor_writer_write (writer, out, error);
  job_clear (&job);
  return good && runner != NULL;
}

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  g_autofree char *in = NULL, *out = NULL, *flags = NULL, *preset = NULL, *kind = NULL;
  GOptionEntry entries[] = {
    { "in", 0, 0, G_OPTION_ARG_FILENAME, &in, N_ ("Tensors to read (safetensors)"), N_ ("FILE") },
    { "out", 0, 0, G_OPTION_ARG_FILENAME, &out, N_ ("Where to write the answer (safetensors)"), N_ ("FILE") },
    { "flags", 0, 0, G_OPTION_ARG_FILENAME, &flags, N_ ("What the weight file does not say about the network"),
      N_ ("FILE") },
    { "preset", 0, 0, G_OPTION_ARG_STRING, &preset, N_ ("The published network that the weight file is one of"),
      N_ ("NAME") },
    { "precision", 0, 0, G_OPTION_ARG_STRING, &kind, N_ ("Of matrix products: f32 (default) or bf16"),
      N_ ("KIND") },
    { NULL }
  };
  g_auto (GStrv) arguments = cli_parse (verb, entries, argc, argv, error);
  g_autoptr (DiffusionModel) model = NULL;
  DiffusionPrecision precision;

  if (arguments == NULL)
    return FALSE;
  if (in == NULL || out == NULL)
    return cli_usage_error (error, _ ("%s is missing"), in == NULL ? "--in" : "--out");
  if (!cli_parse_precision (kind, &precision, error) || !cli_check_output (out, error))
    return FALSE;
  model = diffusion_model_open (arguments[0], preset, flags, error);
  return model != NULL && predict (model, in, out, precision, cancellable, error);
}

const CliVerb cli_predict = {
  .name = "predict",
  .arguments = "MODEL",
  .brief = N_ ("What the network answers, as tensors"),
  .description = N_ ("--in has the tensors x [n, c, h, w] and t [n] (0-based; whole numbers or fractions), and where the\n"
                     "model has them y [n] (classes) and low_res [n, 3, h', w']. --out gets out [n, c, h, w]; of a\n"
                     "classifier logits [n, classes] and, with y, grad_log_prob [n, c, h, w], the gradient of log p(y|x)."),
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
