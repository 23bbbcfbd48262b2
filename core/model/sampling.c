/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a user wants a model to be sampled. */
#include "core/model/sampling.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/diffusion/respacing.h"

#define MAX_STEPS 100000
#define MAX_GUIDANCE 1e6

const char *const diffusion_samplers[] = { "ancestral", "ddim", "dpm++", NULL };

/* What is usual, few enough for a processor. */
static const gint usual_steps[] = { 250, 50, 25 };

static const char *const precisions[] = { "f32", "bf16", NULL };

/* A model that is open. */
typedef struct
{
  char *key;
  DiffusionNetwork *network;
} Open;

struct _DiffusionSampling
{
  Open model, classifier;
  const char *sampler;
  char *respacing;
  gint *classes;
  DiffusionEditor editor;
};

static gboolean
is_given (const char *text)
{
  return text != NULL && *text != '\0';
}

static gboolean
refuse (GError **error, const DiffusionSamplingOptions *options, const char *option, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

static gboolean
refuse (GError **error, const DiffusionSamplingOptions *options, const char *option, const char *format, ...)
{
  g_autofree char *reason = NULL;
  va_list arguments;

  va_start (arguments, format);
  reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, "%s%s: %s",
               options->prefix != NULL ? options->prefix : "", option, reason);
  return FALSE;
}

/* The index of a word, which may be absent: the default then. */
static gint
find_choice (const char *text, const char *const *choices, gint absent)
{
  if (!is_given (text))
    return absent;
  for (gint i = 0; choices[i] != NULL; i++)
    if (strcmp (text, choices[i]) == 0)
      return i;
  return -1;
}

static gboolean
check_choice (const DiffusionSamplingOptions *options, const char *option, const char *text, const char *const *choices,
              GError **error)
{
  g_autofree char *words = NULL;

  if (find_choice (text, choices, 0) >= 0)
    return TRUE;
  words = g_strjoinv (", ", (char **) choices);
  return refuse (error, options, option, _("found “%s”, expected one of: %s"), text, words);
}

static gboolean
check_number (const DiffusionSamplingOptions *options, const char *option, double value, double least, double most,
              GError **error)
{
  /* Written so that NaN fails too. */
  if (value >= least && value <= most)
    return TRUE;
  return refuse (error, options, option, _("found %.10g, expected %.10g to %.10g"), value, least, most);
}

static gint
choose_sampler (const DiffusionSamplingOptions *options)
{
  return find_choice (options->sampler, diffusion_samplers, 1);
}

gint
diffusion_sampler_get_usual_steps (const char *sampler)
{
  gint choice = find_choice (sampler, diffusion_samplers, 1);

  return usual_steps[choice >= 0 ? choice : 1];
}

gboolean
diffusion_sampling_check (const DiffusionSamplingOptions *options, GError **error)
{
  if (!check_choice (options, "sampler", options->sampler, diffusion_samplers, error) ||
      !check_choice (options, "precision", options->precision, precisions, error) ||
      !check_number (options, "steps", (double) options->steps, 0, MAX_STEPS, error) ||
      !check_number (options, "eta", options->eta, 0, 1, error) ||
      !check_number (options, "guidance-scale", options->guidance_scale, 0, MAX_GUIDANCE, error))
    return FALSE;
  if (options->seed < 0)
    return refuse (error, options, "seed", _("found %" PRId64 ", expected 0 or more"), options->seed);
  if (options->eta > 0.0 && choose_sampler (options) != 1)
    return refuse (error, options, "eta", _("it is for the sampler ddim"));
  if (options->steps > 0 && is_given (options->respacing))
    return refuse (error, options, "respacing", _("found the number of steps too, expected one of them"));
  if (is_given (options->classifier) && !is_given (options->class_name))
    return refuse (error, options, "class", _("a classifier needs one to guide to"));
  if (!is_given (options->model))
    return refuse (error, options, "model", _("none was given"));
  return TRUE;
}

DiffusionSampling *
diffusion_sampling_new (void)
{
  return g_new0 (DiffusionSampling, 1);
}

static void
open_clear (Open *open)
{
  g_clear_pointer (&open->network, diffusion_network_free);
  g_clear_pointer (&open->key, g_free);
}

void
diffusion_sampling_free (DiffusionSampling *self)
{
  if (self == NULL)
    return;
  open_clear (&self->model);
  open_clear (&self->classifier);
  g_free (self->respacing);
  g_free (self->classes);
  g_free (self);
}

