/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows spread over a picture, and what was seen in each when they were denoised at several levels. */
#pragma once

#include "core/imaging/noise-windows.h"

G_BEGIN_DECLS

/* At most this many windows along either side. */
#define DIFFUSION_NOISE_SURVEY_SIDE 4
#define DIFFUSION_NOISE_SURVEY_WINDOWS (DIFFUSION_NOISE_SURVEY_SIDE * DIFFUSION_NOISE_SURVEY_SIDE)

/* Levels that are looked at: the lowest one, 0..255 units, and how many, a factor of two apart. */
#define DIFFUSION_NOISE_LOWEST 0.75
#define DIFFUSION_NOISE_STEPS 8

/* A level is too high while the next lower one still is this much above the noise. */
#define DIFFUSION_NOISE_ROOM 1.6

/* Blocks that are more like what is beside them than this show a pattern; noise is below 0.35, in most blocks. */
#define DIFFUSION_NOISE_PATTERN 0.45

/**
 * DiffusionNoiseSeen:
 * @known: it was looked at
 * @deviation: of what came off where the window is flat, 0..255 units
 * @correlation: of that with the same of the next pixel
 * @telling: blocks that tell something
 * @pattern: what came off where the window is flat repeats itself: cloth, a screen, a drawn texture, but not noise
 */
typedef struct
{
  gboolean known;
  double deviation;
  double correlation;
  gsize telling;
  gboolean pattern;
} DiffusionNoiseSeen;

/**
 * DiffusionNoiseSurvey:
 * @windows: the windows themselves
 * @columns: windows beside each other
 * @rows: windows above each other
 * @seen: by window and level
 */
typedef struct
{
  DiffusionNoiseWindows *windows;
  gint columns, rows;
  DiffusionNoiseSeen seen[DIFFUSION_NOISE_SURVEY_WINDOWS][DIFFUSION_NOISE_STEPS];
} DiffusionNoiseSurvey;

/** diffusion_noise_survey_level: the level of a step, 0..255 units. */
double diffusion_noise_survey_level (gint step);

/** diffusion_noise_survey_asks: so much noise may be the rest of more, as of noise without colour, much of which the network
 * takes for texture as long as the level is too low. */
gboolean diffusion_noise_survey_asks (gint step, double deviation);

/** diffusion_noise_survey_jumps: so much more came off at the next level that it is not texture but noise. */
gboolean diffusion_noise_survey_jumps (double deviation, double next);

/** diffusion_noise_survey_place: left or top edge of window @i of @n that are spread evenly along @size pixels. */
gint diffusion_noise_survey_place (gint i, gint n, gint size);

/** diffusion_noise_survey_describe: of @n blocks, which are sorted: those that tell something first, by what came off. */
DiffusionNoiseSeen diffusion_noise_survey_describe (DiffusionNoiseBlock *blocks, gsize n);

/**
 * diffusion_noise_survey_init:
 * @windows: (transfer none): room for %DIFFUSION_NOISE_SURVEY_WINDOWS
 *
 * Reads the windows; nothing is seen in them yet.
 */
gboolean diffusion_noise_survey_init (DiffusionNoiseSurvey *self, DiffusionNoiseWindows *windows,
                                      DiffusionPicture *picture, GError **error);

/**
 * diffusion_noise_survey_look:
 * @which: (array length=n): windows
 * @blocks: (out caller-allocates): [n, %DIFFUSION_NOISE_BLOCKS], in any order within a window
 *
 * Denoises windows at the level of @step.
 */
gboolean diffusion_noise_survey_look (DiffusionNoiseSurvey *self, const gsize *which, gsize n, gint step,
                                      DiffusionNoiseBlock *blocks, GCancellable *cancellable, GError **error);

G_END_DECLS
