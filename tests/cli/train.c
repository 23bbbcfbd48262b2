/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diffusion train and train-classifier as a user runs them. */
#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

#include "command.h"
#include "core/diffusion.h"
#include "core/model/json.h"
#include "core/pictures/pictures.h"
#include "fixture.h"

/* A network that takes no time. */
#define NANO                                                                                                          \
  "--preset", "tiny", "--size", "8", "--widths", "8,16", "--groups", "4", "--attention", "none", "--middle-attention", \
    "no", "--batch", "4", "--warmup", "2", "--precision", "f32"

typedef struct
{
  char *folder, *data, *out;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "red/1.png", "red/2.jpg", "sea/1.webp", "sea/2.tif", "sea/gray.png" };

  f->folder = command_temporary_folder ();
  f->data = g_build_filename (f->folder, "data", NULL);
  f->out = g_build_filename (f->folder, "out", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (f->data, names[i], NULL), *folder = g_path_get_dirname (path);

      g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
      fixture_picture (path, 20, 16, i == 4 ? 1 : 3, i == 3 ? 16 : 8);
    }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  folder_remove (f->folder);
  g_free (f->folder);
  g_free (f->data);
  g_free (f->out);
}

/* Runs "train DATA OUT" with the small network and more flags. */
static CommandResult *
train (const Fixture *f, const char *out, const char *first, ...)
{
  static const char *const nano[] = { NANO };
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  va_list list;

  g_ptr_array_add (words, (gpointer) "train");
  g_ptr_array_add (words, f->data);
  g_ptr_array_add (words, (gpointer) out);
  for (gsize i = 0; i < G_N_ELEMENTS (nano); i++)
    g_ptr_array_add (words, (gpointer) nano[i]);
  va_start (list, first);
  for (const char *word = first; word != NULL; word = va_arg (list, const char *))
    g_ptr_array_add (words, (gpointer) word);
  va_end (list);
  g_ptr_array_add (words, NULL);
  return command_runv ((const char *const *) words->pdata);
}

static char *
weights_hash (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "diffusion_pytorch_model.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  char *hash = diffusion_file_hash (path, NULL, &error);

  g_assert_no_error (error);
  return hash;
}

static guint
count_checkpoints (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    n += g_str_has_prefix (name, "checkpoint-") && g_str_has_suffix (name, ".safetensors");
  return n;
}

static void
assert_picture (const char *folder, const char *name, gint width, gint height)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DiffusionPicture) picture = diffusion_pictures_open (path, &error);

  g_assert_no_error (error);
  g_assert_cmpint (picture->width, ==, width);
  g_assert_cmpint (picture->height, ==, height);
}

/* Each with what the message has to say; nothing is left behind. */
static void
test_refusals (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *flag, *value, *message;
  } cases[] = {
    { "--steps", "0", "--steps: found “0”, expected a whole number from 1" },
    { "--learning-rate", "nan", "--learning-rate: found “nan”" },
    { "--predict", "sigma", "expected one of: epsilon, x0, mu, v" },
    { "--ema", "0.9,1.5", "--ema: found “0.9,1.5”, expected 1 to 4 numbers" },
    { "--attention", "5", "attention: found a resolution" },
    { "--groups", "3", "norm_num_groups of 3 does not divide" },
    { "--size", "9", "expected multiples of 2" },
    { "--phases", "0.5:4:8", "shares that rise to 1" },
    { "--t-range", "5,2000", "t-range: found t from 5 to 2000" },
    { "--memory", "lots", "memory: found “lots”, expected a size as 4G" },
    { "--loss", "hybrid", "loss: the hybrid loss needs a learned variance" },
    { "--turns", "red", "turns: found “red”, expected yes or no" },
    { "--preset", "huge", "--preset: found “huge”, expected one of: photo, tiny" },
    { "--network", "classifier", "see “diffusion train-classifier”" },
    { "--architecture", "unknown", "architecture: found “unknown”, expected one of" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CommandResult) result = train (f, f->out, cases[i].flag, cases[i].value, NULL);

      command_assert (result, 2, cases[i].message);
      g_assert_false (g_file_test (f->out, G_FILE_TEST_EXISTS));
    }
}