static gboolean
open_network (Open *open, const char *name, const char *preset, const char *flags, const char *precision,
              GError **error)
{
  g_autoptr (DiffusionModel) model = NULL;
  g_autofree char *key
    = g_strjoin ("\n", name, preset != NULL ? preset : "", flags != NULL ? flags : "", precision, NULL);

  if (open->network != NULL && strcmp (open->key, key) == 0)
    return TRUE;
  open_clear (open);
  model = diffusion_model_open (name, is_given (preset) ? preset : NULL, is_given (flags) ? flags : NULL, error);
  if (model == NULL)
    return FALSE;
  open->network = diffusion_network_new (
    model, strcmp (precision, "bf16") == 0 ? DIFFUSION_PRECISION_BF16 : DIFFUSION_PRECISION_F32, error);
  if (open->network == NULL)
    return FALSE;
  open->key = g_steal_pointer (&key);
  return TRUE;
}

static gboolean
check_kind (const DiffusionSampling *self, const DiffusionSamplingOptions *options, GError **error)
{
  DiffusionModelKind kind = diffusion_model_get_kind (diffusion_network_get_model (self->model.network));

  if (kind == DIFFUSION_MODEL_CLASSIFIER)
    return refuse (error, options, "model", _("%s is a classifier, expected a model that makes pictures"), options->model);
  if (self->classifier.network == NULL)
    return TRUE;
  if (diffusion_model_get_kind (diffusion_network_get_model (self->classifier.network)) != DIFFUSION_MODEL_CLASSIFIER)
    return refuse (error, options, "classifier", _("%s makes pictures, expected a classifier"), options->classifier);
  if (diffusion_network_get_predictor (self->classifier.network)->channels
      != diffusion_network_get_predictor (self->model.network)->channels)
    return refuse (error, options, "classifier", _("%s sees other channels than the model"), options->classifier);
  if (strcmp (self->sampler, "dpm++") == 0)
    return refuse (error, options, "classifier", _("it works with the samplers ancestral and ddim"));
  return TRUE;
}

char **
diffusion_model_get_class_names (DiffusionModel *model)
{
  JsonObject *card = diffusion_model_get_card (model);
  JsonNode *node = card != NULL ? json_object_get_member (card, "classes") : NULL;
  g_autoptr (GStrvBuilder) builder = NULL;
  JsonArray *names;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return NULL;
  builder = g_strv_builder_new ();
  names = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (names); i++)
    {
      JsonNode *element = json_array_get_element (names, i);
      gboolean text = JSON_NODE_HOLDS_VALUE (element) && json_node_get_value_type (element) == G_TYPE_STRING;

      g_strv_builder_add (builder, text ? json_node_get_string (element) : "");
    }
  return g_strv_builder_end (builder);
}

/* The number of a class by its name, which goes before a number, or -1. */
static gint64
find_class (DiffusionModel *model, const char *name, guint count)
{
  g_auto (GStrv) names = diffusion_model_get_class_names (model);
  char *end = NULL;
  gint64 number;

  for (guint i = 0; names != NULL && names[i] != NULL && i < count; i++)
    if (strcmp (names[i], name) == 0)
      return i;
  errno = 0;
  number = g_ascii_strtoll (name, &end, 10);
  return end != name && *end == '\0' && errno == 0 && number >= 0 && number < count ? number : -1;
}

/* For errors: the names of the classes, as far as they fit in a line. */
static char *
list_classes (DiffusionModel *model, guint count)
{
  g_auto (GStrv) names = diffusion_model_get_class_names (model);
  g_autofree char *joined = names != NULL && *names != NULL ? g_strjoinv (", ", names) : NULL;

  if (joined != NULL && g_utf8_strlen (joined, -1) < 300)
    return g_strdup_printf (_("one of: %s; or a number from 0 to %u"), joined, count - 1);
  return g_strdup_printf (_("a number from 0 to %u"), count - 1);
}

static gboolean
check_respacing (const DiffusionSampling *self, const DiffusionSamplingOptions *options, GError **error)
{
  g_autofree double *times = NULL;
  g_autoptr (GError) reason = NULL;
  gsize count;

  if (!is_given (options->respacing))
    return TRUE;
  times = diffusion_timesteps_from_spec (self->editor.schedule->steps, options->respacing, &count, &reason);
  return times != NULL || refuse (error, options, "respacing", "%s", reason->message);
}

static gboolean
choose_classes (DiffusionSampling *self, const DiffusionSamplingOptions *options, gsize n, GError **error)
{
  DiffusionNetwork *whose = self->model.network;
  g_autofree char *list = NULL;
  guint count = diffusion_network_get_predictor (whose)->classes;
  gint64 number;

  if (self->classifier.network != NULL)
    {
      guint seen = diffusion_network_get_predictor (self->classifier.network)->classes;

      /* Both have to know it. */
      if (count == 0 || seen < count)
        {
          whose = self->classifier.network;
          count = seen;
        }
    }
  if (count == 0)
    return !is_given (options->class_name) ||
           refuse (error, options, "class", _("the model %s has no classes"), options->model);

  list = list_classes (diffusion_network_get_model (whose), count);
  if (!is_given (options->class_name))
    return refuse (error, options, "class", _("the model %s needs %s"), options->model, list);
  number = find_class (diffusion_network_get_model (whose), options->class_name, count);
  if (number < 0)
    return refuse (error, options, "class", _("found “%s”, expected %s"), options->class_name, list);
  self->classes = g_renew (gint, self->classes, n);
  for (gsize i = 0; i < n; i++)
    self->classes[i] = (gint) number;
  self->editor.classes = self->classes;
  return TRUE;
}

