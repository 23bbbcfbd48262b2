/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Part of a picture made anew. */
#include "core/imaging/regenerate.h"

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/base/memory.h"

/* What networks of any size are shown around the region, at least, and their grid starts at multiples of ALIGNMENT. */
#define SURROUNDINGS 96
#define ALIGNMENT    8

typedef struct
{
  gint x, y, width, height;
} Rectangle;

typedef struct
{
  const DiffusionPictureRegeneration *regeneration;
  Rectangle region; /* what may change */
  Rectangle crop;   /* what the network sees */
  gsize channels, model_channels;
  float *values; /* [crop, model_channels] */
  float *mask;   /* (nullable): [crop] */
  float *colors; /* (nullable): [region, channels], for previews */
} Job;

gboolean
diffusion_picture_check_channels (gsize channels, GError **error)
{
  if (channels == 1 || channels == 3)
    return TRUE;
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
               _("Found a model of %zu channels, expected 1 or 3"), channels);
  return FALSE;
}

void
diffusion_picture_to_model (const float *samples, gsize channels, gsize pixels, gsize model_channels, float *out)
{
  for (gsize i = 0; i < pixels; i++)
    for (gsize c = 0; c < model_channels; c++)
      {
        const float *pixel = samples + i * channels;
        float value = channels == model_channels ? pixel[c]
                      : channels == 1            ? pixel[0]
                                                 : (pixel[0] + pixel[1] + pixel[2]) / 3.0f;

        out[i * model_channels + c] = 2.0f * value - 1.0f;
      }
}

void
diffusion_picture_from_model (const float *values, gsize model_channels, gsize pixels, gsize channels, float *out)
{
  for (gsize i = 0; i < pixels; i++)
    for (gsize c = 0; c < channels; c++)
      {
        const float *pixel = values + i * model_channels;
        float value = channels == model_channels ? pixel[c]
                      : model_channels == 1      ? pixel[0]
                                                 : (pixel[0] + pixel[1] + pixel[2]) / 3.0f;

        out[i * channels + c] = 0.5f + 0.5f * value;
      }
}

/* The bounds of what the mask lets change, or FALSE where that is nothing. */
static gboolean
find_region (const DiffusionPictureRegeneration *regeneration, gint width, gint height, Rectangle *region)
{
  const gint *given = regeneration->region;
  gint left, top, right = -1, bottom = -1;

  *region = given != NULL ? (Rectangle) { given[0], given[1], given[2], given[3] } : (Rectangle) { 0, 0, width, height };
  if (regeneration->mask == NULL)
    return TRUE;
  left = region->width;
  top = region->height;
  for (gint y = 0; y < region->height; y++)
    for (gint x = 0; x < region->width; x++)
      /* Written so that NaN counts: it is refused later. */
      if (!(regeneration->mask[(gsize) y * (gsize) region->width + (gsize) x] == 0.0f))
        {
          left = MIN (left, x);
          right = MAX (right, x);
          top = MIN (top, y);
          bottom = MAX (bottom, y);
        }
  *region = (Rectangle) { region->x + left, region->y + top, right - left + 1, bottom - top + 1 };
  return right >= 0;
}

/* From start and length of what may change to those of what the network sees. */
static void
grow (const DiffusionPredictor *predictor, gint picture, gint *start, gint *length)
{
  gint native = (gint) predictor->native;
  gint least = native > 0 ? MAX (native, *length + native / 2) : *length + 2 * SURROUNDINGS;
  gint from = *start - (least - *length) / 2, to = from + least;

  /* What does not fit on one side goes to the other. */
  if (from < 0)
    to -= from;
  if (to > picture)
    from -= to - picture;
  from = MAX (from, 0);
  if (native == 0)
    from -= from % ALIGNMENT;
  *start = from;
  *length = MIN (to, picture) - from;
}

static Rectangle
find_crop (const DiffusionPredictor *predictor, gint width, gint height, const Rectangle *region)
{
  Rectangle crop = *region;

  grow (predictor, width, &crop.x, &crop.width);
  grow (predictor, height, &crop.y, &crop.height);
  return crop;
}

static gsize
area (const Rectangle *rectangle)
{
  return (gsize) rectangle->width * (gsize) rectangle->height;
}

/* Of the region that was given, which the job always has. */
static const float *
mask_row (const Job *job, gint y)
{
  const gint *given = job->regeneration->region;

  return job->regeneration->mask + (gsize) (y - given[1]) * (gsize) given[2] + (job->region.x - given[0]);
}

static void
fill_mask (Job *job)
{
  for (gsize i = 0; i < area (&job->crop); i++)
    job->mask[i] = 0.0f;
  for (gint y = 0; y < job->region.height; y++)
    {
      float *to = job->mask + (gsize) (job->region.y - job->crop.y + y) * (gsize) job->crop.width +
                  (job->region.x - job->crop.x);
      const float *from = job->regeneration->mask != NULL ? mask_row (job, job->region.y + y) : NULL;

      for (gint x = 0; x < job->region.width; x++)
        to[x] = from != NULL ? from[x] : 1.0f;
    }
}

static gboolean
job_alloc (Job *job, GError **error)
{
  gboolean part = job->regeneration->mask != NULL || area (&job->region) < area (&job->crop);

  job->values = diffusion_try_alloc (area (&job->crop) * job->model_channels * sizeof (float), _("the picture"), error);
  if (job->values == NULL)
    return FALSE;
  if (part)
    {
      job->mask = diffusion_try_alloc (area (&job->crop) * sizeof (float), _("the mask"), error);
      if (job->mask == NULL)
        return FALSE;
      fill_mask (job);
    }
  if (job->regeneration->preview != NULL)
    {
      job->colors = diffusion_try_alloc (area (&job->region) * job->channels * sizeof (float), _("previews"), error);
      return job->colors != NULL;
    }
  return TRUE;
}

