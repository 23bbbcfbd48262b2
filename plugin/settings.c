/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The arguments that generate, regenerate and interpolate share. */
#include "plugin/settings.h"

#include <string.h>

#include "core/base/i18n.h"
#include "plugin/model-facts.h"

#define MAX_SIZE        65536
#define MAX_JUMP_LENGTH 10000
#define MAX_JUMP_COUNT  1000

void
diffusion_settings_add_sampling (GimpProcedure *procedure, const char *model)
{
  const struct
  {
    const char *name, *nick, *blurb, *value;
  } strings[] = {
    { "model", _ ("_Model"), _ ("Name, folder or file of the diffusion model"), model },
    { "preset", _ ("_Preset"), _ ("Which published network a model file is, where it cannot tell"), "" },
    { "flags", _ ("_Flags"), _ ("File of the flags a model file was trained with, where it cannot tell"), "" },
    { "sampler", _ ("S_ampler"), _ ("ancestral, ddim or dpm++"), diffusion_samplers[1] },
    { "class", _ ("_Class"), _ ("Name or number of the class to make, for models that have classes"), "" },
    { "classifier", _ ("Cl_assifier"), _ ("Name, folder or file of a noisy classifier that guides to the class"), "" },
    { "classifier-preset", _ ("Classifier's preset"), _ ("Which published network the classifier is"), "" },
    { "classifier-flags", _ ("Classifier's flags"), _ ("File of the flags the classifier was trained with"), "" },
    { "respacing", _ ("_Respacing"), _ ("Which steps to take instead of their number: “250”, “10,15,20” by sections, "
                                        "“ddim50”"), "" },
    { "precision", _ ("_Precision"), _ ("Of the network's products: f32 or bf16"), "f32" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    gimp_procedure_add_string_argument (procedure, strings[i].name, strings[i].nick, strings[i].blurb, strings[i].value,
                                        G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (procedure, "steps", _ ("S_teps"),
                                   _ ("Steps to take; 0 for 250 (ancestral), 50 (ddim) or 25 (dpm++), or as many as "
                                      "there are"),
                                   0, 100000, 0, G_PARAM_READWRITE);
  gimp_procedure_add_double_argument (procedure, "eta", _ ("_Eta"), _ ("Noise of the sampler ddim, 0 to 1"), 0.0, 1.0,
                                      0.0, G_PARAM_READWRITE);
  gimp_procedure_add_double_argument (procedure, "guidance-scale", _ ("_Guidance"),
                                      _ ("How strongly the classifier guides to the class"), 0.0, 1e6, 1.0,
                                      G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (procedure, "seed", _ ("Se_ed"),
                                   _ ("Where the noise starts: the same seed gives the same picture"), 0, G_MAXINT, 0,
                                   G_PARAM_READWRITE);
}

void
diffusion_settings_add_t (GimpProcedure *procedure, gboolean strength)
{
  gimp_procedure_add_double_argument (procedure, "t", _ ("_Change"),
                                      _ ("How noisy the picture gets before it is made anew: step 1 to the model's last"),
                                      0.0, DIFFUSION_MAX_STEPS, 0.0, G_PARAM_READWRITE);
  if (strength)
    gimp_procedure_add_double_argument (procedure, "strength", _ ("Strength"),
                                        _ ("The same as t, as a share of the model's steps, above 0 to 1"), 0.0, 1.0, 0.0,
                                        G_PARAM_READWRITE);
}

void
diffusion_settings_add_jumps (GimpProcedure *procedure)
{
  gimp_procedure_add_int_argument (procedure, "jump-length", _ ("_Jump length"),
                                   _ ("With a selection, jump back this many steps now and then so that old and new fit; "
                                      "0 never does"),
                                   0, MAX_JUMP_LENGTH, 0, G_PARAM_READWRITE);
  gimp_procedure_add_int_argument (procedure, "jump-count", _ ("J_ump count"), _ ("How often to go through each stretch"),
                                   1, MAX_JUMP_COUNT, DIFFUSION_USUAL_JUMP_COUNT, G_PARAM_READWRITE);
}

void
diffusion_settings_add_seamless (GimpProcedure *procedure, const char *blurb)
{
  gimp_procedure_add_boolean_argument (procedure, "seamless", _ ("Sea_mless"), blurb, FALSE, G_PARAM_READWRITE);
}

void
diffusion_settings_add_new_layer (GimpProcedure *procedure)
{
  gimp_procedure_add_boolean_argument (procedure, "new-layer", _ ("Result in a new _layer"),
                                       _ ("Leave each layer as it is and put the result into a copy above it"), TRUE,
                                       G_PARAM_READWRITE);
}

static void
take (GObject *config, const char *name, GType type, gpointer to)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (config), name);

  if (pspec != NULL && G_PARAM_SPEC_VALUE_TYPE (pspec) == type)
    g_object_get (config, name, to, NULL);
}

static const char *
take_string (DiffusionSettings *self, GObject *config, const char *name)
{
  g_autofree char *value = NULL;

  take (config, name, G_TYPE_STRING, &value);
  return value != NULL ? g_string_chunk_insert (self->strings, value) : NULL;
}

DiffusionSettings *
diffusion_settings_new (GimpProcedureConfig *config)
{
  DiffusionSettings *self = g_new0 (DiffusionSettings, 1);
  DiffusionSamplingOptions *sampling = &self->sampling;
  GObject *object = G_OBJECT (config);
  gint steps = 0, seed = 0;

  self->strings = g_string_chunk_new (256);
  self->procedure
      = g_string_chunk_insert (self->strings, gimp_procedure_get_name (gimp_procedure_config_get_procedure (config)));
  sampling->model = take_string (self, object, "model");
  sampling->preset = take_string (self, object, "preset");
  sampling->flags = take_string (self, object, "flags");
  sampling->sampler = take_string (self, object, "sampler");
  sampling->respacing = take_string (self, object, "respacing");
  sampling->class_name = take_string (self, object, "class");
  sampling->classifier = take_string (self, object, "classifier");
  sampling->classifier_preset = take_string (self, object, "classifier-preset");
  sampling->classifier_flags = take_string (self, object, "classifier-flags");
  sampling->precision = take_string (self, object, "precision");
  take (object, "steps", G_TYPE_INT, &steps);
  take (object, "seed", G_TYPE_INT, &seed);
  take (object, "eta", G_TYPE_DOUBLE, &sampling->eta);
  take (object, "guidance-scale", G_TYPE_DOUBLE, &sampling->guidance_scale);
  sampling->steps = steps;
  sampling->seed = seed;
  take (object, "t", G_TYPE_DOUBLE, &self->t);
  take (object, "strength", G_TYPE_DOUBLE, &self->strength);
  take (object, "jump-length", G_TYPE_INT, &self->jump_length);
  take (object, "jump-count", G_TYPE_INT, &self->jump_count);
  take (object, "new-layer", G_TYPE_BOOLEAN, &self->new_layer);
  self->target = take_string (self, object, "target");
  self->size = take_string (self, object, "size");
  take (object, "count", G_TYPE_INT, &self->count);
  take (object, "seamless", G_TYPE_BOOLEAN, &self->seamless);
  self->lambda = take_string (self, object, "lambda");
  self->noise = take_string (self, object, "noise");
  return self;
}

DiffusionSettings *
diffusion_settings_new_last (GimpProcedureConfig *config)
{
  DiffusionSettings *self = diffusion_settings_new (config);
  DiffusionModelFacts facts = { 0 };

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (config), "t") != NULL && self->t == 0.0 && self->strength == 0.0)
    {
      diffusion_model_facts_read (&facts, self->sampling.model, NULL);
      /* A model that is not there is told of when it is opened. */
      if (facts.schedule != NULL)
        self->t = diffusion_model_facts_get_usual_t (&facts);
      diffusion_model_facts_clear (&facts);
    }
  if (self->lambda != NULL && *self->lambda == '\0')
    self->lambda = DIFFUSION_USUAL_LAMBDA;
  return self;
}

