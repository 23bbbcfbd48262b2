/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Datasets: listing, classes, cache, augmentation, determinism; and the noise of simulated cameras. */
#include "core/diffusion.h"

#include "../folder.h"

#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

static guint opened;

/* A fake decoder: the picture's size and colours hang on its name; names with "broken" fail. */
static DiffusionPicture *
open_fake (const char *path, GError **error)
{
  static float pixels[3][96 * 80 * 3];
  guint which = strstr (path, "wide") != NULL ? 1 : strstr (path, "flat") != NULL ? 2 : 0;
  DiffusionPicture *picture;
  gint width = which == 1 ? 96 : 80, height = which == 1 ? 60 : 80;

  opened++;
  if (strstr (path, "broken") != NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_FORMAT, "broken");
      return NULL;
    }
  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      {
        float *pixel = pixels[which] + (y * width + x) * 3;

        pixel[0] = which == 2 ? 0.25f : (float) x / (float) width;
        pixel[1] = which == 2 ? 0.5f : (float) y / (float) height;
        pixel[2] = which == 2 ? 0.75f : (float) ((x / 4 + y / 4) % 2);
      }
  picture = diffusion_picture_new_memory (width, height, 3, pixels[which], NULL);
  picture->bits = strstr (path, "deep") != NULL ? 16 : 8;
  return picture;
}

typedef struct
{
  char *root;
  char *cache;
} Folder;

static void
touch (const char *root, const char *name)
{
  g_autofree char *path = g_build_filename (root, name, NULL), *dir = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, name, -1, NULL));
}

static void
set_up (Folder *folder, gconstpointer data)
{
  static const char *const names[] = { "bark/a.png", "bark/wide.JPG", "moss/deep.tiff", "moss/flat.webp", "moss/notes.txt" };

  folder->root = g_dir_make_tmp ("diffusion-dataset-XXXXXX", NULL);
  folder->cache = g_build_filename (folder->root, "cache.bin", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    touch (folder->root, names[i]);
}

static void
tear_down (Folder *folder, gconstpointer data)
{
  folder_remove (folder->root);
  g_free (folder->root);
  g_free (folder->cache);
}

static DiffusionDataset *
open_dataset (const Folder *folder, gboolean by_class, const char *cache, GError **error)
{
  const char *folders[] = { folder->root, NULL };

  return diffusion_dataset_open (folders, open_fake, by_class, DIFFUSION_DATASET_ALL, 0, cache, NULL, NULL, NULL, error);
}

static void
test_listing (Folder *folder, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionDataset) dataset = NULL;
  const char *const *classes;
  gint label, width, height;

  touch (folder->root, "moss/broken.png");
  touch (folder->root, "beside.png");
  g_test_expect_message ("diffusion", G_LOG_LEVEL_WARNING, "*beside.png*");
  g_test_expect_message ("diffusion", G_LOG_LEVEL_WARNING, "*broken.png*");
  dataset = open_dataset (folder, TRUE, NULL, &error);
  g_test_assert_expected_messages ();
  g_assert_no_error (error);
  g_assert_cmpuint (diffusion_dataset_get_size (dataset), ==, 4);
  g_assert_cmpuint (diffusion_dataset_get_skipped (dataset), ==, 1);
  classes = diffusion_dataset_get_classes (dataset);
  g_assert_cmpstr (classes[0], ==, "bark");
  g_assert_cmpstr (classes[1], ==, "moss");
  g_assert_null (classes[2]);
  g_assert_true (g_str_has_suffix (diffusion_dataset_get_picture (dataset, 1, &width, &height, &label), "wide.JPG"));
  g_assert_cmpint (width, ==, 96);
  g_assert_cmpint (height, ==, 60);
  g_assert_cmpint (label, ==, 0);
}

