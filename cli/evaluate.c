/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion evaluate: how good a model is. */
#include "cli/evaluate.h"

#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/verbs.h"

#define LEAST_SIGMA 0.1
#define GREATEST_SIGMA 500.0
#define MAX_SAMPLES 100000
/* The presets'. */
#define DEFAULT_HOLD_OUT 0.1

static void
print_denoise (JsonObject *results)
{
  JsonArray *levels = json_object_get_array_member (results, "denoise");
  CliTable *table = cli_table_new ();

  cli_table_row (table, "σ", _ ("noisy"), _ ("denoised"), _ ("its detail"), NULL);
  for (guint i = 0; i < json_array_get_length (levels); i++)
    {
      JsonObject *level = json_array_get_object_element (levels, i);
      g_autofree char *sigma = g_strdup_printf ("%g", json_object_get_double_member (level, "sigma"));
      g_autofree char *noisy = g_strdup_printf (_ ("%.2f dB"), json_object_get_double_member (level, "noisy"));
      g_autofree char *psnr = g_strdup_printf (_ ("%.2f dB"), json_object_get_double_member (level, "psnr"));
      g_autofree char *detail = g_strdup_printf (_ ("%.2f dB"), json_object_get_double_member (level, "detail"));

      cli_table_row (table, sigma, noisy, psnr, detail, NULL);
    }
  cli_table_print (table);
}

static void
print_pair (CliTable *table, const char *name, JsonObject *pair)
{
  gboolean oracle = json_object_has_member (pair, "oracle");
  g_autofree char *noisy = g_strdup_printf (_ ("%.2f dB"), json_object_get_double_member (pair, "noisy"));
  g_autofree char *psnr = g_strdup_printf (_ ("%.2f dB"), json_object_get_double_member (pair, "auto"));
  g_autofree char *detail = g_strdup_printf (_ ("%.2f dB"), json_object_get_double_member (pair, "detail"));
  g_autofree char *best
      = g_strdup_printf (_ ("%.2f dB"), oracle ? json_object_get_double_member (pair, "oracle") : 0.0);
  g_autofree char *sigmas
      = !json_object_has_member (pair, "sigma") ? g_strdup ("")
        : oracle ? g_strdup_printf ("σ %.2f, %.2f", json_object_get_double_member (pair, "sigma"),
                                    json_object_get_double_member (pair, "oracle_sigma"))
                 : g_strdup_printf ("σ %.2f", json_object_get_double_member (pair, "sigma"));

  cli_table_row (table, name, noisy, psnr, detail, oracle ? best : sigmas, oracle ? sigmas : "", NULL);
}

static void
print_pairs (JsonObject *results)
{
  JsonObject *summary = json_object_get_object_member (results, "pairs");
  JsonArray *pictures = json_object_get_array_member (summary, "pictures");
  CliTable *table = cli_table_new ();

  cli_table_row (table, "", _ ("noisy"), _ ("auto"), _ ("its detail"), json_object_has_member (summary, "oracle") ? _ ("best σ") : "", "",
                 NULL);
  for (guint i = 0; i < json_array_get_length (pictures); i++)
    {
      JsonObject *pair = json_array_get_object_element (pictures, i);

      print_pair (table, json_object_get_string_member (pair, "name"), pair);
    }
  print_pair (table, _ ("mean"), summary);
  cli_table_print (table);
}

