/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a dialog has to know of a model. */
#include "plugin/model-facts.h"

#include <math.h>

#include "core/base/i18n.h"
#include "ui/model-card.h"

/* Noise, in 0 to 255 units, that a first try begins with. */
#define USUAL_SIGMA       100
#define USUAL_PHOTO_SIGMA 25

void
diffusion_model_facts_clear (DiffusionModelFacts *facts)
{
  g_clear_pointer (&facts->schedule, diffusion_schedule_unref);
  g_clear_pointer (&facts->class_names, g_strfreev);
  g_clear_pointer (&facts->class_labels, g_strfreev);
  *facts = (DiffusionModelFacts) { 0 };
}

/* (nullable) (transfer full) */
static char **
get_class_labels (const DiffusionModel *model, char *const *names)
{
  char **labels = g_strdupv ((char **) names);

  for (guint i = 0; labels != NULL && labels[i] != NULL; i++)
    {
      const char *label = diffusion_card_get_class_label (diffusion_model_get_card (model), i);

      if (label != NULL)
        {
          g_free (labels[i]);
          labels[i] = g_strdup (label);
        }
    }
  return labels;
}

static void
read_classes (DiffusionModelFacts *facts, DiffusionModel *model, gint classes)
{
  facts->classes = (guint) classes;
  facts->class_names = diffusion_model_get_class_names (model);
  facts->class_labels = get_class_labels (model, facts->class_names);
}

/* Guided, a model makes classes that it knows nothing of itself. */
static void
read_classifier (DiffusionModelFacts *facts, const char *name)
{
  g_autoptr (DiffusionModel) model = diffusion_model_open (name, NULL, NULL, NULL);

  if (model != NULL && diffusion_model_get_kind (model) == DIFFUSION_MODEL_CLASSIFIER)
    read_classes (facts, model, diffusion_model_get_unet (model)->out_channels);
}

void
diffusion_model_facts_read (DiffusionModelFacts *facts, const char *name, const char *classifier)
{
  g_autoptr (DiffusionModel) model = diffusion_model_open (name, NULL, NULL, NULL);
  const DiffusionUnetConfig *config;

  diffusion_model_facts_clear (facts);
  if (model == NULL)
    return;
  facts->schedule = diffusion_scheduler_config_make_schedule (diffusion_model_get_scheduler (model), NULL);
  if (facts->schedule == NULL)
    return;
  facts->photo = diffusion_model_get_kind (model) == DIFFUSION_MODEL_PHOTO;
  facts->last_t = facts->photo ? (gint) diffusion_photo_predictor_get_last_t (facts->schedule) + 1
                               : (gint) facts->schedule->steps;
  config = diffusion_model_get_unet (model);
  if (config == NULL)
    return;
  facts->native = config->sample_width == config->sample_height ? config->sample_width : 0;
  if (config->class_input == DIFFUSION_CLASS_LABEL)
    read_classes (facts, model, config->n_classes);
  else if (classifier != NULL && *classifier != '\0')
    read_classifier (facts, classifier);
}

double
diffusion_model_facts_get_usual_t (const DiffusionModelFacts *facts)
{
  double t;

  if (facts->schedule == NULL)
    return 1.0;
  t = 1.0 + diffusion_schedule_t_for_sigma (facts->schedule, facts->photo ? USUAL_PHOTO_SIGMA : USUAL_SIGMA);
  return CLAMP (round (t), 1.0, (double) facts->last_t);
}

const char *
diffusion_model_facts_describe_t (const DiffusionModelFacts *facts, double t)
{
  static const struct
  {
    double sigma; /* of the noise, 0 to 255 units, up to which it holds */
    const char *words;
  } scale[] = {
    { 8, N_ ("Keeps everything but grain") },
    { 25, N_ ("Keeps all but the finest details") },
    { 60, N_ ("Keeps shapes and colors, makes details anew") },
    { 150, N_ ("Keeps the rough shapes and colors") },
    { 500, N_ ("Keeps only the composition") },
    { HUGE_VAL, N_ ("Keeps next to nothing") },
  };
  double sigma = facts->schedule != NULL ? diffusion_schedule_sigma_for_t (facts->schedule, t - 1.0) : 0.0;
  guint i = 0;

  while (i + 1 < G_N_ELEMENTS (scale) && sigma > scale[i].sigma)
    i++;
  return _ (scale[i].words);
}
