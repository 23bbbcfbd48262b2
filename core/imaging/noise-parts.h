/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in a picture the noise differs. */
#pragma once

#include "core/imaging/noise-map.h"
#include "core/imaging/noise-survey.h"

G_BEGIN_DECLS

/**
 * diffusion_noise_parts_find:
 * @survey: seen at its levels from 12 on down or up, as far as the whole picture asked for
 * @whole: what the whole picture's flat parts lost
 * @map: (inout): one level, that of the whole picture; stays so unless parts clearly differ from it
 *
 * A window differs where its own flat parts lose far more than the whole picture's, at the level that is right for it, and
 * no more at twice that level: texture goes on giving more. White noise tells plainly, so a factor of 1.5 counts; a camera's
 * follows the brightness and hides in its compression, so that takes 2.5. Less white noise counts too. Windows that cannot be
 * trusted go with their neighbours. Between windows that differ it looks closer.
 *
 * Returns: %FALSE with %G_IO_ERROR_CANCELLED or an error of the picture
 */
gboolean diffusion_noise_parts_find (DiffusionNoiseSurvey *survey, const DiffusionNoiseSeen *whole,
                                     DiffusionPicture *picture, DiffusionNoiseMap *map, GCancellable *cancellable,
                                     GError **error);

/** diffusion_noise_parts_correlated: how much noise of this correlation is like a camera's, from 0 (white) to 1. */
double diffusion_noise_parts_correlated (double correlation);

/** diffusion_noise_parts_sigma: the σ to denoise with, 0 where there is no noise to speak of. */
double diffusion_noise_parts_sigma (double deviation, double correlation);

G_END_DECLS
