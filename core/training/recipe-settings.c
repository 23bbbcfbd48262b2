/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of a training's settings, and how each takes its value. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/training/recipe.h"

static const char *const groups[] = { N_ ("The network"),  N_ ("What it learns"),   N_ ("Pictures"),
                                      N_ ("Optimisation"), N_ ("Files and reports"), NULL };

enum
{
  NETWORK,
  OBJECTIVE,
  DATA,
  OPTIMISATION,
  OUTPUT
};

static const char *const network_words[] = { "photo", "unet", "classifier", NULL };
static const char *const resample_words[] = { "conv", "resnet", "plain", NULL };
static const char *const style_words[] = { "ddpm", "guided", NULL };
static const char *const head_words[] = { "image", "attention", "adaptive", "spatial", "spatial-v2", NULL };
static const char *const schedule_words[] = { "linear", "scaled-linear", "cosine", "sigmoid", NULL };
static const char *const predict_words[] = { "epsilon", "x0", "mu", "v", NULL };
static const char *const variance_words[] = { "fixed-small", "fixed-large", "learned", "learned-range", NULL };
static const char *const loss_words[] = { "mse", "l1", "hybrid", "bound", NULL };
static const char *const weighting_words[]
  = { "none", "epsilon", "truncated-snr", "snr-plus-one", "min-snr", "p2", NULL };
static const char *const distribution_words[] = { "uniform", "low", "importance", NULL };
static const char *const noise_words[] = { "white", "camera", "mix", NULL };
static const char *const optimizer_words[] = { "adamw", "muon", NULL };
static const char *const rate_words[] = { "constant", "cosine", "trapezoid", NULL };
static const char *const precision_words[] = { "f32", "bf16", NULL };

#define WHERE(member) G_STRUCT_OFFSET (DiffusionRecipe, member)
#define YES_NO(name, group, member, network, help)                                                                   \
  { name, group, DIFFUSION_SETTING_YES_NO, WHERE (member), 0, 1, 0, 0, NULL, network, "yes|no", help }
#define WHOLE(name, group, member, least, most, network, help)                                                       \
  { name, group, DIFFUSION_SETTING_WHOLE, WHERE (member), least, most, 0, 0, NULL, network, "N", help }
#define NUMBER(name, group, member, least, most, help)                                                               \
  { name, group, DIFFUSION_SETTING_NUMBER, WHERE (member), least, most, 0, 0, NULL, FALSE, "X", help }
#define CHOICE(name, group, member, words, network, help)                                                            \
  { name, group, DIFFUSION_SETTING_CHOICE, WHERE (member), 0, 0, 0, 0, words, network, "WORD", help }
#define LIST(name, group, kind, member, least, most, fewest, longest, network, argument, help)                       \
  { name, group, kind, WHERE (member), least, most, fewest, longest, NULL, network, argument, help }
#define TEXT(name, group, member, network, argument, help)                                                           \
  { name, group, DIFFUSION_SETTING_TEXT, WHERE (member), 0, 0, 0, 0, NULL, network, argument, help }

