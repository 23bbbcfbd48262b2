/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What --preset knows: networks with the settings that train them well. */
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/training/recipe.h"

static const char defaults[]
  = "network=unet widths=64,128,128 blocks=1 attention=16,8 middle-attention=yes head-channels=0 groups=8 "
    "adaptive-norm=yes resample=conv style=guided pixel-unshuffle=1 circular=no time-width=0 head=image dropout=0 "
    "classes=no upscale=1 "
    "predict=epsilon variance=fixed-small loss=mse weighting=none noise-schedule=linear diffusion-steps=1000 t-distribution=uniform "
    "t-range=none noise=mix sigma=1,75 sigma-uniform=0.5 camera=0.5 jpeg=0.4 misjudged=0.5 "
    "size=32 batch=16 scales=1 flips=yes turns=no shifts=no soft=0 soft-range=0.4,1.5 hold-out=0 "
    "steps=100000 micro-batch=0 optimizer=adamw learning-rate=0.0002 beta1=0.9 beta2=0.999 momentum=0.95 weight-decay=0 "
    "warmup=500 "
    "schedule=constant decay-share=0.3 clip=1 ema=0.999 precision=bf16 seed=1 "
    "checkpoint-minutes=3 keep=3 plot=0 samples=0 samples-every=1000";

static const DiffusionRecipePreset presets[] = {
  { "photo", N_ ("the denoiser that ships, for photographs of any size"),
    "network=photo widths=64,128,256 blocks=3,3,4,3,3 time-width=128 loss=l1 phases=0.55:16:64,1:8:96 "
    "camera=0.25 misjudged=0.3 scales=1,0.7,0.5,0.35 flips=yes turns=yes soft=0.35 steps=30000 micro-batch=4 "
    "optimizer=muon learning-rate=0.002 beta2=0.99 warmup=300 schedule=trapezoid decay-share=0.45 clip=0.5 ema=0.999" },
  { "tiny", N_ ("a small generator of 32×32 pictures, to try things out"),
    "widths=32,64,64 attention=8 noise-schedule=cosine predict=v size=32 batch=16 learning-rate=0.001 warmup=100 "
    "steps=20000 ema=0.995" },
  { "texture64", N_ ("a generator of seamless textures, 64×64, one class a subfolder"),
    "widths=48,80,128 blocks=1 attention=16,8 head-channels=16 groups=16 pixel-unshuffle=2 circular=yes classes=yes "
    "predict=v noise-schedule=cosine size=64 batch=16 scales=0.5 flips=yes shifts=yes hold-out=0.1 "
    "turns=concrete,ground,marble,paving,rock,snow,tiles "
    "steps=200000 optimizer=muon learning-rate=0.0007 warmup=200 schedule=trapezoid decay-share=0.3 clip=1 ema=0.999" },
  { "texture64-classifier", N_ ("the noisy classifier that guides texture64"),
    "network=classifier widths=32,64,96 blocks=1 attention=8 head-channels=16 groups=8 pixel-unshuffle=2 circular=yes "
    "head=attention noise-schedule=cosine size=64 batch=32 micro-batch=8 scales=0.5 flips=yes shifts=yes hold-out=0.1 "
    "turns=concrete,ground,marble,paving,rock,snow,tiles "
    "t-distribution=low steps=14000 learning-rate=0.0005 weight-decay=0.05 warmup=200 schedule=cosine clip=1 ema=0.99" },
  { "texture-upsampler", N_ ("an upsampler of seamless textures from 64×64 to 128×128"),
    "widths=48,80,128 blocks=1 attention=none middle-attention=no groups=16 pixel-unshuffle=2 circular=yes "
    "classes=yes upscale=2 predict=v noise-schedule=linear size=128 batch=16 micro-batch=4 shifts=yes hold-out=0.1 "
    "steps=60000 learning-rate=0.0005 warmup=500 schedule=trapezoid ema=0.999" },
  { "ddpm-cifar10", N_ ("Ho et al. 2020: 32×32"),
    "architecture=ddpm-cifar10-32 variance=fixed-large dropout=0.1 size=32 batch=128 micro-batch=8 steps=800000 "
    "learning-rate=0.0002 warmup=5000 ema=0.9999" },
  { "improved-cifar10", N_ ("Nichol & Dhariwal 2021: 32×32, learned variance"),
    "architecture=improved-diffusion-cifar10 variance=learned-range loss=hybrid noise-schedule=cosine "
    "diffusion-steps=4000 dropout=0.3 size=32 batch=128 micro-batch=8 steps=500000 learning-rate=0.0001 warmup=0 "
    "clip=0 ema=0.9999" },
};

