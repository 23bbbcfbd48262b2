/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which model: one that is installed, or a folder or file. */
#pragma once

#include <gtk/gtk.h>

#include "core/diffusion.h"

G_BEGIN_DECLS

#define DIFFUSION_TYPE_MODEL_CHOOSER (diffusion_model_chooser_get_type ())
G_DECLARE_FINAL_TYPE (DiffusionModelChooser, diffusion_model_chooser, DIFFUSION, MODEL_CHOOSER, GtkBox)

/**
 * diffusion_model_chooser_new:
 * @config: an object with a property of type string, which outlives the chooser
 * @property: its name; the name of an installed model, a folder or a file
 * @kind: what the model has to be; others are not offered
 *
 * What the chosen model is for, its licence and size are shown below; a model that is not there (any more) is
 * kept and said. Models can be added: copied to where the user's are.
 */
GtkWidget *diffusion_model_chooser_new (GObject *config, const char *property, DiffusionModelKind kind);

/** diffusion_model_chooser_allow: offers models of another kind too. */
void diffusion_model_chooser_allow (DiffusionModelChooser *self, DiffusionModelKind kind);

G_END_DECLS
