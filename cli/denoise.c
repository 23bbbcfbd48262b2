/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion denoise: takes the noise out of an image file. */
#include <string.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "core/diffusion.h"
#include "core/pictures/pictures.h"

typedef struct
{
  char *model;
  char *sigma;
  double strength;
  double luma;
  double chroma;
  double detail;
  gint passes;
  gint tile;
  gint memory; /* MB */
  char *precision;
  gboolean json;
} Options;

static gboolean
check_options (const Options *o, DiffusionDenoiseOptions *options, GError **error)
{
  guint precision = DIFFUSION_DENOISE_PRECISION_AUTO;

  if (o->precision != NULL && !cli_parse_choice ("--precision", o->precision, diffusion_denoise_precisions, &precision, error))
    return FALSE;
  options->precision = (DiffusionDenoisePrecision) precision;
  if (strcmp (o->sigma, "auto") == 0)
    options->sigma = DIFFUSION_SIGMA_AUTO;
  else if (!cli_parse_double ("--sigma", o->sigma, 0.0, DIFFUSION_SIGMA_MAX, &options->sigma, error))
    return FALSE;
  if (!cli_check_double ("--strength", o->strength, 0.0, 2.0, error)
      || !cli_check_double ("--luma", o->luma, 0.0, 1.0, error)
      || !cli_check_double ("--chroma", o->chroma, 0.0, 1.0, error)
      || !cli_check_double ("--detail", o->detail, 0.0, 1.0, error)
      || !cli_check_int ("--passes", o->passes, 1, DIFFUSION_DENOISE_MAX_PASSES, error)
      || !cli_check_int ("--tile", o->tile, 0, 65536, error)
      || !cli_check_int ("--memory", o->memory, 0, 1 << 20, error))
    return FALSE;
  options->strength = o->strength;
  options->luma = o->luma;
  options->chroma = o->chroma;
  options->detail = o->detail;
  options->passes = o->passes;
  options->tile = o->tile;
  options->memory_limit = (gsize) o->memory * 1000000;
  return TRUE;
}

static void
print_report (const Options *o, const char *in, const char *out, const DiffusionDenoiseReport *report, double seconds)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "in", in);
  json_object_set_string_member (object, "out", out);
  json_object_set_string_member (object, "model", o->model);
  json_object_set_double_member (object, "sigma", report->sigma);
  json_object_set_double_member (object, "sigma_least", report->least);
  json_object_set_double_member (object, "sigma_most", report->most);
  json_object_set_double_member (object, "seconds", seconds);
  json_object_set_int_member (object, "peak_bytes", (gint64) report->peak_bytes);
  cli_print_json (object);
}

static gboolean
denoise (const Options *o, const DiffusionDenoiseOptions *options, const char *in, const char *out,
         GCancellable *cancellable, GError **error)
{
  g_autoptr (DiffusionPicture) picture = NULL;
  g_autoptr (DiffusionPhotoModel) model = NULL;
  g_autofree char *path = diffusion_library_find (o->model, error);
  DiffusionDenoiseReport report = { 0 };
  gint64 start = g_get_monotonic_time ();

  /* small and likely mistakes first */
  if (path == NULL || !cli_check_output (out, error) || (model = diffusion_photo_model_open (path, error)) == NULL
      || (picture = diffusion_pictures_open (in, error)) == NULL)
    return FALSE;

  g_autoptr (CliProgress) progress = cli_progress_new (_ ("Denoising"), 0);
  if (!diffusion_denoise (model, picture, options, &report, cli_progress_update, progress, cancellable, error)
      || !diffusion_pictures_save (picture, out, error))
    return FALSE;
  g_clear_pointer (&progress, cli_progress_free);
  if (o->json)
    print_report (o, in, out, &report, (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC);
  return TRUE;
}

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  Options o = { .strength = 1.0, .luma = 1.0, .chroma = 1.0, .passes = 1 };
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model, N_ ("Name, folder or file of the model (default: photo)"),
      N_ ("MODEL") },
    { "sigma", 's', 0, G_OPTION_ARG_STRING, &o.sigma,
      N_ ("Deviation of the noise in 0..255 units, or auto to estimate it, part by part where it differs (default: auto)"),
      N_ ("auto|N") },
    { "strength", 0, 0, G_OPTION_ARG_DOUBLE, &o.strength,
      N_ ("How much of the noise to take away: 0 nothing, 1 all, up to 2 smoother (default: 1)"), N_ ("X") },
    { "luma", 0, 0, G_OPTION_ARG_DOUBLE, &o.luma, N_ ("Share of the strength for brightness, 0 to 1 (default: 1)"),
      N_ ("X") },
    { "chroma", 0, 0, G_OPTION_ARG_DOUBLE, &o.chroma, N_ ("Share of the strength for colour, 0 to 1 (default: 1)"),
      N_ ("X") },
    { "detail", 0, 0, G_OPTION_ARG_DOUBLE, &o.detail,
      N_ ("Bring back fine structure that went with the noise, 0 to 1 (default: 0)"), N_ ("X") },
    { "passes", 0, 0, G_OPTION_ARG_INT, &o.passes,
      N_ ("1 for the most likely picture, up to 8 for a sharper one that is less certain (default: 1)"), N_ ("N") },
    { "tile", 0, 0, G_OPTION_ARG_INT, &o.tile,
      N_ ("Side of the tiles in pixels (default: 0, chosen); the result does not depend on it"), N_ ("N") },
    { "memory", 0, 0, G_OPTION_ARG_INT, &o.memory, N_ ("Take at most N MB for the computation (default: 0, 500)"),
      N_ ("N") },
    { "precision", 0, 0, G_OPTION_ARG_STRING, &o.precision,
      N_ ("Of the network's products: f32, bf16, or auto (default): bf16 for 8 bits where the processor is faster with it"),
      N_ ("KIND") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, N_ ("Print the noise level found (mean, least and most) and the time as a JSON object"), NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_auto (GStrv) arguments = cli_parse (verb, entries, argc, argv, error);
  DiffusionDenoiseOptions options = diffusion_denoise_options_default ();

  if (o.model == NULL)
    o.model = g_strdup (DIFFUSION_DEFAULT_PHOTO_MODEL);
  if (o.sigma == NULL)
    o.sigma = g_strdup ("auto");

  gboolean done = arguments != NULL && check_options (&o, &options, error)
                  && denoise (&o, &options, arguments[0], arguments[1], cancellable, error);

  g_free (o.model);
  g_free (o.sigma);
  g_free (o.precision);
  return done;
}

const CliVerb cli_denoise = {
  .name = "denoise",
  .arguments = N_ ("IN OUT"),
  .brief = N_ ("Take the noise out of a photograph"),
  .description = N_ ("IN and OUT are PNG, JPEG, WebP or TIFF files; the extension of OUT chooses its format. Precision\n"
                     "(8 and 16 bits, floating point), transparency and colour profile are kept as far as that format\n"
                     "can hold them. Pictures of any size need no more than 1 GB besides the picture itself.\n\n"
                     "Examples:\n"
                     "  diffusion denoise night.jpg clean.png\n"
                     "  diffusion denoise scan.tif clean.tif --sigma 12 --strength 0.8\n"
                     "  for f in *.jpg; do diffusion denoise \"$f\" \"clean/$f\" || break; done"),
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run,
};