static const DiffusionSetting settings[] = {
  CHOICE ("network", NETWORK, network, network_words, TRUE, N_ ("photo, unet or classifier")),
  TEXT ("architecture", NETWORK, architecture, TRUE, "NAME",
        N_ ("A published network, which then says the other settings of this group")),
  LIST ("widths", NETWORK, DIFFUSION_SETTING_WHOLES, widths, 1, 65536, 1, DIFFUSION_UNET_MAX_LEVELS, TRUE, "N,N,…",
        N_ ("Channels at each resolution, the highest first")),
  LIST ("blocks", NETWORK, DIFFUSION_SETTING_WHOLES, blocks, 1, 64, 1, 5, TRUE, "N",
        N_ ("Residual blocks at each resolution; photo: five numbers, from encoder to decoder")),
  LIST ("attention", NETWORK, DIFFUSION_SETTING_WHOLES, attention, 1, 65536, 0, DIFFUSION_UNET_MAX_LEVELS, TRUE,
        "N,N,…", N_ ("Resolutions with attention, in the network's pixels at --size; none for no attention")),
  YES_NO ("middle-attention", NETWORK, middle_attention, TRUE, N_ ("Attention in the middle block")),
  WHOLE ("head-channels", NETWORK, head_channels, 0, 65536, TRUE, N_ ("Channels of an attention head; 0: one head")),
  WHOLE ("groups", NETWORK, groups, 1, 65536, TRUE, N_ ("Groups of every group norm")),
  YES_NO ("adaptive-norm", NETWORK, adaptive_norm, TRUE, N_ ("Time and class scale and shift the norms (AdaGN)")),
  CHOICE ("resample", NETWORK, resample, resample_words, TRUE,
          N_ ("How resolutions are changed: conv, resnet (residual blocks) or plain")),
  CHOICE ("style", NETWORK, style, style_words, TRUE,
          N_ ("Whose conventions of padding, norm and time features: ddpm or guided")),
  WHOLE ("pixel-unshuffle", NETWORK, pixel_unshuffle, 1, 16, TRUE, N_ ("Work on N×N pixels as channels")),
  YES_NO ("circular", NETWORK, circular, TRUE, N_ ("Circular padding: what is generated can be tiled")),
  WHOLE ("time-width", NETWORK, time_width, 0, 65536, TRUE,
         N_ ("Channels of the time features (photo: of their embedding); 0: as the first width")),
  CHOICE ("head", NETWORK, head, head_words, TRUE,
          N_ ("How a classifier ends: attention, adaptive, spatial or spatial-v2")),
  YES_NO ("classes", NETWORK, classes, FALSE, N_ ("Subfolders are classes, which the network is told")),
  WHOLE ("upscale", NETWORK, upscale, 1, 64, TRUE,
         N_ ("Train an upsampler, told the picture reduced N times; 1: none")),
  NUMBER ("dropout", NETWORK, dropout, 0, 0.99, N_ ("Probability of dropout in residual blocks")),

  CHOICE ("predict", OBJECTIVE, predict, predict_words, FALSE, N_ ("What the network says: epsilon, x0, mu or v")),
  CHOICE ("variance", OBJECTIVE, variance, variance_words, TRUE,
          N_ ("fixed-small, fixed-large, learned or learned-range")),
  CHOICE ("loss", OBJECTIVE, loss, loss_words, FALSE,
          N_ ("mse (L_simple), l1, hybrid (with the bound for a learned variance) or bound")),
  CHOICE ("weighting", OBJECTIVE, weighting, weighting_words, FALSE,
          N_ ("How much each t counts in mse and l1: none, epsilon, truncated-snr, snr-plus-one, min-snr or p2")),
  CHOICE ("noise-schedule", OBJECTIVE, noise_schedule, schedule_words, FALSE,
          N_ ("linear, scaled-linear, cosine or sigmoid")),
  WHOLE ("diffusion-steps", OBJECTIVE, diffusion_steps, 2, DIFFUSION_MAX_STEPS, FALSE,
         N_ ("T, steps of the noise schedule")),
  CHOICE ("t-distribution", OBJECTIVE, t_distribution, distribution_words, FALSE,
          N_ ("How t is drawn: uniform, low (falling to zero at the highest t) or importance")),
  LIST ("t-range", OBJECTIVE, DIFFUSION_SETTING_WHOLES, t_range, 1, DIFFUSION_MAX_STEPS, 0, 2, FALSE, "FIRST,LAST",
        N_ ("Only these t, from 1 to T; none for all")),
  CHOICE ("noise", OBJECTIVE, noise, noise_words, FALSE, N_ ("Photo: white, camera or mix")),
  LIST ("sigma", OBJECTIVE, DIFFUSION_SETTING_LIST, sigma, 0.01, 255, 2, 2, FALSE, "LEAST,MOST",
        N_ ("Photo: deviation of the noise, in 0..255 units")),
  NUMBER ("sigma-uniform", OBJECTIVE, sigma_uniform, 0, 1,
          N_ ("Photo: share of the pictures whose σ is uniform, not log-uniform")),
  NUMBER ("camera", OBJECTIVE, camera, 0, 1, N_ ("Photo: share of a mix that has a camera's noise")),
  NUMBER ("jpeg", OBJECTIVE, jpeg, 0, 1, N_ ("Photo: share of the camera's pictures that were JPEG files")),
  NUMBER ("misjudged", OBJECTIVE, misjudged, 0, 1,
          N_ ("Photo: share of the pictures whose σ is told wrong, since estimates are")),

  WHOLE ("size", DATA, size, 8, 4096, FALSE, N_ ("Width and height of the pictures trained on")),
  WHOLE ("batch", DATA, batch, 1, 65536, FALSE, N_ ("Pictures a step")),
  TEXT ("phases", DATA, phases, FALSE, "SHARE:BATCH:SIZE,…",
        N_ ("Other batches and sizes up to shares of the steps, instead of --batch and --size")),
  LIST ("scales", DATA, DIFFUSION_SETTING_LIST, scales, 0.001, 1, 1, DIFFUSION_MAX_SCALES, FALSE, "X,X,…",
        N_ ("Pictures are reduced by one of these at random")),
  YES_NO ("flips", DATA, flips, FALSE, N_ ("Mirror left to right at random")),
  TEXT ("turns", DATA, turns, FALSE, "yes|no|CLASS,…", N_ ("Quarter turns at random, for all or some classes")),
  YES_NO ("shifts", DATA, shifts, FALSE, N_ ("Pictures are seamless tiles: patches start anywhere and wrap around")),
  NUMBER ("soft", DATA, soft, 0, 1, N_ ("Share of the patches that are blurred a little")),
  LIST ("soft-range", DATA, DIFFUSION_SETTING_LIST, soft_range, 0.1, 10, 2, 2, FALSE, "LEAST,MOST",
        N_ ("Deviation of that blur, in pixels")),
  NUMBER ("hold-out", DATA, hold_out, 0, 0.9, N_ ("Share of the pictures that is never trained on")),
  TEXT ("cache", DATA, cache, FALSE, "FILE", N_ ("Keep the decoded pictures in FILE: for more than fits in memory")),

  WHOLE ("steps", OPTIMISATION, steps, 1, G_MAXINT32, FALSE, N_ ("Steps of the whole training")),
  WHOLE ("micro-batch", OPTIMISATION, micro_batch, 0, 65536, FALSE,
         N_ ("Pictures at once, whose gradients add up to a batch's; 0: the whole batch")),
  CHOICE ("optimizer", OPTIMISATION, optimizer, optimizer_words, FALSE,
          N_ ("adamw, or muon, which learns more from each step (with AdamW for vectors)")),
  NUMBER ("learning-rate", OPTIMISATION, learning_rate, 1e-12, 1, N_ ("Highest learning rate")),
  NUMBER ("beta1", OPTIMISATION, beta1, 0, 0.999999, N_ ("AdamW: decay of the first moment")),
  NUMBER ("beta2", OPTIMISATION, beta2, 0, 0.99999999, N_ ("AdamW: decay of the second moment")),
  NUMBER ("momentum", OPTIMISATION, momentum, 0, 0.999999, N_ ("Muon: decay of the mean of gradients")),
  NUMBER ("weight-decay", OPTIMISATION, weight_decay, 0, 10, N_ ("Decay of the weights, times the rate")),
  WHOLE ("warmup", OPTIMISATION, warmup, 0, G_MAXINT32, FALSE, N_ ("Steps of linear warm-up")),
  CHOICE ("schedule", OPTIMISATION, schedule, rate_words, FALSE,
          N_ ("The learning rate: constant, cosine (to 0) or trapezoid (constant, then straight to 0)")),
  NUMBER ("decay-share", OPTIMISATION, decay_share, 0, 1, N_ ("Last share of the steps in which a trapezoid falls")),
  NUMBER ("clip", OPTIMISATION, clip, 0, 1e9, N_ ("Clip gradients to this norm; 0: never")),
  LIST ("ema", OPTIMISATION, DIFFUSION_SETTING_LIST, ema, 0, 0.99999999, 1, DIFFUSION_MAX_EMAS, FALSE, "X,X,…",
        N_ ("Rates of the weights' moving averages; the first one's is the model")),
  CHOICE ("precision", OPTIMISATION, precision, precision_words, FALSE, N_ ("Of matrix products: f32 or bf16")),
  WHOLE ("seed", OPTIMISATION, seed, 0, G_MAXINT64, FALSE, N_ ("Seed of weights, data and noise")),
  TEXT ("init", OPTIMISATION, init, FALSE, "MODEL", N_ ("Start from this model's weights (and its network)")),
  TEXT ("memory", OPTIMISATION, memory, FALSE, "SIZE",
        N_ ("Take at most this much memory, as 4G or 500M; compute again what does not fit")),

  NUMBER ("checkpoint-minutes", OUTPUT, checkpoint_minutes, 0, 1e6, N_ ("Time between checkpoints")),
  WHOLE ("keep", OUTPUT, keep, 1, 1000, FALSE, N_ ("Checkpoints kept")),
  WHOLE ("plot", OUTPUT, plot, 0, G_MAXINT32, FALSE, N_ ("Draw the loss to loss.png every N steps; 0: never")),
  WHOLE ("samples", OUTPUT, samples, 0, 256, FALSE,
         N_ ("Save a grid of N samples (photo: of noisy and denoised pairs); 0: none")),
  WHOLE ("samples-every", OUTPUT, samples_every, 1, G_MAXINT32, FALSE, N_ ("Steps between such grids")),
};

