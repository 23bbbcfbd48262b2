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

static void
print_denoise (JsonObject *results)
{
  JsonArray *levels = json_object_get_array_member (results, "denoise");
  CliTable *table = cli_table_new ();

  cli_table_row (table, "σ", _ ("noisy"), _ ("denoised"), NULL);
  for (guint i = 0; i < json_array_get_length (levels); i++)
    {
      JsonObject *level = json_array_get_object_element (levels, i);
      g_autofree char *sigma = g_strdup_printf ("%g", json_object_get_double_member (level, "sigma"));
      g_autofree char *noisy = g_strdup_printf (_ ("%.2f dB"), json_object_get_double_member (level, "noisy"));
      g_autofree char *psnr = g_strdup_printf (_ ("%.2f dB"), json_object_get_double_member (level, "psnr"));

      cli_table_row (table, sigma, noisy, psnr, NULL);
    }
  cli_table_print (table);
}

static void
print_pair (CliTable *table, const char *name, JsonObject *pair)
{
  gboolean oracle = json_object_has_member (pair, "oracle");
  g_autofree char *noisy = g_strdup_printf (_ ("%.2f dB"), json_object_get_double_member (pair, "noisy"));
  g_autofree char *psnr = g_strdup_printf (_ ("%.2f dB"), json_object_get_double_member (pair, "auto"));
  g_autofree char *best
      = g_strdup_printf (_ ("%.2f dB"), oracle ? json_object_get_double_member (pair, "oracle") : 0.0);
  g_autofree char *sigmas
      = !json_object_has_member (pair, "sigma") ? g_strdup ("")
        : oracle ? g_strdup_printf ("σ %.2f, %.2f", json_object_get_double_member (pair, "sigma"),
                                    json_object_get_double_member (pair, "oracle_sigma"))
                 : g_strdup_printf ("σ %.2f", json_object_get_double_member (pair, "sigma"));

  cli_table_row (table, name, noisy, psnr, oracle ? best : sigmas, oracle ? sigmas : "", NULL);
}

static void
print_pairs (JsonObject *results)
{
  JsonObject *summary = json_object_get_object_member (results, "pairs");
  JsonArray *pictures = json_object_get_array_member (summary, "pictures");
  CliTable *table = cli_table_new ();

  cli_table_row (table, "", _ ("noisy"), _ ("auto"), json_object_has_member (summary, "oracle") ? _ ("best σ") : "", "",
                 NULL);
  for (guint i = 0; i < json_array_get_length (pictures); i++)
    {
      JsonObject *pair = json_array_get_object_element (pictures, i);

      print_pair (table, json_object_get_string_member (pair, "name"), pair);
    }
  print_pair (table, _ ("mean"), summary);
  cli_table_print (table);
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

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  g_auto (GStrv) levels = NULL;
  gboolean json = FALSE, oracle = FALSE;
  gint count = 0;
  gint64 seed = 0;
  const GOptionEntry entries[] = {
    { "denoise", 0, 0, G_OPTION_ARG_STRING_ARRAY, &levels,
      N_ ("PSNR after removing white noise of these levels (0..255 units); auto: on pairs of photographs"),
      N_ ("SIGMA…") },
    { "oracle", 0, 0, G_OPTION_ARG_NONE, &oracle, N_ ("With auto: also look for the best level for each picture"), NULL },
    { "count", 0, 0, G_OPTION_ARG_INT, &count, N_ ("Use the first N pictures only"), N_ ("N") },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, N_ ("Seed of the noise (default: 0)"), N_ ("N") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("Print one JSON object"), NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_auto (GStrv) line = cli_join_list (&argc, argv, "--denoise");
  g_auto (GStrv) arguments = cli_parse (verb, entries, argc, line, error);
  if (arguments == NULL)
    return FALSE;

  gboolean pairs = take_auto (levels);
  g_autoptr (GArray) sigmas = cli_parse_list ("--denoise", levels, LEAST_SIGMA, GREATEST_SIGMA, error);
  if (sigmas == NULL || !cli_check_int ("--count", count, 0, G_MAXINT, error)
      || !cli_check_int ("--seed", seed, 0, G_MAXINT64, error))
    return FALSE;
  if (oracle && !pairs)
    return cli_usage_error (error, _ ("--oracle is for “--denoise auto”"));
  if (sigmas->len == 0 && !pairs)
    return cli_usage_error (error, _ ("nothing to measure: expected --denoise"));

  g_autoptr (JsonObject) results = json_object_new ();
  const CliEvaluation evaluation = { .model = arguments[0],
                                     .data = arguments[1],
                                     .count = (guint) count,
                                     .seed = (guint64) seed,
                                     .results = results,
                                     .cancellable = cancellable };
  json_object_set_string_member (results, "model", arguments[0]);
  json_object_set_string_member (results, "data", arguments[1]);
  if ((sigmas->len > 0 && !cli_evaluate_denoise (&evaluation, sigmas, error))
      || (pairs && !cli_evaluate_pairs (&evaluation, oracle, error)))
    return FALSE;

  if (json)
    cli_print_json (g_steal_pointer (&results));
  else
    {
      if (sigmas->len > 0)
        print_denoise (results);
      if (pairs)
        print_pairs (results);
    }
  return TRUE;
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
                     "  diffusion evaluate photo camera-noise --denoise auto --oracle"),
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run,
};
