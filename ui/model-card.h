/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a model's card says, in the user's language where the card has it:
 * "translations": { "de": { "description": "…", "classes": ["Ziegel", "Beton"] } }. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * diffusion_card_get_text:
 * @card: (nullable): of diffusion_model_get_card()
 * @member: as "description"
 *
 * Returns: (transfer none) (nullable): the member, %NULL where it is no text
 */
const char *diffusion_card_get_text (JsonObject *card, const char *member);

/**
 * diffusion_card_get_class_label:
 * @card: (nullable): as above
 * @i: number of a class
 *
 * Returns: (transfer none) (nullable): what people call it; %NULL where the card has no translation of it
 */
const char *diffusion_card_get_class_label (JsonObject *card, guint i);

G_END_DECLS
