/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What generate, regenerate, interpolate and upscale have in common: the model and how it is sampled. */
#include "cli/sampling.h"

#include <math.h>
#include <string.h>

#include "cli/options.h"
#include "core/pictures/pictures.h"

void
cli_sampling_init (CliSampling *sampling, const char *model)
{
  *sampling = (CliSampling) { .default_model = model, .guidance_scale = 1.0 };
}

void
cli_sampling_clear (CliSampling *s)
{
  g_clear_pointer (&s->progress, cli_progress_free);
  g_clear_pointer (&s->opened, diffusion_sampling_free);
  g_free (s->model);
  g_free (s->preset);
  g_free (s->flags);
  g_free (s->precision);
  g_free (s->sampler_name);
  g_free (s->class_name);
  g_free (s->classifier_name);
  g_free (s->classifier_preset);
  g_free (s->classifier_flags);
  g_free (s->respacing);
}

GArray *
cli_sampling_entries (CliSampling *s, const GOptionEntry *own)
{
  const GOptionEntry common[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &s->model, N_ ("Name, folder or file of the model"), N_ ("MODEL") },
    { "preset", 0, 0, G_OPTION_ARG_STRING, &s->preset, N_ ("Which published network a file is, where it cannot tell"),
      N_ ("NAME") },
    { "flags", 0, 0, G_OPTION_ARG_FILENAME, &s->flags, N_ ("File of the flags the model was trained with"), N_ ("FILE") },
    { "sampler", 0, 0, G_OPTION_ARG_STRING, &s->sampler_name, N_ ("ancestral, ddim (default) or dpm++"), N_ ("NAME") },
    { "steps", 0, 0, G_OPTION_ARG_INT, &s->steps,
      N_ ("Steps to take (default: 250 ancestral, 50 ddim, 25 dpm++, or as many as there are)"), N_ ("N") },
    { "respacing", 0, 0, G_OPTION_ARG_STRING, &s->respacing,
      N_ ("Which steps to take instead: “250”, “10,15,20” by sections, “ddim50”"), N_ ("SPEC") },
    { "eta", 0, 0, G_OPTION_ARG_DOUBLE, &s->eta, N_ ("Noise of the ddim sampler, 0 to 1 (default: 0)"), N_ ("X") },
    { "class", 0, 0, G_OPTION_ARG_STRING, &s->class_name, N_ ("Number or name of the class to make"), N_ ("CLASS") },
    { "classifier", 0, 0, G_OPTION_ARG_FILENAME, &s->classifier_name, N_ ("Noisy classifier that guides to the class"),
      N_ ("MODEL") },
    { "classifier-preset", 0, 0, G_OPTION_ARG_STRING, &s->classifier_preset, N_ ("--preset of the classifier"),
      N_ ("NAME") },
    { "classifier-flags", 0, 0, G_OPTION_ARG_FILENAME, &s->classifier_flags, N_ ("--flags of the classifier"),
      N_ ("FILE") },
    { "guidance-scale", 0, 0, G_OPTION_ARG_DOUBLE, &s->guidance_scale,
      N_ ("How strongly the classifier guides (default: 1)"), N_ ("X") },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &s->seed, N_ ("Seed of the noise: the same gives the same (default: 0)"),
      N_ ("N") },
    { "precision", 0, 0, G_OPTION_ARG_STRING, &s->precision, N_ ("Of the products: f32 (default) or bf16"), N_ ("KIND") },
  };
  GArray *entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));

  for (; own->long_name != NULL; own++)
    g_array_append_val (entries, *own);
  g_array_append_vals (entries, common, G_N_ELEMENTS (common));
  return entries;
}

static DiffusionSamplingOptions
get_options (const CliSampling *s)
{
  return (DiffusionSamplingOptions) { .model = s->model,
                                      .preset = s->preset,
                                      .flags = s->flags,
                                      .sampler = s->sampler_name,
                                      .steps = s->steps,
                                      .respacing = s->respacing,
                                      .eta = s->eta,
                                      .class_name = s->class_name,
                                      .classifier = s->classifier_name,
                                      .classifier_preset = s->classifier_preset,
                                      .classifier_flags = s->classifier_flags,
                                      .guidance_scale = s->guidance_scale,
                                      .seed = s->seed,
                                      .precision = s->precision,
                                      .prefix = "--" };
}

