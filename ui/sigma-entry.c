/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A switch for the estimate and a slider for everybody else. */
#include "ui/sigma-entry.h"

#include <gegl.h>
#include <libgimpwidgets/gimpwidgets.h>

#include "core/base/i18n.h"
#include "ui/accessible.h"

#define MAX_SIGMA     100.0
#define DEFAULT_SIGMA 15.0
#define DIFFERENT     0.1 /* the labels' precision */

struct _DiffusionSigmaEntry
{
  GtkBox parent_instance;

  GObject *config; /* the dialog owns it and outlives this */
  char *property;
  double estimate, least, most; /* negative before it is known */
  GtkWidget *automatic;
  GtkWidget *scale;
  gboolean updating;
};

G_DEFINE_TYPE (DiffusionSigmaEntry, diffusion_sigma_entry, GTK_TYPE_BOX)

/* Shows what the property says. */
static void
update (DiffusionSigmaEntry *self)
{
  double sigma;
  gboolean automatic;
  g_autofree char *label = NULL;

  if (self->updating)
    return;
  g_object_get (self->config, self->property, &sigma, NULL);
  automatic = sigma < 0;
  if (automatic && self->estimate >= 0)
    sigma = self->estimate;

  self->updating = TRUE;
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->automatic), automatic);
  gtk_widget_set_sensitive (self->scale, !automatic);
  if (sigma >= 0)
    gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->scale), sigma);
  label = self->estimate < 0                    ? g_strdup (_ ("_Automatic"))
          : self->most - self->least >= DIFFERENT ? g_strdup_printf (_ ("_Automatic (found %.1f to %.1f)"), self->least, self->most)
                                                  : g_strdup_printf (_ ("_Automatic (found %.1f)"), self->estimate);
  gtk_button_set_label (GTK_BUTTON (self->automatic), label);
  self->updating = FALSE;
}

static void
toggled (GtkToggleButton *button, DiffusionSigmaEntry *self)
{
  double sigma = -1.0;

  if (self->updating)
    return;
  if (!gtk_toggle_button_get_active (button))
    sigma = self->estimate >= 0 ? self->estimate : DEFAULT_SIGMA;
  g_object_set (self->config, self->property, sigma, NULL);
  update (self);
}

static void
changed (GtkSpinButton *scale, DiffusionSigmaEntry *self)
{
  if (self->updating || gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->automatic)))
    return;
  self->updating = TRUE;
  g_object_set (self->config, self->property, gtk_spin_button_get_value (scale), NULL);
  self->updating = FALSE;
}

void
diffusion_sigma_entry_set_estimate (DiffusionSigmaEntry *self, double estimate, double least, double most)
{
  self->estimate = estimate;
  self->least = least;
  self->most = most;
  update (self);
}

static void
diffusion_sigma_entry_finalize (GObject *object)
{
  g_free (DIFFUSION_SIGMA_ENTRY (object)->property);
  G_OBJECT_CLASS (diffusion_sigma_entry_parent_class)->finalize (object);
}

static void
diffusion_sigma_entry_class_init (DiffusionSigmaEntryClass *class)
{
  G_OBJECT_CLASS (class)->finalize = diffusion_sigma_entry_finalize;
}

static void
diffusion_sigma_entry_init (DiffusionSigmaEntry *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 6);
  self->estimate = -1.0;

  self->automatic = gtk_check_button_new_with_mnemonic (_ ("_Automatic"));
  gtk_widget_set_tooltip_text (self->automatic, _ ("Finds out how strong the noise of each layer is"));
  g_signal_connect (self->automatic, "toggled", G_CALLBACK (toggled), self);
  gtk_box_pack_start (GTK_BOX (self), self->automatic, FALSE, FALSE, 0);

  self->scale = gimp_spin_scale_new (gtk_adjustment_new (DEFAULT_SIGMA, 0.0, MAX_SIGMA, 0.5, 5.0, 0.0), _ ("_Level"), 1);
  gtk_widget_set_tooltip_text (self->scale, _ ("Standard deviation of the noise, on a scale from 0 to 255"));
  diffusion_set_accessible_name (self->scale, _ ("_Level"), NULL);
  g_signal_connect (self->scale, "value-changed", G_CALLBACK (changed), self);
  gtk_box_pack_start (GTK_BOX (self), self->scale, FALSE, FALSE, 0);
}

GtkWidget *
diffusion_sigma_entry_new (GObject *config, const char *property)
{
  DiffusionSigmaEntry *self = g_object_new (DIFFUSION_TYPE_SIGMA_ENTRY, NULL);
  g_autofree char *notify = g_strconcat ("notify::", property, NULL);

  self->config = config;
  self->property = g_strdup (property);
  g_signal_connect_object (config, notify, G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
  return GTK_WIDGET (self);
}
