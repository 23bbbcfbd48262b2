/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What generate, regenerate, interpolate and upscale have in common: the model and how it is sampled. */
#include "cli/sampling.h"

#include <math.h>
#include <string.h>

#include "cli/options.h"
#include "core/pictures/pictures.h"

#define MAX_STEPS 100000

/* How many steps each sampler takes where nothing is said: what is usual, few enough for a processor. */
static const struct
{
  const char *name;
  gint steps;
} samplers[] = { { "ancestral", 250 }, { "ddim", 50 }, { "dpm++", 25 } };

void
cli_sampling_init (CliSampling *sampling, const char *model)
{
  *sampling = (CliSampling) { .default_model = model, .guidance_scale = 1.0 };
}

void
cli_sampling_clear (CliSampling *s)
{
  g_clear_pointer (&s->progress, cli_progress_free);
  g_clear_pointer (&s->network, diffusion_network_free);
  g_clear_pointer (&s->classifier, diffusion_network_free);
  g_free (s->classes);
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

gboolean
cli_sampling_check (CliSampling *s, GError **error)
{
  static const char *const names[] = { "ancestral", "ddim", "dpm++", NULL };
  static const char *const precisions[] = { "f32", "bf16", NULL };
  guint choice = 1, precision = 0;

  if ((s->sampler_name != NULL && !cli_parse_choice ("--sampler", s->sampler_name, names, &choice, error))
      || (s->precision != NULL && !cli_parse_choice ("--precision", s->precision, precisions, &precision, error))
      || !cli_check_int ("--steps", s->steps, 0, MAX_STEPS, error) || !cli_check_double ("--eta", s->eta, 0.0, 1.0, error)
      || !cli_check_int ("--seed", s->seed, 0, G_MAXINT64, error)
      || !cli_check_double ("--guidance-scale", s->guidance_scale, 0.0, 1e6, error))
    return FALSE;
  if (s->eta > 0.0 && choice != 1)
    return cli_usage_error (error, _ ("--eta is for the sampler ddim"));
  if (s->steps > 0 && s->respacing != NULL)
    return cli_usage_error (error, _ ("found --steps and --respacing, expected one of them"));
  if (s->classifier_name != NULL && s->class_name == NULL)
    return cli_usage_error (error, _ ("--classifier needs --class"));
  if (s->model == NULL && s->default_model == NULL)
    return cli_usage_error (error, _ ("expected --model"));
  if (s->model == NULL)
    s->model = g_strdup (s->default_model);
  s->sampler = diffusion_sampler_find (names[choice], error);
  s->product_precision = precision == 0 ? DIFFUSION_PRECISION_F32 : DIFFUSION_PRECISION_BF16;
  if (s->steps == 0)
    s->steps = samplers[choice].steps;
  return s->sampler != NULL;
}

static DiffusionNetwork *
open_network (const CliSampling *s, const char *name, const char *preset, const char *flags, GError **error)
{
  g_autoptr (DiffusionModel) model = diffusion_model_open (name, preset, flags, error);

  return model != NULL ? diffusion_network_new (model, s->product_precision, error) : NULL;
}

/* The number of a class by the names in the model's card. */
static gint
find_class_name (DiffusionModel *model, const char *name)
{
  JsonObject *card = diffusion_model_get_card (model);
  JsonNode *node = card != NULL ? json_object_get_member (card, "classes") : NULL;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return -1;

  JsonArray *names = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (names); i++)
    {
      JsonNode *element = json_array_get_element (names, i);

      if (JSON_NODE_HOLDS_VALUE (element) && g_strcmp0 (json_node_get_string (element), name) == 0)
        return (gint) i;
    }
  return -1;
}

static gboolean
choose_classes (CliSampling *s, gsize n, GError **error)
{
  guint count = s->editor.predictor->classes;
  DiffusionNetwork *whose = s->network;
  gint64 number = 0;

  if (count == 0 && s->classifier != NULL)
    {
      whose = s->classifier;
      count = diffusion_network_get_predictor (whose)->classes;
    }
  if (count == 0)
    return s->class_name == NULL || cli_usage_error (error, _ ("--class: the model %s has no classes"), s->model);
  if (s->class_name == NULL)
    return cli_usage_error (error, _ ("the model %s needs --class, a number from 0 to %u"), s->model, count - 1);

  number = find_class_name (diffusion_network_get_model (whose), s->class_name);
  if (number < 0 && !cli_parse_int ("--class", s->class_name, 0, count - 1, &number, error))
    return FALSE;
  s->classes = g_new (gint, n);
  for (gsize i = 0; i < n; i++)
    s->classes[i] = (gint) number;
  s->editor.classes = s->classes;
  return TRUE;
}

static gboolean
check_kind (const CliSampling *s, GError **error)
{
  DiffusionModelKind kind = diffusion_model_get_kind (diffusion_network_get_model (s->network));

  if (kind != DIFFUSION_MODEL_UNET)
    return cli_usage_error (error, _ ("--model: %s is a classifier, expected a model that generates pictures"), s->model);
  if (s->classifier == NULL)
    return TRUE;
  if (diffusion_model_get_kind (diffusion_network_get_model (s->classifier)) != DIFFUSION_MODEL_CLASSIFIER)
    return cli_usage_error (error, _ ("--classifier: %s generates pictures, expected a classifier"), s->classifier_name);
  if (s->sampler == &diffusion_sampler_dpmpp_2m)
    return cli_usage_error (error, _ ("--classifier works with the samplers ancestral and ddim"));
  return TRUE;
}

gboolean
cli_sampling_open (CliSampling *s, gsize n, GCancellable *cancellable, GError **error)
{
  s->network = open_network (s, s->model, s->preset, s->flags, error);
  if (s->network == NULL)
    return FALSE;
  if (s->classifier_name != NULL)
    {
      s->classifier = open_network (s, s->classifier_name, s->classifier_preset, s->classifier_flags, error);
      if (s->classifier == NULL)
        return FALSE;
    }
  s->editor = diffusion_network_get_editor (s->network);
  if (!check_kind (s, error) || !choose_classes (s, n, error))
    return FALSE;
  if (s->classifier != NULL)
    s->editor.guidance = diffusion_network_get_predictor (s->classifier);
  s->editor.guidance_scale = s->guidance_scale;
  s->editor.sampler = s->sampler;
  s->editor.eta = s->eta;
  s->editor.steps = MIN ((gsize) s->steps, s->editor.schedule->steps);
  s->editor.respacing = s->respacing;
  s->editor.batch = 1;
  s->editor.seed = (guint64) s->seed;
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
cli_sampling_check_t (const CliSampling *s, double t, double *out, GError **error)
{
  *out = t - 1.0;
  return cli_check_double ("--t", t, 1.0, (double) s->editor.schedule->steps, error);
}

CliPixels *
cli_sampling_load (const CliSampling *s, const char *path, GError **error)
{
  gsize channels = s->editor.predictor->channels;
  g_autoptr (CliPixels) pixels = cli_pixels_load (path, error);

  if (pixels == NULL)
    return NULL;
  if (channels != 1 && channels != 3)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
                   _ ("%s: found a model of %" G_GSIZE_FORMAT " channels, expected 1 or 3"), s->model, channels);
      return NULL;
    }
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
cli_sampling_save (const CliSampling *s, const float *values, gint width, gint height, const char *path, GError **error)
{
  gint channels = (gint) s->editor.predictor->channels;
  gsize count = (gsize) width * (gsize) height * (gsize) channels;
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_new (width, height, channels, 8, error);
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