const DiffusionSetting *
diffusion_recipe_get_settings (guint *n_settings)
{
  *n_settings = G_N_ELEMENTS (settings);
  return settings;
}

const char *
diffusion_recipe_get_group (guint group)
{
  return group < G_N_ELEMENTS (groups) ? groups[group] : NULL;
}

/* "_" may stand for "-" in a setting's name. */
static gint
find_setting (const char *name)
{
  g_autofree char *dashed = g_strdelimit (g_strdup (name), "_", '-');

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    if (g_str_equal (settings[i].name, dashed))
      return (gint) i;
  return -1;
}

static gboolean
refuse (const DiffusionSetting *setting, const char *where, const char *text, GError **error)
{
  g_autofree char *words = setting->choices != NULL ? g_strjoinv (", ", (char **) setting->choices) : NULL;

  if (words != NULL)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("%s: found “%s”, expected one of: %s"), where, text,
                 words);
  else if (setting->kind == DIFFUSION_SETTING_YES_NO)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("%s: found “%s”, expected yes or no"), where,
                 text);
  else if (setting->kind == DIFFUSION_SETTING_LIST || setting->kind == DIFFUSION_SETTING_WHOLES)
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                 setting->kind == DIFFUSION_SETTING_LIST
                   ? _ ("%s: found “%s”, expected %u to %u numbers from %.15g to %.15g, separated by commas")
                   : _ ("%s: found “%s”, expected %u to %u whole numbers from %.15g to %.15g, separated by commas"),
                 where, text, setting->fewest, setting->longest, setting->least, setting->most);
  else
    g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                 setting->kind == DIFFUSION_SETTING_NUMBER ? _ ("%s: found “%s”, expected a number from %.15g to %.15g")
                                                           : _ ("%s: found “%s”, expected a whole number from %.15g to %.15g"),
                 where, text, setting->least, setting->most);
  return FALSE;
}

