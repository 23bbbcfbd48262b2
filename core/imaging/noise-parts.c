/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in a picture the noise differs. */
#include "core/imaging/noise-parts.h"

#include <math.h>
#include <stdlib.h>

/* The step that the survey begins with. */
#define START 4

/* The best σ over the deviation where the picture is flat: correlated noise is a camera's, which is stronger where there
 * is something to see and in part looks like texture. No more than HIDDEN does, so strong noise is nearly all seen. */
#define WHITE_FACTOR 1.05
#define CORRELATED_FACTOR 2.5
#define HIDDEN 2.0
#define CORRELATED_FROM 0.1
#define CORRELATED_TO 0.5
/* Less does not show in 8 bits. */
#define NO_NOISE 0.35

/* By what factor noise has to differ, white and a camera's. */
#define WHITE_DIFFERENCE 1.5
#define CORRELATED_DIFFERENCE 2.5
/* Below this, texture of photographs without noise looks alike. */
#define LEAST_MORE 2.0
/* Noise loses no more than this at twice the level. */
#define PLATEAU 1.25
/* What a level takes off texture is less than this share of what it takes off noise of its strength, as mean squares. */
#define TEXTURE_SHARE 0.25
/* Levels closer than this are one: the network does not mind. */
#define SAME_LEVEL 1.4
/* Blocks of a window that have to tell something. */
#define LEAST_TELLING 16

/* Windows along either side where it looks closer, and nodes of the map in each. */
#define CLOSER_SIDE 16
#define NODES_OF_WINDOW (DIFFUSION_NOISE_MAP_NODES / CLOSER_SIDE)
#define BLOCKS_OF_NODE (DIFFUSION_NOISE_SIDE / NODES_OF_WINDOW)

/* Not to be trusted, or the index of a kind. */
#define UNKNOWN (-1)

/* Noise of one strength. */
typedef struct
{
  double deviation, correlation; /* means over its windows */
  double sigma;
  gint step;                     /* that is above it */
  gint windows;
} Kind;

typedef struct
{
  DiffusionNoiseSurvey *survey;
  DiffusionPicture *picture;
  Kind kinds[DIFFUSION_NOISE_MAP_LEVELS]; /* by rising deviation */
  gint n_kinds;
  gint of_window[DIFFUSION_NOISE_SURVEY_WINDOWS];
  GCancellable *cancellable;
} Parts;

/* A window that differs, before there are kinds. */
typedef struct
{
  gsize window;
  gint step;
  double deviation, correlation;
} Different;

double
diffusion_noise_parts_correlated (double correlation)
{
  return CLAMP ((correlation - CORRELATED_FROM) / (CORRELATED_TO - CORRELATED_FROM), 0, 1);
}

double
diffusion_noise_parts_sigma (double deviation, double correlation)
{
  if (deviation < NO_NOISE)
    return 0;
  return WHITE_FACTOR * deviation
         + diffusion_noise_parts_correlated (correlation) * (CORRELATED_FACTOR - WHITE_FACTOR) * MIN (deviation, HIDDEN);
}

static gboolean
is_below_noise (const DiffusionNoiseSeen *seen, gint step)
{
  double deviation = seen[step].deviation;

  return step + 1 < DIFFUSION_NOISE_STEPS && seen[step].known && !seen[step].pattern
         && !(seen[step + 1].known && seen[step + 1].pattern)
         && (deviation * DIFFUSION_NOISE_ROOM > diffusion_noise_survey_level (step)
             || (seen[step + 1].known && diffusion_noise_survey_asks (step, deviation)
                 && diffusion_noise_survey_jumps (deviation, seen[step + 1].deviation)));
}

/* The step that is right for a window: the lowest known one that is still above its noise, or the one to look at next. */
static gint
own_step (const DiffusionNoiseSeen *seen)
{
  gint step = START;

  if (is_below_noise (seen, step))
    while (is_below_noise (seen, step))
      step++;
  else
    while (step > 0 && seen[step - 1].known
           && (seen[step].pattern
               || seen[step].deviation * DIFFUSION_NOISE_ROOM < diffusion_noise_survey_level (step - 1)))
      step--;
  return step;
}

static gsize
count_windows (const DiffusionNoiseSurvey *survey)
{
  return (gsize) survey->columns * (gsize) survey->rows;
}