static void
print_samples (JsonObject *results)
{
  static const char *const columns[] = { "kernel_distance", "kernel_distance_of_training", "recognised", "recognised_held_out",
                                         "spectrum", "spectrum_of_training", "nearest", "nearest_held_out", "seam", "seam_held_out" };
  JsonArray *classes = json_object_get_array_member (results, "samples");
  CliTable *table = cli_table_new ();

  cli_table_row (table, "", _ ("kernel distance"), _ ("recognised"), _ ("spectrum, dB"), _ ("nearest"), _ ("seam"), NULL);
  for (guint i = 0; i < json_array_get_length (classes); i++)
    {
      JsonObject *one = json_array_get_object_element (classes, i);
      char *cells[G_N_ELEMENTS (columns) / 2];

      for (guint k = 0; k < G_N_ELEMENTS (cells); k++)
        {
          GString *cell = g_string_new (NULL);

          if (json_object_has_member (one, columns[2 * k]))
            g_string_append_printf (cell, "%.3g", json_object_get_double_member (one, columns[2 * k]));
          if (json_object_has_member (one, columns[2 * k + 1]))
            g_string_append_printf (cell, " (%.3g)", json_object_get_double_member (one, columns[2 * k + 1]));
          cells[k] = g_string_free (cell, FALSE);
        }
      cli_table_row (table, json_object_get_string_member (one, "name"), cells[0], cells[1], cells[2], cells[3], cells[4], NULL);
      for (guint k = 0; k < G_N_ELEMENTS (cells); k++)
        g_free (cells[k]);
    }
  cli_table_print (table);
  printf ("%s\n", _ ("In brackets: the same of pictures, those trained on for the distance and the spectrum, those held out for the rest."));
}

/* "auto" among the noise levels asks for pairs. */
static gboolean
take_auto (char **levels)
{
  gboolean found = FALSE;
  guint kept = 0;

  for (guint i = 0; levels != NULL && levels[i] != NULL; i++)
    if (strcmp (levels[i], "auto") == 0)
      {
        found = TRUE;
        g_free (levels[i]);
      }
    else
      levels[kept++] = levels[i];
  if (levels != NULL)
    levels[kept] = NULL;
  return found;
}

static void
print_likelihood (JsonObject *results)
{
  JsonObject *likelihood = json_object_get_object_member (results, "likelihood");

  printf (_ ("%.4f bits/dim over %d steps (%.4f of it the prior)\n"),
          json_object_get_double_member (likelihood, "bits_per_dim"),
          (int) json_object_get_int_member (likelihood, "steps"), json_object_get_double_member (likelihood, "prior"));
}

/* About twenty points of the curve; the file has them all. */
static void
print_curve (JsonObject *results)
{
  JsonArray *points = json_object_get_array_member (results, "rate_distortion");
  guint count = json_array_get_length (points);
  CliTable *table = cli_table_new ();

  cli_table_row (table, "t", _ ("bits/dim"), _ ("distortion"), NULL);
  for (guint i = 0; i < count; i = i + 1 < count ? MIN (i + (count + 19) / 20, count - 1) : count)
    {
      JsonObject *point = json_array_get_object_element (points, i);
      g_autofree char *t = g_strdup_printf ("%g", json_object_get_double_member (point, "t"));
      g_autofree char *rate = g_strdup_printf ("%.4f", json_object_get_double_member (point, "rate"));
      g_autofree char *distortion = g_strdup_printf ("%.2f", json_object_get_double_member (point, "distortion"));

      cli_table_row (table, t, rate, distortion, NULL);
    }
  cli_table_print (table);
}

typedef struct
{
  char **levels;
  GArray *sigmas; /* of double, from levels */
  gboolean pairs, oracle, json;
  gint count;
  gint64 seed;
  char *kind;
  DiffusionPrecision precision;
  CliLikelihoodOptions likelihood;
  CliSampleOptions samples;
} Options;

static gboolean
check_samples (const CliSampleOptions *s, GError **error)
{
  if (s->samples == 0
      && (s->classifier != NULL || s->sampler != NULL || s->guidance_scale != 0 || s->hold_out != DEFAULT_HOLD_OUT))
    return cli_usage_error (error, _ ("--classifier, --sampler, --guidance-scale and --hold-out are for --samples"));
  if (s->guidance_scale > 0 && s->classifier == NULL)
    return cli_usage_error (error, _ ("--guidance-scale: expected --classifier too"));
  return (s->samples == 0 || cli_check_int ("--samples", s->samples, 2, MAX_SAMPLES, error))
         && cli_check_double ("--guidance-scale", s->guidance_scale, 0, 100, error)
         && cli_check_double ("--hold-out", s->hold_out, 0.001, 0.9, error);
}

