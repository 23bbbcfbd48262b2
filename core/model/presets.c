/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The published networks: what their files do not say, by name and by tensor shapes. */
#include <string.h>

#include "core/base/error.h"
#include "core/base/i18n.h"
#include "core/model/architecture.h"

/**
 * Preset:
 * @name: what --preset takes
 * @files: names of the published files that contain one of these, separated by spaces
 * @flags: as their authors give them
 *
 * Of presets with the same tensors the first one counts for a file of unknown name, so they must not differ
 * in more than dropout (the loss and the data set do not matter).
 */
typedef struct
{
  const char *name;
  const char *files;
  const char *flags;
} Preset;

#define GUIDED_COMMON                                                                                        \
  " --diffusion_steps 1000 --learn_sigma True --resblock_updown True --use_scale_shift_norm True"
#define CLASSIFIER_COMMON                                                                                    \
  " --classifier_width 128 --classifier_pool attention --classifier_resblock_updown True"                    \
  " --classifier_use_scale_shift_norm True --classifier_attention_resolutions 32,16,8"
#define IMPROVED_COMMON " --num_heads 4 --learn_sigma True --attention_resolutions 16,8"
#define DDIM_256                                                                                             \
  "--ch 128 --ch_mult 1,1,2,2,4,4 --num_res_blocks 2 --attn_resolutions 16 --resolution 256 --var_type "     \
  "fixedsmall"