static gboolean
job_read (Job *job, DiffusionPicture *picture, GError **error)
{
  const Rectangle *crop = &job->crop;
  float *row = diffusion_try_alloc ((gsize) crop->width * job->channels * sizeof (float), _("a row"), error);
  gboolean done = row != NULL;

  for (gint y = 0; done && y < crop->height; y++)
    {
      done = picture->read (picture, crop->x, crop->y + y, crop->width, 1, row, error);
      if (done)
        diffusion_picture_to_model (row, job->channels, (gsize) crop->width, job->model_channels,
                                    job->values + (gsize) y * (gsize) crop->width * job->model_channels);
    }
  diffusion_free (row);
  return done;
}

static const float *
region_row (const Job *job, const float *values, gint y)
{
  return values + ((gsize) (job->region.y - job->crop.y + y) * (gsize) job->crop.width +
                   (gsize) (job->region.x - job->crop.x)) *
                      job->model_channels;
}

static gboolean
job_write (const Job *job, DiffusionPicture *picture, GError **error)
{
  const Rectangle *region = &job->region;
  gsize width = (gsize) region->width, channels = job->channels;
  float *row = diffusion_try_alloc (2 * width * channels * sizeof (float), _("a row"), error);
  float *made = row + width * channels;
  gboolean done = row != NULL;

  for (gint y = 0; done && y < region->height; y++)
    {
      const float *mask = job->mask != NULL ? job->mask + (gsize) (region->y - job->crop.y + y) *
                                                              (gsize) job->crop.width + (region->x - job->crop.x)
                                            : NULL;

      done = picture->read (picture, region->x, region->y + y, region->width, 1, row, error);
      if (!done)
        break;
      diffusion_picture_from_model (region_row (job, job->values, y), job->model_channels, width, channels, made);
      for (gsize x = 0; x < width; x++)
        for (gsize c = x * channels; c < (x + 1) * channels && (mask == NULL || mask[x] > 0.0f); c++)
          row[c] = made[c];
      done = picture->write (picture, region->x, region->y + y, region->width, 1, row, error);
    }
  diffusion_free (row);
  return done;
}

static void
show (const DiffusionPreview *preview, gpointer data)
{
  Job *job = data;
  const DiffusionPictureRegeneration *regeneration = job->regeneration;
  DiffusionPicturePreview shown = { preview->step,     preview->steps,     job->region.x, job->region.y,
                                    job->region.width, job->region.height, job->colors };

  for (gint y = 0; y < job->region.height; y++)
    diffusion_picture_from_model (region_row (job, preview->x0, y), job->model_channels, (gsize) job->region.width,
                                  job->channels, job->colors + (gsize) y * (gsize) job->region.width * job->channels);
  regeneration->preview (&shown, regeneration->preview_data);
}

gboolean
diffusion_regenerate_picture (const DiffusionEditor *editor, DiffusionPicture *picture,
                              const DiffusionPictureRegeneration *regeneration, GError **error)
{
  Job job = { .regeneration = regeneration,
              .channels = (gsize) picture->channels,
              .model_channels = editor->predictor->channels };
  gint whole[4] = { 0, 0, picture->width, picture->height };
  DiffusionPictureRegeneration complete = *regeneration;
  DiffusionEditor placed = *editor;
  DiffusionRegeneration chain;
  gboolean done;

  if (complete.region == NULL)
    complete.region = whole;
  job.regeneration = &complete;
  if (!diffusion_picture_check_channels (job.model_channels, error))
    return FALSE;
  if (!find_region (&complete, picture->width, picture->height, &job.region))
    return TRUE;
  job.crop = find_crop (editor->predictor, picture->width, picture->height, &job.region);
  done = job_alloc (&job, error) && job_read (&job, picture, error);
  placed.x = job.crop.x;
  placed.y = job.crop.y;
  placed.preview = complete.preview != NULL ? show : NULL;
  placed.preview_data = &job;
  chain = (DiffusionRegeneration) { job.values, complete.t, job.mask, complete.jump_length, complete.jump_count };
  done = done &&
         diffusion_regenerate (&placed, &chain, 1, (gsize) job.crop.height, (gsize) job.crop.width, job.values, error) &&
         job_write (&job, picture, error);
  diffusion_free (job.values);
  diffusion_free (job.mask);
  diffusion_free (job.colors);
  return done;
}

double
diffusion_regenerate_picture_work (const DiffusionEditor *editor, gint width, gint height,
                                   const DiffusionPictureRegeneration *regeneration)
{
  const DiffusionPredictor *predictor = editor->predictor;
  const float some = 1.0f;
  DiffusionRegeneration chain = { .t = regeneration->t,
                                  .mask = &some,
                                  .jump_length = regeneration->jump_length,
                                  .jump_count = regeneration->jump_count };
  Rectangle region, crop;
  double evaluations;

  if (!find_region (regeneration, width, height, &region))
    return 0.0;
  crop = find_crop (predictor, width, height, &region);
  if (regeneration->mask == NULL && area (&region) == area (&crop))
    chain.mask = NULL;
  evaluations = (double) diffusion_editor_evaluations (editor, regeneration->t, &chain, (gsize) crop.height,
                                                       (gsize) crop.width);
  return evaluations * (predictor->native > 0 ? (double) (predictor->native * predictor->native) : (double) area (&crop));
}