static void
test_data (Fixture *f, gconstpointer data)
{
  g_autofree char *broken = g_build_filename (f->data, "sea", "broken.jpg", NULL);
  g_autofree char *empty = g_build_filename (f->folder, "empty", NULL);
  g_autofree char *damaged = g_build_filename (f->data, "red", "2.jpg", NULL);
  g_autoptr (CommandResult) skipped = NULL, nothing = NULL, missing = NULL;

  g_assert_true (g_file_set_contents (broken, "no picture", -1, NULL));
  fixture_truncate (damaged);
  skipped = train (f, f->out, "--steps", "1", NULL);
  command_assert (skipped, 0, "4 pictures (2 files could not be read)");
  g_assert_nonnull (strstr (skipped->err, "broken.jpg"));

  g_assert_cmpint (g_mkdir (empty, 0700), ==, 0);
  nothing = command_run ("train", empty, f->out, NANO, NULL);
  command_assert (nothing, 1, "No usable picture");
  missing = command_run ("train", "nowhere", f->out, NANO, NULL);
  command_assert (missing, 1, "nowhere");
}

/* The same settings from a file and from flags give the same weights; flags win; mistakes are named. */
static void
test_config (Fixture *f, gconstpointer data)
{
  g_autofree char *config = g_build_filename (f->folder, "config.json", NULL);
  g_autofree char *one = g_build_filename (f->folder, "one", NULL), *two = g_build_filename (f->folder, "two", NULL);
  static const char text[]
    = "{ \"preset\": \"tiny\", \"size\": 8, \"widths\": [8, 16], \"groups\": 4, \"attention\": [],\n"
      "  \"middle-attention\": false, \"batch\": 4, \"warmup\": 2, \"precision\": \"f32\",\n"
      "  \"learning_rate\": 0.002, \"steps\": 50, \"classes\": true }\n";
  g_autoptr (CommandResult) flags = train (f, one, "--learning-rate", "2e-3", "--steps", "3", "--classes", "yes", NULL);
  g_autoptr (CommandResult) file = NULL, unknown = NULL, wrong = NULL, shown = NULL;
  g_autoptr (JsonObject) object = NULL;
  g_autofree char *hash_one = NULL, *hash_two = NULL;

  command_assert (flags, 0, "in 2 classes");
  g_assert_true (g_file_set_contents (config, text, -1, NULL));
  file = command_run ("train", f->data, two, "--config", config, "--steps", "3", NULL);
  command_assert (file, 0, "in 2 classes");
  hash_one = weights_hash (one);
  hash_two = weights_hash (two);
  g_assert_cmpstr (hash_one, ==, hash_two);

  shown = command_run ("train", "--config", config, "--show-config", NULL);
  command_assert (shown, 0, "");
  object = diffusion_json_parse_object ("shown", shown->out, strlen (shown->out), NULL);
  g_assert_nonnull (object);
  g_assert_cmpint (json_object_get_int_member (object, "steps"), ==, 50);
  g_assert_cmpfloat (json_object_get_double_member (object, "learning-rate"), ==, 0.002);

  g_assert_true (g_file_set_contents (config, "{ \"steps\": 3, \"speed\": 2 }", -1, NULL));
  unknown = command_run ("train", f->data, f->out, "--config", config, NULL);
  command_assert (unknown, 2, "speed: there is no setting of this name");
  g_assert_true (g_file_set_contents (config, "{ \"steps\": -3 }", -1, NULL));
  wrong = command_run ("train", f->data, f->out, "--config", config, NULL);
  command_assert (wrong, 2, "steps: found “-3”, expected a whole number from 1");
}

