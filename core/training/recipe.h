/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything that a training is told: presets, configuration files and flags set the same table of settings. */
#pragma once

#include "core/model/architecture.h"
#include "core/model/model.h"
#include "core/training/photo-task.h"
#include "core/training/trainer.h"
#include "core/training/unet-task.h"

G_BEGIN_DECLS

#define DIFFUSION_RECIPE_MAX_LIST 16

/**
 * DiffusionRecipeList:
 * @n: how many
 * @values: [n]
 */
typedef struct
{
  guint n;
  double values[DIFFUSION_RECIPE_MAX_LIST];
} DiffusionRecipeList;

/**
 * DiffusionRecipeNetwork:
 * @DIFFUSION_RECIPE_PHOTO: the photo model
 * @DIFFUSION_RECIPE_UNET: a U-Net
 * @DIFFUSION_RECIPE_CLASSIFIER: a noisy classifier
 */
typedef enum
{
  DIFFUSION_RECIPE_PHOTO,
  DIFFUSION_RECIPE_UNET,
  DIFFUSION_RECIPE_CLASSIFIER
} DiffusionRecipeNetwork;

/**
 * DiffusionRecipe:
 *
 * The values of all settings; what each is for, its range and its unit stand in the table of
 * diffusion_recipe_get_settings(). Members bear the settings' names.
 */
typedef struct
{
  gint64 network;
  char *architecture;
  DiffusionRecipeList widths;
  DiffusionRecipeList blocks;
  DiffusionRecipeList attention;
  gboolean middle_attention;
  gint64 head_channels;
  gint64 groups;
  gboolean adaptive_norm;
  gint64 resample;
  gint64 style;
  gint64 pixel_unshuffle;
  gboolean circular;
  gint64 time_width;
  gint64 head;
  double dropout;
  gboolean classes;
  gint64 upscale;

  gint64 diffusion_steps;
  gint64 noise_schedule;
  gint64 predict;
  gint64 variance;
  gint64 loss;
  gint64 weighting;
  gint64 t_distribution;
  DiffusionRecipeList t_range;
  gint64 noise;
  DiffusionRecipeList sigma;
  double sigma_uniform;
  double jpeg;
  double camera;
  double misjudged;

  gint64 size;
  gint64 batch;
  char *phases;
  DiffusionRecipeList scales;
  gboolean flips;
  char *turns;
  gboolean shifts;
  double soft;
  DiffusionRecipeList soft_range;
  double hold_out;
  char *cache;

  gint64 steps;
  gint64 micro_batch;
  gint64 optimizer;
  double learning_rate;
  double beta1;
  double beta2;
  double momentum;
  double weight_decay;
  gint64 warmup;
  gint64 schedule;
  double decay_share;
  double clip;
  DiffusionRecipeList ema;
  gint64 precision;
  gint64 seed;
  char *init;
  char *memory;

  double checkpoint_minutes;
  gint64 keep;
  gint64 plot;
  gint64 samples;
  gint64 samples_every;

  guint64 given[2]; /* bit i: setting i was set by the user, not by a preset */
} DiffusionRecipe;

typedef enum
{
  DIFFUSION_SETTING_YES_NO, /* gboolean */
  DIFFUSION_SETTING_WHOLE,  /* gint64 */
  DIFFUSION_SETTING_NUMBER, /* double */
  DIFFUSION_SETTING_CHOICE, /* gint64, index in choices */
  DIFFUSION_SETTING_LIST,   /* DiffusionRecipeList of numbers */
  DIFFUSION_SETTING_WHOLES, /* DiffusionRecipeList of whole numbers */
  DIFFUSION_SETTING_TEXT    /* char *, %NULL for none */
} DiffusionSettingKind;

/**
 * DiffusionSetting:
 * @name: as a flag (without the dashes) and in configuration files, where _ may stand for -
 * @group: which part of a training it belongs to; an index for diffusion_recipe_get_group()
 * @kind: type of the member
 * @offset: of the member in #DiffusionRecipe
 * @least: smallest value, or of a list's values
 * @most: largest
 * @fewest: a list's smallest length
 * @longest: a list's largest length
 * @choices: (nullable): %NULL-terminated words
 * @network: whether it changes the network's shape, so that --init and published architectures already say it
 * @argument: what --help calls its value
 * @help: one line
 */