static void
test_nothing (Folder *folder, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *empty = g_build_filename (folder->root, "empty", NULL);
  const char *folders[] = { empty, NULL };

  g_assert_null (diffusion_dataset_open (folders, open_fake, FALSE, DIFFUSION_DATASET_ALL, 0, NULL, NULL, NULL, NULL, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  touch (folder->root, "empty/broken.png");
  g_test_expect_message ("diffusion", G_LOG_LEVEL_WARNING, "*broken.png*");
  g_assert_null (diffusion_dataset_open (folders, open_fake, FALSE, DIFFUSION_DATASET_ALL, 0, NULL, NULL, NULL, NULL, &error));
  g_test_assert_expected_messages ();
  g_assert_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND);
}

static void
test_cache (Folder *folder, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionDataset) plain = open_dataset (folder, FALSE, NULL, &error);
  g_autofree float *a = g_new (float, 8 * 32 * 32 * 3), *b = g_new (float, 8 * 32 * 32 * 3);
  DiffusionAugmentation augmentation = diffusion_augmentation_photos ();
  g_autofree char *contents = NULL;
  gsize length;

  g_assert_no_error (error);
  diffusion_dataset_fill_batch (plain, &augmentation, 1, 2, 0, 8, 32, a, NULL);
  for (int round = 0; round < 5; round++)
    {
      g_autoptr (DiffusionDataset) cached = NULL;

      if (round == 2) /* a table that points outside */
        {
          g_assert_true (g_file_get_contents (folder->cache, &contents, &length, NULL));
          memset (contents + length - 8, 0x7F, 8);
          g_assert_true (g_file_set_contents (folder->cache, contents, (gssize) length, NULL));
          g_test_expect_message ("diffusion", G_LOG_LEVEL_WARNING, "*damaged*");
        }
      if (round == 3)
        g_assert_true (g_file_set_contents (folder->cache, "DIFFDAT1 and no more", -1, NULL));
      opened = 0;
      cached = open_dataset (folder, FALSE, folder->cache, &error);
      g_test_assert_expected_messages ();
      g_assert_no_error (error);
      /* Made at first and when damaged, mapped otherwise. */
      g_assert_cmpuint (opened, ==, round == 1 || round == 4 ? 0 : 4);
      memset (b, 0, 8 * 32 * 32 * 3 * sizeof (float));
      diffusion_dataset_fill_batch (cached, &augmentation, 1, 2, 0, 8, 32, b, NULL);
      g_assert_cmpmem (a, 8 * 32 * 32 * 3 * sizeof (float), b, 8 * 32 * 32 * 3 * sizeof (float));
    }
}

static void
test_parts (Folder *folder, gconstpointer data)
{
  const char *folders[] = { folder->root, NULL };
  g_autoptr (DiffusionDataset) train = NULL, held = NULL;

  for (int i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("moss/flat%d.png", i);

      touch (folder->root, name);
    }
  train = diffusion_dataset_open (folders, open_fake, TRUE, DIFFUSION_DATASET_TRAIN, 0.2, NULL, NULL, NULL, NULL, NULL);
  held = diffusion_dataset_open (folders, open_fake, TRUE, DIFFUSION_DATASET_HELD_OUT, 0.2, NULL, NULL, NULL, NULL, NULL);
  g_assert_cmpuint (diffusion_dataset_get_size (train) + diffusion_dataset_get_size (held), ==, 104);
  g_assert_cmpuint (diffusion_dataset_get_size (held), >, 8);
  g_assert_cmpuint (diffusion_dataset_get_size (held), <, 36);
}