gboolean
diffusion_sampling_prepare (DiffusionSampling *self, const DiffusionSamplingOptions *options, gsize n, GError **error)
{
  const char *precision;
  gint64 steps;

  if (!diffusion_sampling_check (options, error))
    return FALSE;
  precision = is_given (options->precision) ? options->precision : precisions[0];
  self->sampler = diffusion_samplers[choose_sampler (options)];
  if (!open_network (&self->model, options->model, options->preset, options->flags, precision, error))
    return FALSE;
  if (!is_given (options->classifier))
    open_clear (&self->classifier);
  else if (!open_network (&self->classifier, options->classifier, options->classifier_preset, options->classifier_flags,
                          precision, error))
    return FALSE;
  if (!check_kind (self, options, error))
    return FALSE;
  self->editor = diffusion_network_get_editor (self->model.network);
  if (!choose_classes (self, options, n, error))
    return FALSE;
  if (self->classifier.network != NULL)
    self->editor.guidance = diffusion_network_get_predictor (self->classifier.network);
  self->editor.guidance_scale = options->guidance_scale;
  self->editor.sampler = diffusion_sampler_find (self->sampler, error);
  if (self->editor.sampler == NULL)
    return FALSE;
  if (options->steps > 0
      && !check_number (options, "steps", (double) options->steps, 1, (double) self->editor.schedule->steps, error))
    return FALSE;
  if (!check_respacing (self, options, error))
    return FALSE;
  steps = options->steps > 0 ? options->steps : diffusion_sampler_get_usual_steps (self->sampler);
  self->editor.eta = options->eta;
  self->editor.steps = MIN ((gsize) steps, self->editor.schedule->steps);
  g_free (self->respacing);
  self->respacing = is_given (options->respacing) ? g_strdup (options->respacing) : NULL;
  self->editor.respacing = self->respacing;
  self->editor.batch = 1;
  self->editor.seed = (guint64) options->seed;
  return TRUE;
}

const DiffusionEditor *
diffusion_sampling_get_editor (const DiffusionSampling *self)
{
  return &self->editor;
}

DiffusionModel *
diffusion_sampling_get_model (const DiffusionSampling *self)
{
  return diffusion_network_get_model (self->model.network);
}

static gsize
network_memory (const DiffusionNetwork *network, gsize height, gsize width)
{
  gsize native = diffusion_network_get_predictor (network)->native;

  return native > 0 ? diffusion_network_get_memory (network, native, native)
                    : diffusion_network_get_memory (network, height, width);
}

gsize
diffusion_sampling_get_memory (const DiffusionSampling *self, gsize n, gsize height, gsize width)
{
  const DiffusionEditor *editor = &self->editor;
  const DiffusionChain chain = { .predictor = editor->predictor,
                                 .sampler = editor->sampler,
                                 .parameterisation = editor->parameterisation,
                                 .eta = editor->eta,
                                 .guidance = editor->guidance };
  gsize picture = n * height * width * editor->predictor->channels * sizeof (float);

  /* The chain's own, x, and the picture before and after. */
  return diffusion_chain_memory (&chain, n, height, width) + 3 * picture
         + network_memory (self->model.network, height, width)
         + (self->classifier.network != NULL ? network_memory (self->classifier.network, height, width) : 0);
}

const char *
diffusion_sampling_get_sampler (const DiffusionSampling *self)
{
  return self->sampler;
}

gboolean
diffusion_sampling_check_t (const DiffusionSampling *self, double t, double strength, const char *prefix, double *out,
                            GError **error)
{
  const DiffusionSamplingOptions options = { .prefix = prefix };
  double steps = (double) self->editor.schedule->steps;

  if (t != 0.0 && strength != 0.0)
    return refuse (error, &options, "strength", _("found t too, expected one of them"));
  if (t == 0.0 && strength == 0.0)
    return refuse (error, &options, "t", _("expected a number from 1 to %.0f, or a strength above 0 to 1"), steps);
  if (t == 0.0 && !check_number (&options, "strength", strength, 0, 1, error))
    return FALSE;
  if (t == 0.0)
    t = MAX (1.0, round (strength * steps));
  *out = t - 1.0;
  return check_number (&options, "t", t, 1, steps, error);
}