static gboolean
check (Options *o, GError **error)
{
  CliLikelihoodOptions *l = &o->likelihood;

  o->pairs = take_auto (o->levels);
  o->sigmas = cli_parse_list ("--denoise", o->levels, LEAST_SIGMA, GREATEST_SIGMA, error);
  if (o->sigmas == NULL || !cli_check_int ("--count", o->count, 0, G_MAXINT, error)
      || !cli_parse_precision (o->kind, &o->precision, error)
      || !cli_check_int ("--seed", o->seed, 0, G_MAXINT64, error)
      || !cli_check_int ("--steps", l->steps, 0, DIFFUSION_MAX_STEPS, error)
      || !cli_check_int ("--class", l->class_number, 0, G_MAXINT, error))
    return FALSE;
  if (o->oracle && !o->pairs)
    return cli_usage_error (error, _ ("--oracle is for “--denoise auto”"));
  if ((l->csv != NULL || l->plot != NULL) && !l->rate_distortion)
    return cli_usage_error (error, _ ("--csv and --plot are for --rate-distortion"));
  if (!check_samples (&o->samples, error))
    return FALSE;
  if (o->sigmas->len == 0 && !o->pairs && !l->likelihood && !l->rate_distortion && o->samples.samples == 0)
    return cli_usage_error (error,
                            _ ("nothing to measure: expected --denoise, --likelihood, --rate-distortion or --samples"));
  return (l->csv == NULL || cli_check_output (l->csv, error)) && (l->plot == NULL || cli_check_output (l->plot, error));
}

static gboolean
evaluate (const Options *o, const CliEvaluation *evaluation, GError **error)
{
  gboolean likelihood = o->likelihood.likelihood || o->likelihood.rate_distortion;

  json_object_set_string_member (evaluation->results, "model", evaluation->model);
  json_object_set_string_member (evaluation->results, "data", evaluation->data);
  if ((o->sigmas->len > 0 && !cli_evaluate_denoise (evaluation, o->sigmas, error))
      || (o->pairs && !cli_evaluate_pairs (evaluation, o->oracle, error))
      || (likelihood && !cli_evaluate_likelihood (evaluation, &o->likelihood, error))
      || (o->samples.samples > 0 && !cli_evaluate_samples (evaluation, &o->samples, error)))
    return FALSE;

  if (o->json)
    cli_print_json (json_object_ref (evaluation->results));
  else
    {
      if (o->sigmas->len > 0)
        print_denoise (evaluation->results);
      if (o->pairs)
        print_pairs (evaluation->results);
      if (o->likelihood.likelihood)
        print_likelihood (evaluation->results);
      if (o->likelihood.rate_distortion)
        print_curve (evaluation->results);
      if (o->samples.samples > 0)
        print_samples (evaluation->results);
    }
  return TRUE;
}