static void
test_batches (Folder *folder, gconstpointer data)
{
  g_autoptr (DiffusionDataset) dataset = open_dataset (folder, TRUE, NULL, NULL);
  const gsize one = 24 * 24 * 3, n = 64;
  g_autofree float *a = g_new (float, n * one), *b = g_new (float, n * one), *whole = g_new (float, 80 * 80 * 3);
  DiffusionAugmentation augmentation = diffusion_augmentation_photos (), plain = { .n_scales = 0 };
  DiffusionAugmentation tiles = diffusion_augmentation_tiles ();
  gint classes[64];
  guint found = 0;

  /* The same whatever the threads and whatever else is in the batch. */
  diffusion_dataset_fill_batch (dataset, &augmentation, 9, 4, 0, n, 24, a, classes);
  diffusion_set_threads (3);
  diffusion_dataset_fill_batch (dataset, &augmentation, 9, 4, 0, 10, 24, b, NULL);
  diffusion_set_threads (0);
  g_assert_cmpmem (a, 10 * one * sizeof (float), b, 10 * one * sizeof (float));
  diffusion_dataset_fill_batch (dataset, &augmentation, 9, 5, 0, n, 24, b, NULL);
  g_assert_true (memcmp (a, b, one * sizeof (float)) != 0);

  /* In range; a flat picture stays flat through every filter. */
  for (gsize i = 0; i < n; i++)
    {
      gboolean flat = TRUE;

      for (gsize k = 0; k < one; k++)
        {
          g_assert_true (a[i * one + k] >= -1.0001f && a[i * one + k] <= 1.0001f);
          flat &= fabsf (a[i * one + k] - a[i * one + k % 3]) < 1e-4f;
        }
      if (flat)
        {
          found++;
          g_assert_cmpint (classes[i], ==, 1);
          g_assert_cmpfloat (fabsf (a[i * one] - (64 / 127.5f - 1)), <, 1e-3f);
        }
    }
  g_assert_cmpuint (found, >, 4);

  /* Without augmentation a patch is a piece of its picture; from a torus, too. */
  for (int round = 0; round < 2; round++)
    {
      diffusion_dataset_fill_batch (dataset, round == 0 ? &plain : &tiles, 9, 6, 0, n, 24, a, classes);
      found = 0;
      for (gsize i = 0; i < n; i++)
        for (gint y = 0; y < 80 && classes[i] == 0; y++)
          for (gint x = 0; x < 80; x++)
            {
              float piece[24 * 24 * 3];

              diffusion_dataset_read (dataset, 0, x, y, 1, 1, TRUE, piece);
              if (memcmp (piece, a + i * one, 3 * sizeof (float)) != 0)
                continue;
              diffusion_dataset_read (dataset, 0, x, y, 24, 24, TRUE, piece);
              found += memcmp (piece, a + i * one, one * sizeof (float)) == 0;
            }
      g_assert_cmpuint (found, >, 4);
    }

  /* Larger than every picture: continued by reflection. */
  g_clear_pointer (&a, g_free);
  a = g_new (float, 4 * 128 * 128 * 3);
  diffusion_dataset_fill_batch (dataset, &augmentation, 1, 1, 0, 4, 128, a, NULL);
  diffusion_dataset_read (dataset, 0, 0, 0, 80, 80, FALSE, whole);
  diffusion_dataset_read (dataset, 0, -3, -3, 7, 7, FALSE, b);
  g_assert_cmpmem (b, 3 * sizeof (float), whole + (3 * 80 + 3) * 3, 3 * sizeof (float));
}

/* Of the moss one picture is plain, and one has ramps and squares whose means are in the middle. */
static void
test_colours (Folder *folder, gconstpointer data)
{
  g_autoptr (DiffusionDataset) apart = open_dataset (folder, TRUE, NULL, NULL);
  g_autoptr (DiffusionDataset) together = open_dataset (folder, FALSE, NULL, NULL);
  g_autofree DiffusionMeanColours *classes = diffusion_measure_colours (apart);
  g_autofree DiffusionMeanColours *all = diffusion_measure_colours (together);
  /* Squares of the distance from the mean of the two, red and blue; the four pictures have a fourth each of the sum. */
  const double squares = 2 * 0.25 * 0.25, common = squares / 4;

  g_assert_cmpuint (classes->classes, ==, 2);
  g_assert_cmpfloat_with_epsilon (classes->each[0].mean[0], 0, 0.02);
  g_assert_cmpfloat_with_epsilon (classes->each[1].mean[0], -0.25, 0.02);
  g_assert_cmpfloat_with_epsilon (classes->each[1].mean[1], 0, 0.02);
  g_assert_cmpfloat_with_epsilon (classes->each[1].mean[2], 0.25, 0.02);
  g_assert_cmpfloat_with_epsilon (classes->each[1].covariance[0][0], (squares + 3 * common) / 5, 3e-3);
  g_assert_cmpfloat_with_epsilon (classes->each[1].covariance[0][2], -(squares + 3 * common) / 5, 3e-3);
  g_assert_cmpfloat_with_epsilon (classes->each[1].covariance[1][1], 0, 1e-3);
  g_assert_cmpfloat_with_epsilon (classes->each[0].covariance[0][0], 3 * common / 5, 3e-3);

  g_assert_cmpuint (all->classes, ==, 1);
  g_assert_cmpfloat_with_epsilon (all->each[0].mean[0], -0.125, 0.02);
  g_assert_cmpfloat_with_epsilon (all->each[0].covariance[0][0], 3 * 0.125 * 0.125 / 4 + 0.375 * 0.375 / 4, 3e-3);
}