/* A folder of another training is left as it is, and what is different is named. */
static void
test_other (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *flag, *value, *message;
  } others[] = {
    { "--predict", "epsilon", "is \"v_prediction\", not \"epsilon\"" },
    { "--optimizer", "muon", "is \"adamw\", not \"muon\"" },
    { "--style", "ddpm", "network." },
    { "--circular", "yes", "network." },
  };
  g_autoptr (CommandResult) first = train (f, f->out, "--steps", "2", NULL), on = NULL;
  g_autofree char *before = NULL, *after = NULL;

  command_assert (first, 0, "");
  before = weights_hash (f->out);
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (CommandResult) refused = train (f, f->out, "--steps", "4", others[i].flag, others[i].value, NULL);

      command_assert (refused, 1, "belongs to another training");
      g_assert_nonnull (strstr (refused->err, others[i].message));
    }
  after = weights_hash (f->out);
  g_assert_cmpstr (before, ==, after);
  on = train (f, f->out, "--steps", "4", NULL);
  command_assert (on, 0, "");
}

/* What comes out loads, is diffusers' layout where UNet2DModel can be it, and says so where not. */
static void
test_model (Fixture *f, gconstpointer data)
{
  g_autofree char *second = g_build_filename (f->out, "ema-0.1", NULL), *own = g_build_filename (f->folder, "own", NULL);
  g_autofree char *config = g_build_filename (f->out, "config.json", NULL);
  g_autofree char *own_config = g_build_filename (own, "config.json", NULL);
  g_autofree char *picture = g_build_filename (f->folder, "made.png", NULL), *hash = NULL, *other = NULL;
  g_autoptr (CommandResult) trained = train (f, f->out, "--steps", "4", "--classes", "yes", "--ema", "0.9,0.1",
                                             "--samples", "4", "--samples-every", "2", "--plot", "4", "--keep", "2",
                                             "--checkpoint-minutes", "0", "--diffusion-steps", "20", NULL);
  g_autoptr (CommandResult) made = NULL, inspected = NULL, circular = NULL;
  g_autoptr (JsonObject) object = NULL, own_object = NULL;

  command_assert (trained, 0, "");
  g_assert_cmpuint (count_checkpoints (f->out), ==, 2);
  assert_picture (f->out, "loss.png", 960, 540);
  assert_picture (f->out, "samples-00000002.png", 2 * 8 + 2, 2 * 8 + 2);
  assert_picture (f->out, "samples-00000004.png", 2 * 8 + 2, 2 * 8 + 2);
  hash = weights_hash (f->out);
  other = weights_hash (second);
  g_assert_cmpstr (hash, !=, other);

  object = diffusion_json_load_object (config, NULL);
  g_assert_nonnull (object);
  g_assert_cmpstr (json_object_get_string_member (object, "_class_name"), ==, "UNet2DModel");
  inspected = command_run ("inspect", f->out, NULL);
  command_assert (inspected, 0, "");
  made = command_run ("generate", picture, "--model", f->out, "--class", "sea", "--steps", "3", NULL);
  command_assert (made, 0, "");
  assert_picture (f->folder, "made.png", 8, 8);

  circular = train (f, own, "--steps", "1", "--circular", "yes", NULL);
  command_assert (circular, 0, "");
  own_object = diffusion_json_load_object (own_config, NULL);
  g_assert_nonnull (own_object);
  g_assert_cmpstr (json_object_get_string_member (own_object, "_class_name"), ==, "DiffusionUNet");
}

