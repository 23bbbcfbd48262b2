/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion interpolate: pictures between two pictures. */
#include "cli/options.h"
#include "cli/sampling.h"
#include "cli/verbs.h"

typedef struct
{
  CliSampling sampling;
  double t;
  DiffusionInterpolationType type;
  GArray *lambdas; /* of double */
} Job;

static gboolean
interpolate (Job *job, char **arguments, GCancellable *cancellable, GError **error)
{
  CliSampling *s = &job->sampling;
  guint n = job->lambdas->len;
  DiffusionInterpolation interpolation = { .type = job->type, .lambdas = (const double *) (gconstpointer) job->lambdas->data };
  g_autoptr (CliPixels) a = NULL;
  g_autoptr (CliPixels) b = NULL;

  if (!cli_check_output (arguments[2], error) || !cli_sampling_open (s, n, cancellable, error)
      || !cli_sampling_check_t (s, job->t, 0.0, &interpolation.t, error)
      || (a = cli_sampling_load (s, arguments[0], error)) == NULL
      || (b = cli_sampling_load (s, arguments[1], error)) == NULL)
    return FALSE;
  if (a->width != b->width || a->height != b->height)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _ ("%s: found %d×%d pixels, expected %d×%d as in %s"), arguments[1], b->width, b->height, a->width,
                   a->height, arguments[0]);
      return FALSE;
    }

  gsize size = (gsize) a->width * (gsize) a->height * (gsize) a->channels;
  float *values = diffusion_try_alloc ((n + 2) * size * sizeof (float), _ ("the pictures"), error);
  if (values == NULL)
    return FALSE;
  cli_sampling_from_pixels (a, values + n * size);
  cli_sampling_from_pixels (b, values + (n + 1) * size);
  interpolation.a = values + n * size;
  interpolation.b = values + (n + 1) * size;
  cli_sampling_show (s, _ ("Interpolating"), 0);

  gboolean done = diffusion_interpolate (&s->editor, &interpolation, n, (gsize) a->height, (gsize) a->width, values, error);
  for (guint i = 0; done && i < n; i++)
    {
      g_autofree char *path = cli_numbered_path (arguments[2], i, n);

      done = cli_sampling_save (s, values + i * size, a->width, a->height, MAX (a->bits, b->bits), path, error);
    }
  diffusion_free (values);
  return done;
}

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  static const char *const types[] = { "shared", "slerp", "inversion", NULL };
  Job job = { .t = 0.0 };
  g_auto (GStrv) lambdas = NULL;
  g_autofree char *type = NULL;
  guint choice = 0;
  const GOptionEntry own[] = {
    { "t", 't', 0, G_OPTION_ARG_DOUBLE, &job.t, N_ ("How noisy the pictures get before they are mixed: step 1 to T"),
      N_ ("T") },
    { "lambda", 'l', 0, G_OPTION_ARG_STRING_ARRAY, &lambdas,
      N_ ("How much of B, 0 to 1; with several, their numbers are added to OUT"), N_ ("L…") },
    { "noise", 0, 0, G_OPTION_ARG_STRING, &type,
      N_ ("shared (default): both get the same; slerp: each its own, mixed on the arc; inversion: what the model finds\n"
          "in each"),
      N_ ("KIND") },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };

  cli_sampling_init (&job.sampling, DIFFUSION_DEFAULT_TEXTURE_MODEL);
  g_autoptr (GArray) entries = cli_sampling_entries (&job.sampling, own);
  g_auto (GStrv) line = cli_join_list (&argc, argv, "--lambda");
  g_auto (GStrv) arguments = cli_parse (verb, (const GOptionEntry *) (gconstpointer) entries->data, argc, line, error);
  gboolean done = arguments != NULL && cli_check_double ("--t", job.t, 1.0, DIFFUSION_MAX_STEPS, error)
                  && (type == NULL || cli_parse_choice ("--noise", type, types, &choice, error))
                  && (job.lambdas = cli_parse_list ("--lambda", lambdas, 0.0, 1.0, error)) != NULL
                  && cli_sampling_check (&job.sampling, error);

  job.type = (DiffusionInterpolationType) choice;
  if (done && job.lambdas->len == 0)
    done = cli_usage_error (error, _ ("expected --lambda with a number from 0 to 1"));
  done = done && interpolate (&job, arguments, cancellable, error);
  cli_sampling_clear (&job.sampling);
  g_clear_pointer (&job.lambdas, g_array_unref);
  return done;
}

const CliVerb cli_interpolate = {
  .name = "interpolate",
  .arguments = N_ ("A B OUT"),
  .brief = N_ ("Make pictures between two pictures"),
  .description = N_ ("  diffusion interpolate a.png b.png between.png --model church --t 500 --lambda 0.25 0.5 0.75\n\n"
                     "writes between-001.png to between-003.png."),
  .min_arguments = 3,
  .max_arguments = 3,
  .run = run,
};
