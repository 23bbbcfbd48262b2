/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The noise level: found by itself, or given. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define DIFFUSION_TYPE_SIGMA_ENTRY (diffusion_sigma_entry_get_type ())
G_DECLARE_FINAL_TYPE (DiffusionSigmaEntry, diffusion_sigma_entry, DIFFUSION, SIGMA_ENTRY, GtkBox)

/**
 * diffusion_sigma_entry_new:
 * @config: an object with a property of type double
 * @property: its name; negative for automatic
 */
GtkWidget *diffusion_sigma_entry_new (GObject *config, const char *property);

/**
 * diffusion_sigma_entry_set_estimate:
 * @estimate: what automatic comes to for this picture, on average
 * @least: where there is least noise
 * @most: where there is most
 */
void diffusion_sigma_entry_set_estimate (DiffusionSigmaEntry *self, double estimate, double least, double most);

G_END_DECLS