const DiffusionRecipePreset *
diffusion_recipe_get_presets (guint *n_presets)
{
  *n_presets = G_N_ELEMENTS (presets);
  return presets;
}

static void
apply (DiffusionRecipe *recipe, const char *words)
{
  g_auto (GStrv) parts = g_strsplit (words, " ", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      char *value = strchr (parts[i], '=');
      g_autoptr (GError) error = NULL;

      if (value == NULL)
        continue;
      *value++ = '\0';
      if (!diffusion_recipe_set (recipe, parts[i], parts[i], value, FALSE, &error))
        g_critical ("%s", error->message);
    }
}

void
diffusion_recipe_init (DiffusionRecipe *recipe)
{
  memset (recipe, 0, sizeof *recipe);
  apply (recipe, defaults);
}

void
diffusion_recipe_clear (DiffusionRecipe *recipe)
{
  const DiffusionSetting *settings;
  guint n;

  settings = diffusion_recipe_get_settings (&n);
  for (guint i = 0; i < n; i++)
    if (settings[i].kind == DIFFUSION_SETTING_TEXT)
      g_clear_pointer ((char **) G_STRUCT_MEMBER_P (recipe, settings[i].offset), g_free);
}

/* A published network with its own schedule; what else training needs are this table's defaults. */
static void
apply_published (DiffusionRecipe *recipe, const char *name, const DiffusionArchitecture *architecture)
{
  const DiffusionUnetConfig *unet = &architecture->unet;
  gboolean learned = diffusion_variance_is_learned (architecture->scheduler.variance);
  g_autofree char *words = g_strdup_printf (
    "architecture=%s network=%s size=%d batch=8 classes=%s loss=%s", name,
    unet->head != DIFFUSION_HEAD_IMAGE ? "classifier" : "unet", unet->sample_width > 0 ? unet->sample_width : 64,
    unet->head != DIFFUSION_HEAD_IMAGE || unet->class_input == DIFFUSION_CLASS_LABEL ? "yes" : "no",
    learned ? "hybrid" : "mse");
  char digits[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *dropout
    = g_strconcat ("dropout=", g_ascii_formatd (digits, sizeof digits, "%.6g", unet->dropout), NULL);

  apply (recipe, words);
  apply (recipe, dropout);
  recipe->diffusion_steps = architecture->scheduler.steps;
  recipe->noise_schedule = (gint64) architecture->scheduler.schedule;
  recipe->predict = (gint64) architecture->scheduler.mean;
  recipe->variance = (gint64) architecture->scheduler.variance;
  if (unet->low_res_channels > 0)
    recipe->upscale = 4;
}

gboolean
diffusion_recipe_use_preset (DiffusionRecipe *recipe, const char *where, const char *name, GError **error)
{
  DiffusionArchitecture architecture;
  g_auto (GStrv) published = diffusion_presets_list ();
  g_autoptr (GString) known = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (presets); i++)
    {
      if (g_str_equal (presets[i].name, name))
        {
          apply (recipe, presets[i].settings);
          return TRUE;
        }
      g_string_append_printf (known, "%s, ", presets[i].name);
    }
  if (g_strv_contains ((const char *const *) published, name) && diffusion_preset_load (name, &architecture))
    {
      apply_published (recipe, name, &architecture);
      diffusion_architecture_clear (&architecture);
      return TRUE;
    }
  for (guint i = 0; published[i] != NULL; i++)
    g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", published[i]);
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_INVALID, _ ("%s: found “%s”, expected one of: %s"), where, name,
               known->str);
  return FALSE;
}
