/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a dialog has to know of a model before its weights are read. */
#pragma once

#include "core/diffusion.h"

G_BEGIN_DECLS

/**
 * DiffusionModelFacts:
 * @schedule: (nullable): its steps; %NULL where there is no such model
 * @last_t: the highest t it can start from, 1 to T
 * @native: its size, 0 for any
 * @classes: how many classes it has, or its classifier where it has none itself; 0 for none
 * @class_names: (nullable): their names
 * @class_labels: (nullable): the same for people, in their language where the model's card has it
 * @photo: it is for photographs, with little noise
 */
typedef struct
{
  DiffusionSchedule *schedule;
  gint last_t;
  gint native;
  guint classes;
  char **class_names, **class_labels;
  gboolean photo;
} DiffusionModelFacts;

/**
 * diffusion_model_facts_read:
 * @facts: (inout): what was there before is freed
 * @name: of a model
 * @classifier: (nullable): of the one that guides it
 */
void diffusion_model_facts_read (DiffusionModelFacts *facts, const char *name, const char *classifier);

void diffusion_model_facts_clear (DiffusionModelFacts *facts);

/** diffusion_model_facts_get_usual_t: a t to begin with: enough to see something change. */
double diffusion_model_facts_get_usual_t (const DiffusionModelFacts *facts);

/** diffusion_model_facts_describe_t: (transfer none): in plain words, what of a picture is kept from there. */
const char *diffusion_model_facts_describe_t (const DiffusionModelFacts *facts, double t);

G_END_DECLS