typedef struct
{
  const char *name;
  guint group;
  DiffusionSettingKind kind;
  gsize offset;
  double least, most;
  guint fewest, longest;
  const char *const *choices;
  gboolean network;
  const char *argument;
  const char *help;
} DiffusionSetting;

/** diffusion_recipe_get_settings: (transfer none): the table. */
const DiffusionSetting *diffusion_recipe_get_settings (guint *n_settings);

/** diffusion_recipe_get_group: (transfer none) (nullable): the title of group @group, %NULL after the last one. */
const char *diffusion_recipe_get_group (guint group);

/** diffusion_recipe_init: the values that hold where neither a preset nor the user says anything. */
void diffusion_recipe_init (DiffusionRecipe *recipe);
void diffusion_recipe_clear (DiffusionRecipe *recipe);

/**
 * diffusion_recipe_set:
 * @where: what to call the setting in errors ("--steps", "config.json: steps")
 * @name: the setting's name
 * @text: its value; lists are separated by commas
 * @given: whether it is the user's word
 * @error: return location for %DIFFUSION_ERROR_INVALID naming @where, what was found and what was expected
 */
gboolean diffusion_recipe_set (DiffusionRecipe *recipe, const char *where, const char *name, const char *text,
                               gboolean given, GError **error);

/** diffusion_recipe_is_given: whether the user set @name. */
gboolean diffusion_recipe_is_given (const DiffusionRecipe *recipe, const char *name);

/** diffusion_recipe_format: (transfer full): the value of a setting as text that diffusion_recipe_set() takes. */
char *diffusion_recipe_format (const DiffusionRecipe *recipe, const DiffusionSetting *setting);

/** diffusion_recipe_to_json: (transfer full): all settings, as diffusion_recipe_load() reads them. */
JsonObject *diffusion_recipe_to_json (const DiffusionRecipe *recipe);

/**
 * diffusion_recipe_set_json:
 * @name: what to call @object in errors
 * @object: settings by name: numbers, words, true and false, lists
 */
gboolean diffusion_recipe_set_json (DiffusionRecipe *recipe, const char *name, JsonObject *object, GError **error);

/**
 * DiffusionRecipePreset:
 * @name: for --preset
 * @brief: one line
 * @settings: "name=value" words
 */
typedef struct
{
  const char *name;
  const char *brief;
  const char *settings;
} DiffusionRecipePreset;

/** diffusion_recipe_get_presets: (transfer none): the trainer's own presets. */
const DiffusionRecipePreset *diffusion_recipe_get_presets (guint *n_presets);

/**
 * diffusion_recipe_use_preset:
 * @where: what to call it in errors
 * @name: one of diffusion_recipe_get_presets(), or a published network of diffusion_presets_list()
 */
gboolean diffusion_recipe_use_preset (DiffusionRecipe *recipe, const char *where, const char *name, GError **error);

/**
 * diffusion_recipe_make_options:
 * @options: (out): for diffusion_train()
 * @error: return location for %DIFFUSION_ERROR_INVALID
 */
gboolean diffusion_recipe_make_options (const DiffusionRecipe *recipe, DiffusionTrainOptions *options,
                                        GError **error);

/**
 * diffusion_recipe_make_unet:
 * @classes: (nullable): %NULL-terminated names of the data's classes
 * @model: (nullable): the model of --init, whose network and schedule are taken; must outlive @unet
 * @unet: (out): network, schedule and objective
 * @error: return location for %DIFFUSION_ERROR_INVALID
 */
gboolean diffusion_recipe_make_unet (const DiffusionRecipe *recipe, const char *const *classes,
                                     const DiffusionModel *model, DiffusionUnetTaskOptions *unet, GError **error);

/**
 * diffusion_recipe_make_photo:
 * @model: (nullable): the model of --init, whose network is taken
 * @photo: (out): network and objective of the photo model
 */
gboolean diffusion_recipe_make_photo (const DiffusionRecipe *recipe, const DiffusionModel *model,
                                      DiffusionPhotoTaskOptions *photo, GError **error);

/**
 * diffusion_recipe_check:
 *
 * Checks all that can be checked before the data is read.
 */
gboolean diffusion_recipe_check (const DiffusionRecipe *recipe, GError **error);

/** diffusion_recipe_wants_classes: whether subfolders are classes. */
gboolean diffusion_recipe_wants_classes (const DiffusionRecipe *recipe);

G_END_DECLS