void
diffusion_settings_free (DiffusionSettings *self)
{
  if (self == NULL)
    return;
  g_string_chunk_free (self->strings);
  g_free (self);
}

static gboolean
read_side (const char *text, gint *side)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 1, MAX_SIZE, &value, NULL))
    return FALSE;
  *side = (gint) value;
  return TRUE;
}

gboolean
diffusion_settings_get_size (const DiffusionSettings *self, gsize native, gint *width, gint *height, GError **error)
{
  g_auto (GStrv) parts = NULL;
  guint count;

  if (self->size == NULL || *self->size == '\0')
    {
      *width = *height = (gint) native;
      if (native > 0)
        return TRUE;
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("size: the model %s does not say its size"),
                   self->sampling.model);
      return FALSE;
    }
  parts = g_strsplit (self->size, "x", -1);
  count = g_strv_length (parts);
  if (count < 1 || count > 2 || !read_side (parts[0], width) || !read_side (parts[count - 1], height))
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                   _ ("size: found “%s”, expected a size as 256 or 320x200, each 1 to %d"), self->size, MAX_SIZE);
      return FALSE;
    }
  return TRUE;
}

GArray *
diffusion_settings_get_lambdas (const DiffusionSettings *self, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (double));
  g_auto (GStrv) parts = g_strsplit_set (self->lambda != NULL ? self->lambda : "", ", ", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      char *end = NULL;
      double number = g_ascii_strtod (parts[i], &end);

      if (*parts[i] == '\0')
        continue;
      /* Written so that NaN fails too. */
      if (*end != '\0' || !(number >= 0.0 && number <= 1.0))
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                       _ ("lambda: found “%s”, expected numbers from 0 to 1"), parts[i]);
          return NULL;
        }
      g_array_append_val (numbers, number);
    }
  if (numbers->len > 0)
    return g_steal_pointer (&numbers);
  g_set_error_literal (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                       _ ("lambda: none was given, expected numbers from 0 to 1"));
  return NULL;
}

gboolean
diffusion_settings_get_noise (const DiffusionSettings *self, DiffusionInterpolationType *type, GError **error)
{
  static const char *const names[] = { "shared", "slerp", "inversion" };

  *type = DIFFUSION_INTERPOLATE_SHARED_NOISE;
  if (self->noise == NULL || *self->noise == '\0')
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (self->noise, names[i]) == 0)
      {
        *type = (DiffusionInterpolationType) i;
        return TRUE;
      }
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
               _ ("noise: found “%s”, expected one of: shared, slerp, inversion"), self->noise);
  return FALSE;
}
