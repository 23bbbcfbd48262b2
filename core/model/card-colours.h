/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mean colours of the classes, in a model card. */
#pragma once

#include <json-glib/json-glib.h>

#include "core/diffusion/mean-colours.h"

G_BEGIN_DECLS

/** diffusion_card_add_mean_colours: "mean_colours", one object a class: mean [3] and covariance [6], its upper half by
 * rows. */
void diffusion_card_add_mean_colours (JsonObject *card, const DiffusionMeanColours *colours);

/**
 * diffusion_card_get_mean_colours:
 * @card: (nullable): a model card
 *
 * Returns: (transfer full) (nullable): what diffusion_card_add_mean_colours() wrote; %NULL where there is none, or
 *   numbers that cannot be means and covariances of colours
 */
DiffusionMeanColours *diffusion_card_get_mean_colours (JsonObject *card);

G_END_DECLS