static void
test_camera_noise (void)
{
  enum { SIZE = 48, CAMERAS = 200, COUNT = SIZE * SIZE * 3 };
  g_autofree float *clean = g_new (float, COUNT), *noise = g_new (float, COUNT), *again = g_new (float, COUNT);
  g_autofree double *sum = g_new0 (double, COUNT);
  double correlation = 0, across = 0, mean = 0, squares = 0, coarse = 0, coarse_colour = 0;

  for (int camera = 0; camera < CAMERAS; camera++)
    {
      DiffusionStream stream = { 5, DIFFUSION_PURPOSE_NOISE, (guint32) camera };
      double square = 0, lag = 0, far = 0, cross = 0, green = 0, red = 0, colour = 0, colours = 0;

      for (int i = 0; i < COUNT; i++)
        clean[i] = camera % 4 == 0 ? (camera % 8 == 0 ? 1 : -1) : (float) (i / 3 % SIZE) / SIZE * 2 - 1;
      diffusion_camera_noise (&stream, clean, SIZE, SIZE, noise);
      diffusion_camera_noise (&stream, clean, SIZE, SIZE, again);
      g_assert_cmpmem (noise, COUNT * sizeof (float), again, COUNT * sizeof (float));
      for (int i = 0; i < COUNT; i++)
        {
          g_assert_true (isfinite (noise[i]));
          square += (double) noise[i] * noise[i];
          sum[i] += noise[i];
        }
      g_assert_cmpfloat (fabs (square / COUNT - 1), <, 1e-3);
      for (int i = 0; i + 3 < COUNT; i += 3)
        {
          lag += (double) noise[i + 1] * noise[i + 4];
          green += (double) noise[i + 1] * noise[i + 1];
          red += (double) noise[i] * noise[i];
          cross += (double) noise[i] * noise[i + 1];
        }
      for (int i = 0; i + 6 < COUNT; i += 3)
        far += (double) noise[i + 1] * noise[i + 7];
      for (int i = 0; i + 9 < COUNT; i += 3)
        {
          colours += pow (noise[i] - noise[i + 1], 2);
          colour += (double) (noise[i] - noise[i + 1]) * (noise[i + 9] - noise[i + 10]);
        }
      coarse += far / green > 0.3 ? 1.0 / CAMERAS : 0;
      coarse_colour += colour / colours > 0.5 ? 1.0 / CAMERAS : 0;
      correlation += lag / green / CAMERAS;
      across += cross / sqrt (red * green) / CAMERAS;
    }
  /* Neighbours are correlated as in pictures of cameras, channels too. */
  g_assert_cmpfloat (correlation, >, 0.35);
  g_assert_cmpfloat (correlation, <, 0.7);
  g_assert_cmpfloat (across, >, 0.1);
  g_assert_cmpfloat (across, <, 0.7);
  /* Some cameras leave coarse grain: of sixteen JPEG files from two, half have such a correlation at two pixels. */
  g_assert_cmpfloat (coarse, >, 0.15);
  g_assert_cmpfloat (coarse, <, 0.5);
  /* Converters smooth colour more: red less green is correlated by 0.5 to 0.9 at three pixels in 20 of 21 pictures. */
  g_test_message ("coarse luma %.2f, coarse colour %.2f", coarse, coarse_colour);
  g_assert_cmpfloat (coarse_colour, >, 0.3);
  g_assert_cmpfloat (coarse_colour, <, 0.8);
  /* No bias: the mean over cameras is as small as chance makes it. */
  for (int i = 0; i < COUNT; i++)
    {
      mean += sum[i] / CAMERAS / COUNT;
      squares += pow (sum[i] / CAMERAS, 2) / COUNT;
    }
  g_assert_cmpfloat (fabs (mean), <, 0.02);
  g_assert_cmpfloat (sqrt (squares * CAMERAS), <, 1.3);
}