static const Preset presets[] = {
  /* Dhariwal & Nichol 2021 */
  { "guided-diffusion-64", "64x64_diffusion",
    "--image_size 64 --num_channels 192 --num_res_blocks 3 --num_head_channels 64 --attention_resolutions "
    "32,16,8 --class_cond True"
    " --noise_schedule cosine --use_new_attention_order True --dropout 0.1" GUIDED_COMMON },
  { "guided-diffusion-128", "128x128_diffusion",
    "--image_size 128 --num_channels 256 --num_res_blocks 2 --num_heads 4 --attention_resolutions 32,16,8 "
    "--class_cond True" GUIDED_COMMON },
  { "guided-diffusion-256", "256x256_diffusion.pt",
    "--image_size 256 --num_channels 256 --num_res_blocks 2 --num_head_channels 64 --attention_resolutions "
    "32,16,8 --class_cond "
    "True" GUIDED_COMMON },
  { "guided-diffusion-256-uncond", "256x256_diffusion_uncond",
    "--image_size 256 --num_channels 256 --num_res_blocks 2 --num_head_channels 64 --attention_resolutions "
    "32,16,8" GUIDED_COMMON },
  { "guided-diffusion-512", "512x512_diffusion",
    "--image_size 512 --num_channels 256 --num_res_blocks 2 --num_head_channels 64 --attention_resolutions "
    "32,16,8 --class_cond "
    "True" GUIDED_COMMON },
  { "guided-diffusion-lsun", "lsun_bedroom.pt lsun_cat.pt lsun_horse.pt",
    "--image_size 256 --num_channels 256 --num_res_blocks 2 --num_head_channels 64 --attention_resolutions "
    "32,16,8 --dropout "
    "0.1" GUIDED_COMMON },
  { "guided-diffusion-lsun-nodropout", "lsun_horse_nodropout",
    "--image_size 256 --num_channels 256 --num_res_blocks 2 --num_head_channels 64 --attention_resolutions "
    "32,16,8" GUIDED_COMMON },
  { "guided-diffusion-64-256-upsampler", "64_256_upsampler",
    "--large_size 256 --num_channels 192 --num_res_blocks 2 --num_heads 4 --attention_resolutions 32,16,8 "
    "--class_cond "
    "True" GUIDED_COMMON },
  { "guided-diffusion-128-512-upsampler", "128_512_upsampler",
    "--large_size 512 --num_channels 192 --num_res_blocks 2 --num_head_channels 64 --attention_resolutions "
    "32,16 --class_cond "
    "True" GUIDED_COMMON },
  { "guided-diffusion-64-classifier", "64x64_classifier",
    "--image_size 64 --classifier_depth 4" CLASSIFIER_COMMON },
  { "guided-diffusion-128-classifier", "128x128_classifier",
    "--image_size 128 --classifier_depth 2" CLASSIFIER_COMMON },
  { "guided-diffusion-256-classifier", "256x256_classifier",
    "--image_size 256 --classifier_depth 2" CLASSIFIER_COMMON },
  { "guided-diffusion-512-classifier", "512x512_classifier",
    "--image_size 512 --classifier_depth 2" CLASSIFIER_COMMON },
  /* the same code trained on faces, used by later editing papers */
  { "guided-diffusion-ffhq", "ffhq_10m ffhq_p2",
    "--image_size 256 --num_channels 128 --num_res_blocks 1 --num_head_channels 64 --attention_resolutions "
    "16" GUIDED_COMMON },

  /* Nichol & Dhariwal 2021 */
  { "improved-diffusion-cifar10", "cifar10_uncond",
    "--image_size 32 --num_channels 128 --num_res_blocks 3 --diffusion_steps 4000 --noise_schedule cosine "
    "--rescale_timesteps True"
    " --dropout 0.3" IMPROVED_COMMON },
  { "improved-diffusion-imagenet64", "imagenet64_uncond",
    "--image_size 64 --num_channels 128 --num_res_blocks 3 --diffusion_steps 4000 --noise_schedule cosine "
    "--rescale_timesteps "
    "True" IMPROVED_COMMON },
  { "improved-diffusion-imagenet64-cond", "imagenet64_cond",
    "--image_size 64 --num_channels 192 --num_res_blocks 3 --class_cond True --diffusion_steps 4000 "
    "--noise_schedule "
    "cosine" IMPROVED_COMMON },
  { "improved-diffusion-upsampler", "upsample_cond",
    "--large_size 256 --num_channels 192 --num_res_blocks 2 --class_cond True --diffusion_steps 4000 "
    "--noise_schedule "
    "linear" IMPROVED_COMMON },
  { "improved-diffusion-lsun", "lsun_uncond_100M",
    "--image_size 256 --num_channels 128 --num_res_blocks 2 --num_heads 1 --learn_sigma True "
    "--use_scale_shift_norm False"
    " --attention_resolutions 16 --diffusion_steps 1000 --noise_schedule linear" },

  /* Ho et al. 2020, as converted for the DDIM and SDEdit code and for diffusers */
  { "ddpm-cifar10-32", "model-790000 ddpm-cifar10 ddpm-ema-cifar10",
    "--ch 128 --ch_mult 1,2,2,2 --num_res_blocks 2 --attn_resolutions 16 --resolution 32 --var_type "
    "fixedlarge --dropout 0.1" },
  { "ddpm-256",
    "model-2388000 model-4432000 model-1761000 celeba_hq ffhq.ckpt bedroom.ckpt church_outdoor ddpm-celebahq "
    "ddpm-ema-celebahq "
    "ddpm-bedroom ddpm-ema-bedroom ddpm-church ddpm-ema-church ddpm-cat ddpm-ema-cat",
    DDIM_256 },
};

char **
diffusion_presets_list (void)
{
  char **names = g_new0 (char *, G_N_ELEMENTS (presets) + 1);

  for (gsize i = 0; i < G_N_ELEMENTS (presets); i++)
    names[i] = g_strdup (presets[i].name);
  return names;
}

static gboolean
load (const Preset *preset, DiffusionArchitecture *architecture)
{
  g_autoptr (JsonObject) flags =
      diffusion_flags_parse (preset->name, preset->flags, strlen (preset->flags), NULL);

  return flags != NULL && diffusion_architecture_from_flags (preset->name, flags, NULL, architecture, NULL);
}

/* A published file keeps its name with something before or after it: "my_256x256_diffusion.pt". The longest
 * match counts. */
static const Preset *
find_by_file (const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  const Preset *found = NULL;
  gsize longest = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (presets); i++)
    {
      g_auto (GStrv) files = g_strsplit (presets[i].files, " ", -1);

      for (guint j = 0; files[j] != NULL; j++)
        if (strlen (files[j]) > longest && strstr (base, files[j]) != NULL)
          {
            longest = strlen (files[j]);
            found = &presets[i];
          }
    }
  return found;
}