/* What does not fit together in the options is an error of the command line. */
static gboolean
as_usage (gboolean done, GError **error, GError **problem)
{
  if (done)
    return TRUE;
  if (g_error_matches (*problem, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID))
    cli_usage_error (error, "%s", (*problem)->message);
  else
    g_propagate_error (error, g_steal_pointer (problem));
  g_clear_error (problem);
  return FALSE;
}

gboolean
cli_sampling_check (CliSampling *s, GError **error)
{
  DiffusionSamplingOptions options;
  GError *problem = NULL;

  if (s->model == NULL && s->default_model == NULL)
    return cli_usage_error (error, _ ("expected --model"));
  if (s->model == NULL)
    s->model = g_strdup (s->default_model);
  options = get_options (s);
  return as_usage (diffusion_sampling_check (&options, &problem), error, &problem);
}

gboolean
cli_sampling_open (CliSampling *s, gsize n, GCancellable *cancellable, GError **error)
{
  const DiffusionSamplingOptions options = get_options (s);
  GError *problem = NULL;

  if (s->opened == NULL)
    s->opened = diffusion_sampling_new ();
  if (!as_usage (diffusion_sampling_prepare (s->opened, &options, n, &problem), error, &problem))
    return FALSE;
  s->editor = *diffusion_sampling_get_editor (s->opened);
  s->editor.cancellable = cancellable;
  return TRUE;
}

void
cli_sampling_show (CliSampling *s, const char *what, guint steps)
{
  s->progress = cli_progress_new (what, steps);
  s->editor.progress = cli_progress_update;
  s->editor.progress_data = s->progress;
}

gboolean
cli_sampling_check_t (const CliSampling *s, double t, double strength, double *out, GError **error)
{
  GError *problem = NULL;

  return as_usage (diffusion_sampling_check_t (s->opened, t, strength, "--", out, &problem), error, &problem);
}

CliPixels *
cli_sampling_load (const CliSampling *s, const char *path, GError **error)
{
  gsize channels = s->editor.predictor->channels;
  g_autoptr (CliPixels) pixels = cli_pixels_load (path, error);

  if (pixels == NULL || !diffusion_picture_check_channels (channels, error))
    return NULL;
  if (channels == 1)
    cli_pixels_to_gray (pixels);
  else if (!cli_pixels_to_rgb (pixels, error))
    return NULL;
  return g_steal_pointer (&pixels);
}

void
cli_sampling_from_pixels (const CliPixels *pixels, float *out)
{
  gsize count = (gsize) pixels->width * (gsize) pixels->height * (gsize) pixels->channels;

  for (gsize i = 0; i < count; i++)
    out[i] = 2.0f * pixels->data[i] - 1.0f;
}

gboolean
cli_sampling_save (const CliSampling *s, const float *values, gint width, gint height, gint bits, const char *path,
                   GError **error)
{
  gint channels = (gint) s->editor.predictor->channels;
  gsize count = (gsize) width * (gsize) height * (gsize) channels;
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_new (width, height, channels, bits, error);
  float *scaled = picture != NULL ? diffusion_try_alloc (count * sizeof (float), _ ("a picture"), error) : NULL;
  gboolean done = scaled != NULL;

  for (gsize i = 0; done && i < count; i++)
    scaled[i] = CLAMP (0.5f * values[i] + 0.5f, 0.0f, 1.0f);
  done = done && picture->write (picture, 0, 0, width, height, scaled, error)
         && diffusion_pictures_save (picture, path, error);
  diffusion_free (scaled);
  return done;
}

char *
cli_numbered_path (const char *path, guint index, guint count)
{
  const char *dot = strrchr (path, '.');
  gint digits = count >= 1000 ? (gint) log10 (count) + 1 : 3;

  if (count == 1)
    return g_strdup (path);
  if (dot == NULL || strchr (dot, G_DIR_SEPARATOR) != NULL)
    dot = path + strlen (path);
  return g_strdup_printf ("%.*s-%0*u%s", (int) (dot - path), path, digits, index + 1, dot);
}