/* Of mean 0 and variance 1 everywhere, also between the corners of cells, and as coarse as asked for. */
static void
test_blotches (void)
{
  enum { SIZE = 37, FIELDS = 1500, COUNT = SIZE * SIZE };
  static const float finest[DIFFUSION_BLOTCH_OCTAVES] = { 2 }, coarsest[DIFFUSION_BLOTCH_OCTAVES] = { [3] = 0.5f };
  const float *const weights[] = { finest, coarsest };
  g_autofree float *field = g_new (float, COUNT), *again = g_new (float, COUNT);

  for (gsize k = 0; k < G_N_ELEMENTS (weights); k++)
    {
      g_autofree double *sums = g_new0 (double, COUNT), *squares = g_new0 (double, COUNT);
      double lagged = 0, square = 0, far = 0;

      for (guint i = 0; i < FIELDS; i++)
        {
          DiffusionStream stream = { 7, DIFFUSION_PURPOSE_NOISE, i };

          diffusion_blotches_fill (&stream, 8, weights[k], SIZE, SIZE, field);
          diffusion_blotches_fill (&stream, 8, weights[k], SIZE, SIZE, again);
          g_assert_cmpmem (field, COUNT * sizeof *field, again, COUNT * sizeof *again);
          for (gint j = 0; j < COUNT; j++)
            {
              sums[j] += field[j];
              squares[j] += (double) field[j] * field[j];
            }
          square += (double) field[0] * field[0];
          lagged += (double) field[0] * field[1];
          far += (double) field[0] * field[12];
        }
      for (gint j = 0; j < COUNT; j++)
        {
          g_assert_cmpfloat (fabs (sums[j] / FIELDS), <, 0.15);
          g_assert_cmpfloat (fabs (squares[j] / FIELDS - 1), <, 0.25);
        }
      g_assert_cmpfloat (lagged / square, >, k == 0 ? 0.7 : 0.98);
      if (k == 0)
        g_assert_cmpfloat (fabs (far / square), <, 0.1);
      else
        g_assert_cmpfloat (far / square, >, 0.6);
    }
}

/* The loss of one example of a network that predicts nothing. */
static double
example_loss (const DiffusionDataset *dataset, DiffusionNoiseKind noise, double camera_share, gint number, gint total)
{
  DiffusionPhotoTaskOptions options = diffusion_photo_task_options_default ();
  DiffusionTrainBatch batch
    = { .seed = 2, .step = (guint64) (number / total), .first = number % total, .n = 1, .total = total, .size = 32 };
  double loss = 0;

  options.config = (DiffusionPhotoConfig) { { 2, 2, 2 }, { 0, 0, 0, 0, 0 }, 2 };
  options.noise = noise;
  options.camera_share = camera_share;

  g_autoptr (DiffusionTrainTask) task = diffusion_photo_task_new (&options, dataset);

  g_assert_nonnull (diffusion_params_allocate (task->params, NULL));
  g_assert_true (task->run (task, &batch, NULL, &loss, NULL, NULL));
  return loss;
}

static void
test_mix (Folder *folder, gconstpointer data)
{
  static const struct
  {
    double share;
    gint batch;
    const char *kinds; /* of each example of the training, white or camera */
  } mixes[] = { { 0, 8, "wwwwwwww" },         { 0.25, 8, "wwwcwwwcwwwcwwwc" },  { 0.5, 8, "wcwcwcwc" },
                { 0.75, 4, "wcccwccc" },      { 1, 4, "cccc" },                 { 0.35, 2, "wwcwwcwwcwwc" },
                { 0.25, 1, "wwwcwwwcwwwc" },  { 0.31, 8, "wwwcwwcwwcwwcwwwc" } };
  g_autoptr (DiffusionDataset) dataset = open_dataset (folder, FALSE, NULL, NULL);

  for (gsize m = 0; m < G_N_ELEMENTS (mixes); m++)
    for (gint i = 0; mixes[m].kinds[i] != '\0'; i++)
      {
        double white = example_loss (dataset, DIFFUSION_NOISE_WHITE, 0.5, i, mixes[m].batch);
        double camera = example_loss (dataset, DIFFUSION_NOISE_CAMERA, 0.5, i, mixes[m].batch);

        g_assert_cmpfloat (white, !=, camera);
        g_assert_cmpfloat (example_loss (dataset, DIFFUSION_NOISE_MIX, mixes[m].share, i, mixes[m].batch), ==,
                           mixes[m].kinds[i] == 'w' ? white : camera);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/dataset/listing", Folder, NULL, set_up, test_listing, tear_down);
  g_test_add ("/dataset/nothing", Folder, NULL, set_up, test_nothing, tear_down);
  g_test_add ("/dataset/cache", Folder, NULL, set_up, test_cache, tear_down);
  g_test_add ("/dataset/parts", Folder, NULL, set_up, test_parts, tear_down);
  g_test_add ("/dataset/batches", Folder, NULL, set_up, test_batches, tear_down);
  g_test_add ("/dataset/colours", Folder, NULL, set_up, test_colours, tear_down);
  g_test_add ("/dataset/mix", Folder, NULL, set_up, test_mix, tear_down);
  g_test_add_func ("/blotches", test_blotches);
  g_test_add_func ("/camera-noise", test_camera_noise);
  return g_test_run ();
}