static void
test_classifier (Fixture *f, gconstpointer data)
{
  g_autofree char *model = g_build_filename (f->folder, "model", NULL);
  g_autofree char *picture = g_build_filename (f->folder, "made.png", NULL);
  g_autoptr (CommandResult) judge
    = command_run ("train-classifier", f->data, f->out, "--size", "8", "--widths", "8,16", "--groups", "4", "--attention",
                   "none", "--pixel-unshuffle", "1", "--head-channels", "8", "--batch", "4", "--steps", "2", "--hold-out",
                   "0", "--scales", "1", "--shifts", "no", "--turns", "red", "--diffusion-steps", "20", NULL);
  g_autoptr (CommandResult) trained = train (f, model, "--steps", "1", "--diffusion-steps", "20", NULL);
  g_autoptr (CommandResult) made = NULL, wrong = NULL;

  command_assert (judge, 0, "5 pictures in 2 classes");
  command_assert (trained, 0, "");
  made = command_run ("generate", picture, "--model", model, "--classifier", f->out, "--class", "red", "--steps", "3",
                      "--sampler", "ddim", NULL);
  command_assert (made, 0, "");
  wrong = command_run ("train-classifier", f->data, f->out, "--preset", "tiny", NULL);
  command_assert (wrong, 2, "see “diffusion train”");
}

/* Ctrl-C leaves a checkpoint and a model; the same command goes on and arrives where an undisturbed one does. */
static void
test_interrupt (Fixture *f, gconstpointer data)
{
  g_autofree char *calm = g_build_filename (f->folder, "calm", NULL);
  const char *line[] = { "train", f->data, f->out, NANO, "--steps", "100000000", "--schedule", "constant", NULL };
  g_autoptr (GSubprocess) process = command_start (line);
  g_autofree char *end = NULL, *log = g_build_filename (f->out, "log.csv", NULL);
  g_autoptr (CommandResult) goes_on = NULL, whole = NULL;
  g_autofree char *hash = NULL, *calm_hash = NULL;
  g_autoptr (JsonObject) card = NULL;
  g_autofree char *card_path = g_build_filename (f->out, "model_card.json", NULL);

  /* Until the first steps are in the log. */
  for (guint i = 0; i < 60000; i++)
    {
      g_autofree char *text = NULL;

      if (g_file_get_contents (log, &text, NULL, NULL) && strstr (text, "\n50,") != NULL)
        break;
      g_usleep (G_USEC_PER_SEC / 100);
    }
  g_assert_cmpint (command_interrupt (process), ==, 1);
  g_assert_cmpuint (count_checkpoints (f->out), ==, 1);
  card = diffusion_json_load_object (card_path, NULL);
  g_assert_nonnull (card);
  g_assert_cmpint (json_object_get_int_member (card, "training_steps"), >=, 50);

  end = g_strdup_printf ("%" G_GINT64_FORMAT, json_object_get_int_member (card, "training_steps") + 5);
  goes_on = train (f, f->out, "--steps", end, "--schedule", "constant", NULL);
  command_assert (goes_on, 0, "");
  whole = train (f, calm, "--steps", end, "--schedule", "constant", NULL);
  command_assert (whole, 0, "");
  hash = weights_hash (f->out);
  calm_hash = weights_hash (calm);
  g_assert_cmpstr (hash, ==, calm_hash);
}

/* NaN is told with what to change; what was there before stays. */
static void
test_explosion (Fixture *f, gconstpointer data)
{
  g_autoptr (CommandResult) good = train (f, f->out, "--steps", "3", NULL), bad = NULL, again = NULL;
  g_autofree char *before = NULL, *after = NULL;

  command_assert (good, 0, "");
  before = weights_hash (f->out);
  /* Weights times −9 in every step. */
  bad = train (f, f->out, "--steps", "200", "--learning-rate", "1", "--weight-decay", "10", "--clip", "0", "--schedule",
               "constant", NULL);
  command_assert (bad, 1, "lower learning rate");
  after = weights_hash (f->out);
  g_assert_cmpstr (before, ==, after);
  g_assert_cmpuint (count_checkpoints (f->out), ==, 1);
  again = train (f, f->out, "--steps", "4", NULL);
  command_assert (again, 0, "");
}

