/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mean colours of the pictures that are trained on. */
#include "core/training/measure-colours.h"

#include "core/base/threads.h"

/* So many pictures' worth of the covariance that all classes have. */
#define COMMON 3

typedef struct
{
  const DiffusionDataset *dataset;
  double (*means)[3]; /* of each picture */
} Work;

static void
measure_picture (gsize index, guint worker, gpointer data)
{
  Work *work = data;
  gint width, height;
  g_autofree float *line = NULL;

  diffusion_dataset_get_picture (work->dataset, index, &width, &height, NULL);
  line = g_new (float, (gsize) width * 3);
  for (gint y = 0; y < height; y++)
    {
      diffusion_dataset_read (work->dataset, index, 0, y, width, 1, FALSE, line);
      for (gsize i = 0; i < (gsize) width * 3; i++)
        work->means[index][i % 3] += line[i] / ((double) width * height);
    }
}

static guint
class_of (const DiffusionDataset *dataset, gsize index)
{
  gint label;

  diffusion_dataset_get_picture (dataset, index, NULL, NULL, &label);
  return (guint) MAX (label, 0);
}

DiffusionMeanColours *
diffusion_measure_colours (const DiffusionDataset *dataset)
{
  gsize n = diffusion_dataset_get_size (dataset);
  guint classes = MAX (1, g_strv_length ((char **) diffusion_dataset_get_classes (dataset)));
  DiffusionMeanColours *colours = diffusion_mean_colours_new (classes);
  g_autofree double *counts = g_new0 (double, classes);
  double common[3][3] = { { 0 } };
  Work work = { dataset, g_malloc0 (n * sizeof (double[3])) };

  diffusion_parallel_for (n, measure_picture, &work);
  for (gsize i = 0; i < n; i++)
    {
      guint k = class_of (dataset, i);

      counts[k]++;
      for (guint a = 0; a < 3; a++)
        colours->each[k].mean[a] += work.means[i][a];
    }
  for (guint k = 0; k < classes; k++)
    for (guint a = 0; a < 3; a++)
      colours->each[k].mean[a] /= MAX (1, counts[k]);
  for (gsize i = 0; i < n; i++)
    {
      DiffusionMeanColour *colour = &colours->each[class_of (dataset, i)];

      for (guint a = 0; a < 3; a++)
        for (guint b = 0; b < 3; b++)
          {
            double product = (work.means[i][a] - colour->mean[a]) * (work.means[i][b] - colour->mean[b]);

            colour->covariance[a][b] += product;
            common[a][b] += product / (double) n;
          }
    }
  for (guint k = 0; k < classes; k++)
    for (guint a = 0; a < 3; a++)
      for (guint b = 0; b < 3; b++)
        colours->each[k].covariance[a][b]
          = (colours->each[k].covariance[a][b] + COMMON * common[a][b]) / (counts[k] + COMMON);
  g_free (work.means);
  return colours;
}