static gboolean
look_at (Parts *parts, const gsize *which, gsize n, gint step, GError **error)
{
  g_autofree DiffusionNoiseBlock *blocks = g_new (DiffusionNoiseBlock, n * DIFFUSION_NOISE_BLOCKS);

  return n == 0 || diffusion_noise_survey_look (parts->survey, which, n, step, blocks, parts->cancellable, error);
}

/* Looks at higher levels where a window's noise asks for them; looked: whether it had to. */
static gboolean
find_own_steps (Parts *parts, gboolean *looked, GError **error)
{
  gsize which[DIFFUSION_NOISE_SURVEY_WINDOWS];

  for (gint step = START + 1; step < DIFFUSION_NOISE_STEPS; step++)
    {
      gsize n = 0;

      for (gsize i = 0; i < count_windows (parts->survey); i++)
        if (own_step (parts->survey->seen[i]) == step && !parts->survey->seen[i][step].known)
          which[n++] = i;
      *looked |= n > 0;
      if (!look_at (parts, which, n, step, error))
        return FALSE;
    }
  return TRUE;
}

/* And at the next one where it has more than the others. */
static gboolean
find_plateaus (Parts *parts, double more, gboolean *looked, GError **error)
{
  gsize which[DIFFUSION_NOISE_SURVEY_WINDOWS];

  for (gint step = 1; step < DIFFUSION_NOISE_STEPS; step++)
    {
      gsize n = 0;

      for (gsize i = 0; i < count_windows (parts->survey); i++)
        {
          const DiffusionNoiseSeen *seen = parts->survey->seen[i];

          if (!seen[step].known && own_step (seen) == step - 1 && seen[step - 1].deviation > more)
            which[n++] = i;
        }
      *looked |= n > 0;
      if (!look_at (parts, which, n, step, error))
        return FALSE;
    }
  return TRUE;
}

static gint
compare_different (gconstpointer a, gconstpointer b)
{
  double first = ((const Different *) a)->deviation, second = ((const Different *) b)->deviation;

  return first < second ? -1 : first > second;
}

/* Windows of similar noise become a kind; the base stays where it is. */
static void
add_kinds (Parts *parts, Different *different, gsize n)
{
  double least = 0;

  qsort (different, n, sizeof *different, compare_different);
  for (gsize i = 0; i < n; i++)
    {
      Kind *kind;

      if (i == 0 || (different[i].deviation > SAME_LEVEL * least && parts->n_kinds < DIFFUSION_NOISE_MAP_LEVELS))
        {
          least = different[i].deviation;
          parts->kinds[parts->n_kinds++] = (Kind) { .windows = 0 };
        }
      kind = &parts->kinds[parts->n_kinds - 1];
      kind->windows++;
      kind->deviation += (different[i].deviation - kind->deviation) / kind->windows;
      kind->correlation += (different[i].correlation - kind->correlation) / kind->windows;
      kind->sigma = diffusion_noise_parts_sigma (kind->deviation, kind->correlation);
      kind->step = MAX (kind->step, different[i].step);
      parts->of_window[different[i].window] = parts->n_kinds - 1;
    }
}

/* Sorts the windows by their noise. Returns how many have more or less than the whole. */
static gsize
find_kinds (Parts *parts, const DiffusionNoiseSeen *whole, double sigma)
{
  const double share = diffusion_noise_parts_correlated (whole->correlation);
  const double factor = WHITE_DIFFERENCE + share * (CORRELATED_DIFFERENCE - WHITE_DIFFERENCE);
  const double more = MAX (factor * whole->deviation, LEAST_MORE);
  const double less = share == 0 && sigma > 0 ? whole->deviation / factor : 0;
  Different above[DIFFUSION_NOISE_SURVEY_WINDOWS], below[DIFFUSION_NOISE_SURVEY_WINDOWS];
  gsize n_above = 0, n_below = 0;
  gint base;

  for (gsize i = 0; i < count_windows (parts->survey); i++)
    {
      const DiffusionNoiseSeen *seen = parts->survey->seen[i];
      gint step = own_step (seen), next = MIN (step + 1, DIFFUSION_NOISE_STEPS - 1), highest = DIFFUSION_NOISE_STEPS - 1;
      const Different one = { i, step, seen[step].deviation, seen[step].correlation };

      parts->of_window[i] = UNKNOWN;
      if (seen[step].telling < LEAST_TELLING)
        continue;
      while (!seen[highest].known)
        highest--;
      /* At a level that is too low noise may look like less. */
      if (one.deviation < less && seen[highest].deviation < less)
        below[n_below++] = one;
      else if (one.deviation <= more || seen[step].pattern || seen[next].pattern)
        parts->of_window[i] = DIFFUSION_NOISE_MAP_LEVELS; /* the base, whose index is not known yet */
      else if (seen[next].deviation < PLATEAU * one.deviation)
        above[n_above++] = one;
    }
  add_kinds (parts, below, n_below);
  base = parts->n_kinds < DIFFUSION_NOISE_MAP_LEVELS ? parts->n_kinds++ : parts->n_kinds - 1;
  parts->kinds[base] = (Kind) { whole->deviation, whole->correlation, sigma, 0, 1 };
  for (gsize i = 0; i < count_windows (parts->survey); i++)
    if (parts->of_window[i] == DIFFUSION_NOISE_MAP_LEVELS)
      parts->of_window[i] = base;
  add_kinds (parts, above, n_above);
  return n_above + n_below;
}

