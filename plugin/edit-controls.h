/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The controls of generate, regenerate and interpolate, each bound to an argument. */
#pragma once

#include <libgimp/gimpui.h>

#include "plugin/model-facts.h"

G_BEGIN_DECLS

/** diffusion_row_new: a label with a mnemonic and a widget beside it, for a column of such rows. */
GtkWidget *diffusion_row_new (GtkSizeGroup *labels, const char *label, GtkWidget *widget);

/**
 * diffusion_choice_new:
 * @config: the arguments
 * @property: one of type string
 * @choices: (array zero-terminated=1): value and what it is called, in turn
 */
GtkWidget *diffusion_choice_new (GObject *config, const char *property, const char *const *choices);

/** diffusion_sampler_choice_new: for "sampler". */
GtkWidget *diffusion_sampler_choice_new (GObject *config);

/** diffusion_seed_new: for "seed": a number, and a button for another. */
GtkWidget *diffusion_seed_new (GObject *config);

/** diffusion_number_new: for a whole number, @least to @most. */
GtkWidget *diffusion_number_new (GObject *config, const char *property, double least, double most);

/** diffusion_t_scale_new: for "t": a scale with what it means in plain words. */
GtkWidget *diffusion_t_scale_new (GObject *config);

/** diffusion_t_scale_set_model: another model; a t that it cannot start from is moved. */
void diffusion_t_scale_set_model (GtkWidget *scale, const DiffusionModelFacts *facts);

/** diffusion_class_new: for "class": names of classes. */
GtkWidget *diffusion_class_new (GObject *config);

/** diffusion_class_set_model: another model; without classes the choice is hidden, a class that it has not is replaced. */
void diffusion_class_set_model (GtkWidget *chooser, GtkWidget *row, const DiffusionModelFacts *facts);

/** diffusion_classifier_new: for "classifier": the installed ones, and none. */
GtkWidget *diffusion_classifier_new (GObject *config);

/** diffusion_size_new: for "size": columns and rows. */
GtkWidget *diffusion_size_new (GObject *config);

/** diffusion_size_set_model: what an empty size stands for. */
void diffusion_size_set_model (GtkWidget *size, const DiffusionModelFacts *facts);

/** diffusion_harmonize_new: for "jump-length" and "jump-count". */
GtkWidget *diffusion_harmonize_new (GObject *config);

/** diffusion_between_new: for "lambda": how many pictures, equally spaced. */
GtkWidget *diffusion_between_new (GObject *config);

G_END_DECLS