static gboolean
parse_number (const DiffusionSetting *setting, const char *text, gboolean whole, double *value)
{
  char *end = NULL;
  double number = g_ascii_strtod (text, &end);

  *value = number;
  return end != text && *end == '\0' && number >= setting->least && number <= setting->most
         && (!whole || number == floor (number));
}

static gboolean
parse_whole (const DiffusionSetting *setting, const char *text, gint64 *value)
{
  char *end = NULL;
  double number;

  /* Seeds need all 63 bits; numbers as 1e5 are welcome where a double holds them. */
  *value = g_ascii_strtoll (text, &end, 10);
  if (end != text && *end == '\0')
    return (double) *value >= setting->least && (double) *value <= setting->most;
  if (!parse_number (setting, text, TRUE, &number) || fabs (number) > 9e15)
    return FALSE;
  *value = (gint64) number;
  return TRUE;
}

static gboolean
parse_list (const DiffusionSetting *setting, const char *text, DiffusionRecipeList *list)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);
  guint n = g_strv_length (parts);

  list->n = 0;
  if (n == 0 || g_str_equal (text, "none"))
    return setting->fewest == 0;
  if (n < setting->fewest || n > setting->longest)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!parse_number (setting, g_strstrip (parts[i]), setting->kind == DIFFUSION_SETTING_WHOLES, &list->values[i]))
      return FALSE;
  list->n = n;
  return TRUE;
}

