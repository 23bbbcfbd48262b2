/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gradients of several processes added up while the backward pass still runs. */
#include "core/training/reduction.h"

/* A megabyte: large against what a message costs, small against the whole. */
#define BUCKET_VALUES (256u * 1024)

typedef struct
{
  gsize first, n;   /* values of the block */
  guint params;
  guint missing;    /* parameters whose gradients are not complete */
} Bucket;

struct _DiffusionReduction
{
  DiffusionGroup *group;
  float *gradients;
  GArray *buckets;  /* from the block's end to its start */
  guint *bucket_of; /* [params] */
  guint begun;
};

DiffusionReduction *
diffusion_reduction_new (DiffusionGroup *group, const DiffusionParams *params, float *gradients)
{
  DiffusionReduction *reduction = g_new0 (DiffusionReduction, 1);
  gsize end = diffusion_params_get_total (params);
  Bucket bucket = { 0 };

  reduction->group = group;
  reduction->gradients = gradients;
  reduction->buckets = g_array_new (FALSE, FALSE, sizeof (Bucket));
  reduction->bucket_of = g_new0 (guint, diffusion_params_get_n (params) + 1);
  for (guint i = diffusion_params_get_n (params); i-- > 0;)
    {
      const DiffusionParam *param = diffusion_params_get (params, i);

      bucket.first = param->offset;
      bucket.n = end - param->offset;
      bucket.params++;
      reduction->bucket_of[i] = reduction->buckets->len;
      if (bucket.n < BUCKET_VALUES && i > 0)
        continue;
      g_array_append_val (reduction->buckets, bucket);
      end = param->offset;
      bucket = (Bucket) { 0 };
    }
  return reduction;
}

void
diffusion_reduction_free (DiffusionReduction *reduction)
{
  if (reduction == NULL)
    return;
  g_array_unref (reduction->buckets);
  g_free (reduction->bucket_of);
  g_free (reduction);
}

void
diffusion_reduction_begin (DiffusionReduction *reduction)
{
  reduction->begun = 0;
  for (guint i = 0; i < reduction->buckets->len; i++)
    {
      Bucket *bucket = &g_array_index (reduction->buckets, Bucket, i);

      bucket->missing = bucket->params;
    }
}

static Bucket *
next_bucket (DiffusionReduction *reduction)
{
  return reduction->begun < reduction->buckets->len
           ? &g_array_index (reduction->buckets, Bucket, reduction->begun)
           : NULL;
}

static void
begin_bucket (DiffusionReduction *reduction, const Bucket *bucket)
{
  reduction->begun++;
  reduction->group->begin_sum (reduction->group, bucket->n, reduction->gradients + bucket->first);
}

void
diffusion_reduction_ready (guint param, gpointer data)
{
  DiffusionReduction *reduction = data;
  const Bucket *bucket;

  if (reduction->group == NULL)
    return;
  g_array_index (reduction->buckets, Bucket, reduction->bucket_of[param]).missing--;
  while ((bucket = next_bucket (reduction)) != NULL && bucket->missing == 0)
    begin_bucket (reduction, bucket);
  reduction->group->poll (reduction->group);
}

void
diffusion_reduction_rest (DiffusionReduction *reduction)
{
  const Bucket *bucket;

  while (reduction->group != NULL && (bucket = next_bucket (reduction)) != NULL)
    begin_bucket (reduction, bucket);
}