/* What cannot be trusted goes with the nearest that can. */
static void
fill_unknown (Parts *parts)
{
  const gint columns = parts->survey->columns, n = (gint) count_windows (parts->survey);
  gint known[DIFFUSION_NOISE_SURVEY_WINDOWS];

  for (gint i = 0; i < n; i++)
    known[i] = parts->of_window[i];
  for (gint i = 0; i < n; i++)
    {
      gint nearest = G_MAXINT;

      for (gint k = 0; known[i] == UNKNOWN && k < n; k++)
        {
          gint x = k % columns - i % columns, y = k / columns - i / columns;

          if (known[k] != UNKNOWN && x * x + y * y < nearest)
            {
              nearest = x * x + y * y;
              parts->of_window[i] = known[k];
            }
        }
    }
}

/* Kinds of the windows of the survey around a place, in shares of the picture; present: by kind. Returns their number. */
static gint
find_around (const Parts *parts, double x, double y, gboolean *present, gint *nearest)
{
  const DiffusionNoiseSurvey *survey = parts->survey;
  double least = INFINITY;
  gint n = 0;

  for (gint k = 0; k < parts->n_kinds; k++)
    present[k] = FALSE;
  for (gint j = 0; j < survey->rows; j++)
    for (gint i = 0; i < survey->columns; i++)
      {
        gint kind = parts->of_window[j * survey->columns + i];
        /* In distances between windows. */
        double across = fabs (x * survey->columns - 0.5 - i), down = fabs (y * survey->rows - 0.5 - j);

        if (across > 1.01 || down > 1.01)
          continue;
        n += !present[kind];
        present[kind] = TRUE;
        if (across + down < least)
          {
            least = across + down;
            *nearest = kind;
          }
      }
  return n;
}

/* Mean square of what the quieter half of a node's blocks lost; negative where none tells. */
static double
node_energy (const DiffusionNoiseBlock *blocks, gint x, gint y)
{
  double least = INFINITY, second = INFINITY;

  for (gint j = 0; j < BLOCKS_OF_NODE; j++)
    for (gint i = 0; i < BLOCKS_OF_NODE; i++)
      {
        const DiffusionNoiseBlock *block
            = &blocks[(y * BLOCKS_OF_NODE + j) * DIFFUSION_NOISE_SIDE + x * BLOCKS_OF_NODE + i];

        if (!block->tells || block->repeats > DIFFUSION_NOISE_PATTERN)
          continue;
        second = MIN (second, MAX (least, block->total));
        least = MIN (least, block->total);
      }
  return isinf (least) ? -1 : isinf (second) ? least : (least + second) / 2;
}

/* The windows of a closer look: all, and those where kinds meet. */
typedef struct
{
  gint columns, rows;
  gint kinds[CLOSER_SIDE * CLOSER_SIDE]; /* of the nearest window of the survey */
  gsize mixed[CLOSER_SIDE * CLOSER_SIDE];
  gsize n_mixed;
} Closer;

static void
closer_init (Closer *closer, const Parts *parts)
{
  gboolean present[DIFFUSION_NOISE_MAP_LEVELS];

  closer->columns = CLAMP (parts->picture->width / DIFFUSION_NOISE_WINDOW, 1, CLOSER_SIDE);
  closer->rows = CLAMP (parts->picture->height / DIFFUSION_NOISE_WINDOW, 1, CLOSER_SIDE);
  closer->n_mixed = 0;
  for (gint i = 0; i < closer->columns * closer->rows; i++)
    if (find_around (parts, (i % closer->columns + 0.5) / closer->columns, (i / closer->columns + 0.5) / closer->rows, present,
                     &closer->kinds[i])
        > 1)
      closer->mixed[closer->n_mixed++] = (gsize) i;
}