static gboolean
parse_choice (const DiffusionSetting *setting, const char *text, gint64 *value)
{
  g_autofree char *dashed = g_strdelimit (g_strdup (text), "_", '-');

  for (gint64 i = 0; setting->choices[i] != NULL; i++)
    if (g_str_equal (setting->choices[i], dashed))
      {
        *value = i;
        return TRUE;
      }
  return FALSE;
}

static gboolean
parse_yes_no (const char *text, gboolean *value)
{
  *value = g_str_equal (text, "yes") || g_str_equal (text, "true");
  return *value || g_str_equal (text, "no") || g_str_equal (text, "false");
}

gboolean
diffusion_recipe_set (DiffusionRecipe *recipe,
                      const char *where,
                      const char *name,
                      const char *text,
                      gboolean given,
                      GError **error)
{
  gint index = find_setting (name);
  const DiffusionSetting *setting = index >= 0 ? &settings[index] : NULL;
  gpointer member = setting != NULL ? G_STRUCT_MEMBER_P (recipe, setting->offset) : NULL;
  DiffusionRecipeList list = { 0 };
  double number;
  gint64 whole;
  gboolean yes, ok = TRUE;

  if (setting == NULL)
    {
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("%s: there is no setting of this name"), where);
      return FALSE;
    }
  switch (setting->kind)
    {
    case DIFFUSION_SETTING_YES_NO:
      if ((ok = parse_yes_no (text, &yes)))
        *(gboolean *) member = yes;
      break;
    case DIFFUSION_SETTING_WHOLE:
      if ((ok = parse_whole (setting, text, &whole)))
        *(gint64 *) member = whole;
      break;
    case DIFFUSION_SETTING_NUMBER:
      if ((ok = parse_number (setting, text, FALSE, &number)))
        *(double *) member = number;
      break;
    case DIFFUSION_SETTING_CHOICE:
      if ((ok = parse_choice (setting, text, &whole)))
        *(gint64 *) member = whole;
      break;
    case DIFFUSION_SETTING_LIST:
    case DIFFUSION_SETTING_WHOLES:
      if ((ok = parse_list (setting, text, &list)))
        *(DiffusionRecipeList *) member = list;
      break;
    case DIFFUSION_SETTING_TEXT:
      g_free (*(char **) member);
      *(char **) member = text[0] != '\0' ? g_strdup (text) : NULL;
      break;
    }
  if (!ok)
    return refuse (setting, where, text, error);
  if (given)
    recipe->given[index / 64] |= (guint64) 1 << (index % 64);
  return TRUE;
}

gboolean
diffusion_recipe_is_given (const DiffusionRecipe *recipe, const char *name)
{
  gint index = find_setting (name);

  return index >= 0 && (recipe->given[index / 64] >> (index % 64) & 1) != 0;
}

static char *
format_number (double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup (g_ascii_formatd (digits, sizeof digits, "%.15g", value));
}

