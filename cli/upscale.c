/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion upscale: larger pictures by models that were trained for it. */
#include "cli/options.h"
#include "cli/sampling.h"
#include "cli/verbs.h"

#define MAX_FACTOR 16
#define MAX_SIDE 65536

static gboolean
upscale (CliSampling *s, gint factor, char **arguments, GCancellable *cancellable, GError **error)
{
  g_autoptr (CliPixels) low = NULL;

  if (!cli_check_output (arguments[1], error) || !cli_sampling_open (s, 1, cancellable, error))
    return FALSE;
  if (s->editor.predictor->condition_channels == 0)
    return cli_usage_error (error, _ ("--model: %s does not make pictures larger, expected an upsampler"), s->model);
  low = cli_sampling_load (s, arguments[0], error);
  if (low == NULL)
    return FALSE;
  if (low->width > MAX_SIDE / factor || low->height > MAX_SIDE / factor)
    return cli_usage_error (error, _ ("--factor: found %d for %d×%d pixels, expected a result of at most %d a side"), factor,
                            low->width, low->height, MAX_SIDE);

  gint width = low->width * factor, height = low->height * factor;
  gsize low_size = (gsize) low->width * (gsize) low->height * (gsize) low->channels;
  gsize size = low_size * (gsize) factor * (gsize) factor;
  float *values = diffusion_try_alloc ((size + low_size) * sizeof (float), _ ("the picture"), error);
  if (values == NULL)
    return FALSE;
  cli_sampling_from_pixels (low, values + size);
  cli_sampling_show (s, _ ("Upscaling"), (guint) s->editor.steps);

  gboolean done = diffusion_upscale (&s->editor, values + size, (gsize) low->height, (gsize) low->width, 1, (gsize) height,
                                     (gsize) width, values, error)
                  && cli_sampling_save (s, values, width, height, low->bits, arguments[1], error);
  diffusion_free (values);
  return done;
}

static gboolean
run (const CliVerb *verb, int argc, char **argv, GCancellable *cancellable, GError **error)
{
  g_auto (CliSampling) sampling;
  gint factor = 4;
  const GOptionEntry own[] = {
    { "factor", 0, 0, G_OPTION_ARG_INT, &factor, N_ ("How many times as wide and high (default: 4, as usual models)"),
      N_ ("N") },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };

  cli_sampling_init (&sampling, NULL);
  g_autoptr (GArray) entries = cli_sampling_entries (&sampling, own);
  g_auto (GStrv) arguments = cli_parse (verb, (const GOptionEntry *) (gconstpointer) entries->data, argc, argv, error);

  return arguments != NULL && cli_check_int ("--factor", factor, 1, MAX_FACTOR, error)
         && cli_sampling_check (&sampling, error) && upscale (&sampling, factor, arguments, cancellable, error);
}

const CliVerb cli_upscale = {
  .name = "upscale",
  .arguments = N_ ("IN OUT"),
  .brief = N_ ("Make a picture larger with an upsampler model"),
  .description = N_ ("For guided-diffusion's upsamplers and their like, which are told the small picture:\n"
                     "  diffusion upscale small.png large.png --model 64_256_upsampler.pt --class 207"),
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run,
};