static guint8 *
node_at (DiffusionNoiseMap *map, const Closer *closer, gsize window, gint x, gint y)
{
  gint column = (gint) window % closer->columns * NODES_OF_WINDOW + x;
  gint row = (gint) window / closer->columns * NODES_OF_WINDOW + y;

  return &map->levels[row * map->columns + column];
}

/* A kind of more noise is there where what came off is nearer to it than to the one before, and not just texture. */
static void
raise_nodes (const Parts *parts, const Closer *closer, gsize window, gint kind, const DiffusionNoiseBlock *blocks,
             DiffusionNoiseMap *map)
{
  gboolean present[DIFFUSION_NOISE_MAP_LEVELS];
  gint nearest, lower = 0;
  double least;

  find_around (parts, ((gint) window % closer->columns + 0.5) / closer->columns,
               ((gint) window / closer->columns + 0.5) / closer->rows, present, &nearest);
  if (!present[kind])
    return;
  for (gint k = 0; k < kind; k++)
    if (present[k])
      lower = k;
  least = parts->kinds[kind].deviation * MAX (parts->kinds[lower].deviation, TEXTURE_SHARE * parts->kinds[kind].deviation);
  for (gint y = 0; y < NODES_OF_WINDOW; y++)
    for (gint x = 0; x < NODES_OF_WINDOW; x++)
      {
        double energy = node_energy (blocks, x, y);
        guint8 *node = node_at (map, closer, window, x, y);

        if (energy < 0)
          *node = (guint8) nearest;
        else if (*node == lower && energy > least)
          *node = (guint8) kind;
      }
}

/* Denoises windows in which kinds meet at the levels of these, some at a time. */
static gboolean
look_closer (Parts *parts, const Closer *closer, DiffusionNoiseMap *map, GError **error)
{
  DiffusionNoiseWindows *windows = parts->survey->windows;
  g_autofree DiffusionNoiseBlock *blocks
      = g_new (DiffusionNoiseBlock, DIFFUSION_NOISE_SURVEY_WINDOWS * DIFFUSION_NOISE_BLOCKS);
  gsize which[DIFFUSION_NOISE_SURVEY_WINDOWS];

  for (gsize first = 0; first < closer->n_mixed; first += DIFFUSION_NOISE_SURVEY_WINDOWS)
    {
      gsize n = MIN (closer->n_mixed - first, DIFFUSION_NOISE_SURVEY_WINDOWS);

      diffusion_noise_windows_clear (windows);
      for (gsize i = 0; i < n; i++)
        {
          gint window = (gint) closer->mixed[first + i];

          which[i] = i;
          if (!diffusion_noise_windows_add (
                  windows, parts->picture,
                  diffusion_noise_survey_place (window % closer->columns, closer->columns, parts->picture->width),
                  diffusion_noise_survey_place (window / closer->columns, closer->rows, parts->picture->height), error))
            return FALSE;
        }
      for (gint kind = 1; kind < parts->n_kinds; kind++)
        {
          gint step = MAX (parts->kinds[kind].step, 1);

          if (!diffusion_noise_windows_measure (windows, which, n, diffusion_noise_survey_level (step), blocks,
                                                parts->cancellable, error))
            return FALSE;
          for (gsize i = 0; i < n; i++)
            raise_nodes (parts, closer, closer->mixed[first + i], kind, blocks + i * DIFFUSION_NOISE_BLOCKS, map);
        }
    }
  return TRUE;
}