gboolean
diffusion_preset_load (const char *name, DiffusionArchitecture *architecture)
{
  const Preset *preset = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (presets) && preset == NULL; i++)
    if (strcmp (presets[i].name, name) == 0)
      preset = &presets[i];
  if (preset == NULL)
    preset = find_by_file (name);
  return preset != NULL && load (preset, architecture);
}

static gboolean
fits (const DiffusionArchitecture *architecture, const DiffusionTensorFile *file, DiffusionNameStyle style)
{
  g_autoptr (GPtrArray) parameters = diffusion_unet_config_list_parameters (&architecture->unet);
  g_autofree DiffusionTensorEntry *views = diffusion_name_map_apply (
      file, style, &architecture->unet, architecture->new_qkv_order, parameters, NULL);

  return views != NULL;
}

/* The three codes share structure but not constants: a preset is for the names it was published with; DDPM's
 * also for diffusers'. */
static gboolean
has_style (const Preset *preset, DiffusionNameStyle style)
{
  return g_str_has_prefix (preset->name, "ddpm") == (style != DIFFUSION_NAMES_GUIDED);
}

const char *
diffusion_preset_match (const DiffusionTensorFile *file,
                        DiffusionNameStyle style,
                        DiffusionArchitecture *architecture)
{
  for (gsize i = 0; i < G_N_ELEMENTS (presets); i++)
    {
      if (!has_style (&presets[i], style) || !load (&presets[i], architecture))
        continue;
      if (fits (architecture, file, style))
        return presets[i].name;
      diffusion_architecture_clear (architecture);
    }
  return NULL;
}

static gboolean
match_file_name (const DiffusionTensorFile *file,
                 DiffusionNameStyle style,
                 DiffusionArchitecture *architecture)
{
  const Preset *preset = find_by_file (diffusion_tensor_file_get_path (file));

  if (preset == NULL || !has_style (preset, style) || !load (preset, architecture))
    return FALSE;
  if (fits (architecture, file, style))
    return TRUE;
  diffusion_architecture_clear (architecture);
  return FALSE;
}

gboolean
diffusion_architecture_find (const DiffusionTensorFile *file,
                             const char *preset,
                             const char *flags_path,
                             DiffusionNameStyle *style,
                             DiffusionArchitecture *architecture,
                             GError **error)
{
  DiffusionUnknown unknown;
  const char *path = diffusion_tensor_file_get_path (file);

  if (!diffusion_name_style_detect (file, style, error))
    return FALSE;
  if (flags_path != NULL)
    {
      g_autoptr (JsonObject) flags = diffusion_flags_load (flags_path, error);

      return flags != NULL && diffusion_architecture_from_flags (flags_path, flags, file, architecture, error);
    }
  if (preset != NULL)
    {
      g_auto (GStrv) names = diffusion_presets_list ();
      g_autofree char *known = g_strjoinv (", ", names);

      if (diffusion_preset_load (preset, architecture))
        return TRUE;
      g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_NOT_FOUND,
                   _("there is no preset “%s”; there are: %s"), preset, known);
      return FALSE;
    }
  if (match_file_name (file, *style, architecture) ||
      diffusion_preset_match (file, *style, architecture) != NULL)
    return TRUE;
  if (!diffusion_infer_architecture (file, *style, architecture, &unknown, error))
    return FALSE;
  if (unknown == 0)
    return TRUE;
  diffusion_architecture_clear (architecture);
  g_set_error (error, DIFFUSION_ERROR, DIFFUSION_ERROR_UNSUPPORTED,
               (unknown & DIFFUSION_UNKNOWN_CONSTANTS) != 0
                   ? _("%s: this is no published network, and the file does not tell its constants; its "
                        "config.json has to be "
                        "beside it")
                   : _("%s: this is no published network, and the file does not tell the number of "
                        "attention heads and the order of "
                        "q, k and v; give the flags it was built with (--flags) or a preset"),
               path);
  return FALSE;
}