char *
diffusion_recipe_format (const DiffusionRecipe *recipe, const DiffusionSetting *setting)
{
  gconstpointer member = (const char *) recipe + setting->offset;
  const DiffusionRecipeList *list = member;
  g_autoptr (GString) joined = NULL;

  switch (setting->kind)
    {
    case DIFFUSION_SETTING_YES_NO:
      return g_strdup (*(const gboolean *) member ? "yes" : "no");
    case DIFFUSION_SETTING_WHOLE:
      return g_strdup_printf ("%" PRId64, *(const gint64 *) member);
    case DIFFUSION_SETTING_NUMBER:
      return format_number (*(const double *) member);
    case DIFFUSION_SETTING_CHOICE:
      return g_strdup (setting->choices[*(const gint64 *) member]);
    case DIFFUSION_SETTING_TEXT:
      return g_strdup (*(char *const *) member != NULL ? *(char *const *) member : "");
    default:
      break;
    }
  if (list->n == 0)
    return g_strdup ("none");
  joined = g_string_new (NULL);
  for (guint i = 0; i < list->n; i++)
    {
      g_autofree char *number = format_number (list->values[i]);

      g_string_append_printf (joined, "%s%s", i > 0 ? "," : "", number);
    }
  return g_string_free (g_steal_pointer (&joined), FALSE);
}

JsonObject *
diffusion_recipe_to_json (const DiffusionRecipe *recipe)
{
  JsonObject *object = json_object_new ();

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      const DiffusionSetting *setting = &settings[i];
      gconstpointer member = (const char *) recipe + setting->offset;
      const DiffusionRecipeList *list = member;
      g_autofree char *text = diffusion_recipe_format (recipe, setting);
      JsonArray *array;

      switch (setting->kind)
        {
        case DIFFUSION_SETTING_YES_NO:
          json_object_set_boolean_member (object, setting->name, *(const gboolean *) member);
          break;
        case DIFFUSION_SETTING_WHOLE:
          json_object_set_int_member (object, setting->name, *(const gint64 *) member);
          break;
        case DIFFUSION_SETTING_NUMBER:
          json_object_set_double_member (object, setting->name, *(const double *) member);
          break;
        case DIFFUSION_SETTING_LIST:
        case DIFFUSION_SETTING_WHOLES:
          array = json_array_new ();
          for (guint k = 0; k < list->n; k++)
            if (setting->kind == DIFFUSION_SETTING_LIST)
              json_array_add_double_element (array, list->values[k]);
            else
              json_array_add_int_element (array, (gint64) list->values[k]);
          json_object_set_array_member (object, setting->name, array);
          break;
        default:
          if (text[0] != '\0')
            json_object_set_string_member (object, setting->name, text);
        }
    }
  return object;
}

/* A value as the text that the flag of the same name would have; NULL for what no setting is. */
static char *
node_to_text (JsonNode *node)
{
  GType type;

  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);
      g_autoptr (GString) joined = g_string_new (NULL);

      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          JsonNode *element = json_array_get_element (array, i);
          g_autofree char *text = JSON_NODE_HOLDS_ARRAY (element) ? NULL : node_to_text (element);

          if (text == NULL)
            return NULL;
          g_string_append_printf (joined, "%s%s", i > 0 ? "," : "", text);
        }
      return g_string_free (g_steal_pointer (&joined), FALSE);
    }
  if (JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("");
  if (!JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  type = json_node_get_value_type (node);
  if (type == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (node) ? "yes" : "no");
  if (type == G_TYPE_INT64)
    return g_strdup_printf ("%" PRId64, json_node_get_int (node));
  if (type == G_TYPE_DOUBLE)
    {
      char digits[G_ASCII_DTOSTR_BUF_SIZE];

      return g_strdup (g_ascii_dtostr (digits, sizeof digits, json_node_get_double (node)));
    }
  return g_strdup (json_node_get_string (node));
}

gboolean
diffusion_recipe_set_json (DiffusionRecipe *recipe, const char *name, JsonObject *object, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *item = members; item != NULL; item = item->next)
    {
      g_autofree char *where = g_strdup_printf ("%s: %s", name, (const char *) item->data);
      g_autofree char *text = node_to_text (json_object_get_member (object, item->data));

      /* Chosen before everything else, see diffusion_recipe_use_preset(). */
      if (g_str_equal (item->data, "preset"))
        continue;
      if (text == NULL)
        {
          g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID,
                       _ ("%s: found an object, expected a number, a word or a list"), where);
          return FALSE;
        }
      if (!diffusion_recipe_set (recipe, where, item->data, text, TRUE, error))
        return FALSE;
    }
  return TRUE;
}