static void
options_clear (Options *o)
{
  g_strfreev (o->levels);
  g_clear_pointer (&o->sigmas, g_array_unref);
  g_free (o->kind);
  g_free (o->likelihood.preset);
  g_free (o->likelihood.flags);
  g_free (o->likelihood.csv);
  g_free (o->likelihood.plot);
  g_free (o->samples.classifier);
  g_free (o->samples.sampler);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  g_auto (Options) o = { .samples.hold_out = DEFAULT_HOLD_OUT };
  CliLikelihoodOptions *l = &o.likelihood;
  CliSampleOptions *s = &o.samples;
  const GOptionEntry entries[] = {
    { "denoise", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.levels,
      N_ ("PSNR after removing white noise of these levels (0..255 units); auto: on pairs of photographs"),
      N_ ("SIGMA…") },
    { "oracle", 0, 0, G_OPTION_ARG_NONE, &o.oracle, N_ ("With auto: also look for the best level for each picture"), NULL },
    { "likelihood", 0, 0, G_OPTION_ARG_NONE, &l->likelihood, N_ ("Bits per dimension: the variational bound"), NULL },
    { "rate-distortion", 0, 0, G_OPTION_ARG_NONE, &l->rate_distortion,
      N_ ("Error of the picture expected after so many bits"), NULL },
    { "csv", 0, 0, G_OPTION_ARG_FILENAME, &l->csv, N_ ("Write the curve of --rate-distortion to FILE"), N_ ("FILE") },
    { "plot", 0, 0, G_OPTION_ARG_FILENAME, &l->plot, N_ ("Draw it to the PNG file FILE"), N_ ("FILE") },
    { "steps", 0, 0, G_OPTION_ARG_INT, &l->steps,
      N_ ("Sum over N steps instead of all T: faster, and an upper bound on the bound"), N_ ("N") },
    { "class", 0, 0, G_OPTION_ARG_INT, &l->class_number, N_ ("What the pictures are, for models with classes (default: 0)"),
      N_ ("N") },
    { "preset", 0, 0, G_OPTION_ARG_STRING, &l->preset, N_ ("Which published network a file is, where it cannot tell"),
      N_ ("NAME") },
    { "flags", 0, 0, G_OPTION_ARG_FILENAME, &l->flags, N_ ("File of the flags the model was trained with"), N_ ("FILE") },
    { "samples", 0, 0, G_OPTION_ARG_INT, &s->samples,
      N_ ("Generate N pictures of each class and compare them with the folder's"), N_ ("N") },
    { "classifier", 0, 0, G_OPTION_ARG_FILENAME, &s->classifier,
      N_ ("With --samples: classifier of the same classes whose answers are the features"), N_ ("MODEL") },
    { "sampler", 0, 0, G_OPTION_ARG_STRING, &s->sampler, N_ ("With --samples: ancestral, ddim (default) or dpm++"),
      N_ ("NAME") },
    { "guidance-scale", 0, 0, G_OPTION_ARG_DOUBLE, &s->guidance_scale,
      N_ ("With --samples: let the classifier guide, so strongly (default: 0)"), N_ ("X") },
    { "hold-out", 0, 0, G_OPTION_ARG_DOUBLE, &s->hold_out,
      N_ ("With --samples: the share that the model was not trained on (default: 0.1)"), N_ ("X") },
    { "count", 0, 0, G_OPTION_ARG_INT, &o.count, N_ ("Use the first N pictures only"), N_ ("N") },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &o.seed, N_ ("Seed of the noise (default: 0)"), N_ ("N") },
    { "precision", 0, 0, G_OPTION_ARG_STRING, &o.kind, N_ ("Of the products, when denoising: f32 (default) or bf16"),
      N_ ("KIND") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, N_ ("Print one JSON object"), NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_auto (GStrv) line = cli_join_list (&argc, argv, "--denoise");
  g_auto (GStrv) arguments = cli_parse (verb, entries, argc, line, error);
  if (arguments == NULL || !check (&o, error))
    return FALSE;
  s->steps = l->steps;

  g_autoptr (JsonObject) results = json_object_new ();
  const CliEvaluation evaluation = { .model = arguments[0],
                                     .data = arguments[1],
                                     .count = (guint) o.count,
                                     .seed = (guint64) o.seed,
                                     .precision = o.precision,
                                     .results = results,
                                     .cancellable = cancellable };
  return evaluate (&o, &evaluation, error);
}

const CliVerb cli_evaluate = {
  .name = "evaluate",
  .arguments = N_ ("MODEL DATA"),
  .brief = N_ ("Measure how good a model is on a folder of pictures"),
  .description = N_ ("--denoise adds white Gaussian noise of deviation SIGMA to every picture, in floating point and not\n"
                     "clipped, removes it with the model told that SIGMA, clips the result and shows the mean PSNR:\n"
                     "  diffusion evaluate photo kodak24 --denoise 15 25 50\n\n"
                     "--denoise auto needs pairs NAME_real.*, a noisy photograph, and NAME_mean.*, the same without\n"
                     "noise, and estimates the noise level as “diffusion denoise” does:\n"
                     "  diffusion evaluate photo camera-noise --denoise auto --oracle\n\n"
                     "--likelihood and --rate-distortion take the middle of each picture, as large as the model:\n"
                     "  diffusion evaluate ddpm-cifar10 test --likelihood --rate-distortion --csv rd.csv --plot rd.png\n\n"
                     "--samples compares a generator's pictures with those held out of its training:\n"
                     "  diffusion evaluate texture textures-seamless --samples 16 --classifier texture-classifier"),
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run,
};