/* Fine-tuning starts where the model stands, also when it is to learn classes that it did not know. */
static void
test_init (Fixture *f, gconstpointer data)
{
  g_autofree char *base = g_build_filename (f->folder, "base", NULL), *photo = g_build_filename (f->folder, "photo", NULL);
  g_autofree char *tuned = g_build_filename (f->folder, "tuned", NULL);
  g_autoptr (CommandResult) fine = NULL, contrary = NULL, still = NULL, of_photo = NULL;
  g_autofree char *moved = NULL, *start = NULL;

  fixture_unet_model (base, 0);
  /* A rate of next to nothing, and averages that do not remember: the weights are those of the model. */
  still = command_run ("train", f->data, f->out, "--preset", "tiny", "--init", base, "--steps", "1", "--learning-rate",
                       "1e-12", "--batch", "2", "--precision", "f32", "--ema", "0", NULL);
  command_assert (still, 0, "");
  {
    g_autoptr (DiffusionModel) one = diffusion_model_open (base, NULL, NULL, NULL);
    g_autoptr (DiffusionModel) two = diffusion_model_open (f->out, NULL, NULL, NULL);
    const GPtrArray *parameters = diffusion_model_get_parameters (one);

    for (guint i = 0; i < parameters->len; i++)
      {
        const DiffusionTensorEntry *a = &diffusion_model_get_tensors (one)[i], *b = &diffusion_model_get_tensors (two)[i];
        g_autofree float *x = g_new (float, a->n_elements), *y = g_new (float, a->n_elements);

        g_assert_cmpint (a->n_elements, ==, b->n_elements);
        diffusion_tensor_entry_to_floats (a, x);
        diffusion_tensor_entry_to_floats (b, y);
        for (gint64 k = 0; k < a->n_elements; k++)
          g_assert_cmpfloat_with_epsilon (x[k], y[k], 1e-6);
      }
    g_assert_cmpint (diffusion_model_get_scheduler (two)->steps, ==, diffusion_model_get_scheduler (one)->steps);
  }
  fine = command_run ("train", f->data, tuned, "--preset", "tiny", "--init", base, "--classes", "yes", "--steps", "2",
                      "--batch", "2", NULL);
  command_assert (fine, 0, "in 2 classes");
  contrary = command_run ("train", f->data, tuned, "--preset", "tiny", "--init", base, "--widths", "8,8", NULL);
  command_assert (contrary, 1, "widths: the network is that of");
  fixture_photo_model (photo);
  start = weights_hash (photo);
  of_photo = command_run ("train", f->data, photo, "--init", photo, "--steps", "1", "--phases", "1:2:16", NULL);
  command_assert (of_photo, 0, "");
  moved = weights_hash (photo);
  g_assert_cmpstr (start, !=, moved);
}

static void
test_memory (Fixture *f, gconstpointer data)
{
  g_autoptr (CommandResult) refused = train (f, f->out, "--steps", "1", "--memory", "200K", NULL);

  command_assert (refused, 1, "more than the limit of");
  g_assert_cmpuint (count_checkpoints (f->out), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/cli/train/refusals", Fixture, NULL, set_up, test_refusals, tear_down);
  g_test_add ("/cli/train/data", Fixture, NULL, set_up, test_data, tear_down);
  g_test_add ("/cli/train/config", Fixture, NULL, set_up, test_config, tear_down);
  g_test_add ("/cli/train/other", Fixture, NULL, set_up, test_other, tear_down);
  g_test_add ("/cli/train/model", Fixture, NULL, set_up, test_model, tear_down);
  g_test_add ("/cli/train/classifier", Fixture, NULL, set_up, test_classifier, tear_down);
  g_test_add ("/cli/train/interrupt", Fixture, NULL, set_up, test_interrupt, tear_down);
  g_test_add ("/cli/train/explosion", Fixture, NULL, set_up, test_explosion, tear_down);
  g_test_add ("/cli/train/init", Fixture, NULL, set_up, test_init, tear_down);
  g_test_add ("/cli/train/memory", Fixture, NULL, set_up, test_memory, tear_down);
  return g_test_run ();
}