/* Begins with what the survey says; where kinds meet, with the lowest of them. */
static void
place_nodes (const Parts *parts, const Closer *closer, DiffusionNoiseMap *map)
{
  gboolean present[DIFFUSION_NOISE_MAP_LEVELS];
  gint nearest;

  map->columns = closer->columns * NODES_OF_WINDOW;
  map->rows = closer->rows * NODES_OF_WINDOW;
  for (gint i = 0; i < map->columns; i++)
    map->x[i] = diffusion_noise_survey_place (i / NODES_OF_WINDOW, closer->columns, parts->picture->width)
                + (2 * (i % NODES_OF_WINDOW) + 1) * DIFFUSION_NOISE_BLOCK * BLOCKS_OF_NODE / 2;
  for (gint j = 0; j < map->rows; j++)
    map->y[j] = diffusion_noise_survey_place (j / NODES_OF_WINDOW, closer->rows, parts->picture->height)
                + (2 * (j % NODES_OF_WINDOW) + 1) * DIFFUSION_NOISE_BLOCK * BLOCKS_OF_NODE / 2;
  for (gint i = 0; i < closer->columns * closer->rows; i++)
    {
      gint kind = 0;

      find_around (parts, (i % closer->columns + 0.5) / closer->columns, (i / closer->columns + 0.5) / closer->rows, present,
                   &nearest);
      while (!present[kind])
        kind++;
      for (gint k = 0; k < NODES_OF_WINDOW * NODES_OF_WINDOW; k++)
        *node_at (map, closer, (gsize) i, k % NODES_OF_WINDOW, k / NODES_OF_WINDOW) = (guint8) kind;
    }
}

/* Gives each node what most of its neighbours and itself have. */
static void
smooth_nodes (DiffusionNoiseMap *map)
{
  g_autofree guint8 *before = g_memdup2 (map->levels, (gsize) map->columns * (gsize) map->rows);

  for (gint j = 0; j < map->rows; j++)
    for (gint i = 0; i < map->columns; i++)
      {
        gint counts[DIFFUSION_NOISE_MAP_LEVELS] = { 0 }, own = before[j * map->columns + i], best = own;

        for (gint y = MAX (j - 1, 0); y <= MIN (j + 1, map->rows - 1); y++)
          for (gint x = MAX (i - 1, 0); x <= MIN (i + 1, map->columns - 1); x++)
            counts[before[y * map->columns + x]]++;
        for (gint k = 0; k < DIFFUSION_NOISE_MAP_LEVELS; k++)
          if (counts[k] > counts[best])
            best = k;
        map->levels[j * map->columns + i] = (guint8) best;
      }
}

/* From kinds to levels: one for those that are nearly the same, and only those that occur. */
static void
name_levels (const Parts *parts, DiffusionNoiseMap *map)
{
  gint level_of[DIFFUSION_NOISE_MAP_LEVELS];
  gboolean present[DIFFUSION_NOISE_MAP_LEVELS] = { FALSE };

  for (gint i = 0; i < map->columns * map->rows; i++)
    present[map->levels[i]] = TRUE;
  map->n_levels = 0;
  for (gint k = 0; k < parts->n_kinds; k++)
    {
      double sigma = parts->kinds[k].sigma;

      if (!present[k])
        continue;
      level_of[k] = 0;
      while (level_of[k] < map->n_levels
             && !(sigma < SAME_LEVEL * map->sigmas[level_of[k]] && map->sigmas[level_of[k]] < SAME_LEVEL * sigma))
        level_of[k]++;
      if (level_of[k] == map->n_levels)
        map->sigmas[map->n_levels++] = sigma;
    }
  for (gint i = 0; i < map->columns * map->rows; i++)
    map->levels[i] = (guint8) level_of[map->levels[i]];
}

gboolean
diffusion_noise_parts_find (DiffusionNoiseSurvey *survey, const DiffusionNoiseSeen *whole, DiffusionPicture *picture,
                            DiffusionNoiseMap *map, GCancellable *cancellable, GError **error)
{
  const double sigma = map->sigmas[0];
  const double share = diffusion_noise_parts_correlated (whole->correlation);
  const double factor = WHITE_DIFFERENCE + share * (CORRELATED_DIFFERENCE - WHITE_DIFFERENCE);
  Parts parts = { .survey = survey, .picture = picture, .cancellable = cancellable };
  Closer closer;
  gboolean looked;

  /* What is seen at a level may ask for the next one. */
  do
    {
      looked = FALSE;
      if (!find_own_steps (&parts, &looked, error)
          || !find_plateaus (&parts, MAX (factor * whole->deviation, LEAST_MORE), &looked, error))
        return FALSE;
    }
  while (looked);
  if (find_kinds (&parts, whole, sigma) == 0)
    return TRUE;
  fill_unknown (&parts);
  closer_init (&closer, &parts);
  place_nodes (&parts, &closer, map);
  if (!look_closer (&parts, &closer, map, error))
    return FALSE;
  smooth_nodes (map);
  name_levels (&parts, map);
  if (map->n_levels == 1)
    diffusion_noise_map_init_even (map, map->sigmas[0]);
  return TRUE;
}
