/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one description of every U-Net and noisy classifier that this library can build. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define DIFFUSION_UNET_MAX_LEVELS 8

/**
 * DiffusionResample:
 * @DIFFUSION_RESAMPLE_CONV: down: 3×3 convolution of stride 2; up: nearest neighbour, then 3×3 convolution
 * @DIFFUSION_RESAMPLE_RESNET: a residual block that averages 2×2 (down) or repeats (up) both its branch,
 * before conv1, and its skip path
 * @DIFFUSION_RESAMPLE_PLAIN: 2×2 average or nearest neighbour alone, no parameters
 */
typedef enum
{
  DIFFUSION_RESAMPLE_CONV,
  DIFFUSION_RESAMPLE_RESNET,
  DIFFUSION_RESAMPLE_PLAIN
} DiffusionResample;

/**
 * DiffusionClassInput:
 * @DIFFUSION_CLASS_NONE: the network knows nothing of classes
 * @DIFFUSION_CLASS_LABEL: y is a class number; row y of class_embedding.weight is added to the time embedding
 * @DIFFUSION_CLASS_TIMESTEP: y is a number that goes through its own sinusoidal features and two linear
 * layers
 */
typedef enum
{
  DIFFUSION_CLASS_NONE,
  DIFFUSION_CLASS_LABEL,
  DIFFUSION_CLASS_TIMESTEP
} DiffusionClassInput;

/**
 * DiffusionUnetHead:
 * @DIFFUSION_HEAD_IMAGE: a whole U-Net; norm, SiLU, 3×3 convolution at the end
 * @DIFFUSION_HEAD_ATTENTION: encoder and middle only, then norm, SiLU, attention pool; the output is logits
 * [n, out_channels]
 * @DIFFUSION_HEAD_ADAPTIVE: the same, with norm, SiLU, mean over the pixels, linear
 * @DIFFUSION_HEAD_SPATIAL: means of every encoder stage, linear 2048, ReLU, linear
 * @DIFFUSION_HEAD_SPATIAL_V2: means of every encoder stage, linear 2048, norm, SiLU, linear
 */
typedef enum
{
  DIFFUSION_HEAD_IMAGE,
  DIFFUSION_HEAD_ATTENTION,
  DIFFUSION_HEAD_ADAPTIVE,
  DIFFUSION_HEAD_SPATIAL,
  DIFFUSION_HEAD_SPATIAL_V2
} DiffusionUnetHead;

#define DIFFUSION_SPATIAL_HEAD_WIDTH 2048

/**
 * DiffusionUnetConfig:
 * @sample_height: native height in pixels, 0 where unknown
 * @sample_width: native width in pixels, 0 where unknown
 * @in_channels: channels of x
 * @low_res_channels: channels of the low-resolution picture, resized bilinearly (half-pixel centres) to the
 * size of x and appended to its channels; 0 for none
 * @out_channels: channels of the output (twice @in_channels with learned variance), or the number of logits
 * @pixel_unshuffle: f; x is first rearranged to [n, (in_channels + low_res_channels)·f², h/f, w/f] in the
 * channel order c·f² + dy·f + dx, and the output back
 * @circular: pad circularly instead of with zeros in every convolution (seamless pictures)
 * @center_input: x is replaced by 2·x − 1
 * @n_levels: resolutions, 1 to %DIFFUSION_UNET_MAX_LEVELS
 * @channels: [n_levels] width at each level, the highest resolution first
 * @layers_per_block: residual blocks per level going down; going up there is one more
 * @down_attention: [n_levels] whether each residual block of down_blocks.i is followed by attention
 * @up_attention: [n_levels] the same for up_blocks.i, which works at level n_levels − 1 − i
 * @down_resample: [n_levels] how down_blocks.i ends; the last one does not resample
 * @up_resample: [n_levels] how up_blocks.i ends; the last one does not resample
 * @downsample_padding: of the stride-2 convolutions: 1 = one pixel on every side, 0 = one pixel on the right
 * and at the bottom
 * @mid_attention: attention between the two residual blocks of the middle
 * @mid_attention_groups: groups of its norm; 0 = it has no norm
 * @attention_heads: heads of every attention; 0 = see @attention_head_channels
 * @attention_heads_up: heads in up_blocks; 0 = @attention_heads
 * @attention_head_channels: channels of one head (preferred when both are given); 0 with @attention_heads 0 =
 * one head
 * @norm_groups: groups of every GroupNorm
 * @norm_eps: ε of every GroupNorm
 * @scale_shift: time conditioning: norm2(h)·(1 + scale) + shift instead of norm2(h + shift)
 * @time_channels: width of the sinusoidal features; the embedding is four times as wide; 0 = @channels[0]
 * @flip_sin_to_cos: cosines before sines
 * @freq_shift: frequencies are exp (−ln 10000 · i / (half − freq_shift)), i = 0 … half − 1
 * @class_input: class conditioning
 * @n_classes: rows of the class embedding, with %DIFFUSION_CLASS_LABEL
 * @dropout: probability, training only
 * @output_scale: what every residual and attention block of down_blocks and up_blocks divides x + f(x) by
 * (√2: rescaled skips)
 * @mid_output_scale: the same for the middle
 * @head: what the network ends in
 * @pool_head_channels: channels of one head of the attention pool; 0 = as @attention_head_channels
 *
 * Structure and names follow diffusers' UNet2DModel, into which guided-diffusion's networks map exactly. SiLU
 * everywhere. The attention scale is 1/√(channels of a head).
 */
typedef struct
{
  gint sample_height;
  gint sample_width;
  gint in_channels;
  gint low_res_channels;
  gint out_channels;
  gint pixel_unshuffle;
  gboolean circular;
  gboolean center_input;

  gint n_levels;
  gint channels[DIFFUSION_UNET_MAX_LEVELS];
  gint layers_per_block;
  gboolean down_attention[DIFFUSION_UNET_MAX_LEVELS];
  gboolean up_attention[DIFFUSION_UNET_MAX_LEVELS];
  DiffusionResample down_resample[DIFFUSION_UNET_MAX_LEVELS];
  DiffusionResample up_resample[DIFFUSION_UNET_MAX_LEVELS];
  gint downsample_padding;

  gboolean mid_attention;
  gint mid_attention_groups;
  gint attention_heads;
  gint attention_heads_up;
  gint attention_head_channels;

  gint norm_groups;
  double norm_eps;
  gboolean scale_shift;

  gint time_channels;
  gboolean flip_sin_to_cos;
  double freq_shift;
  DiffusionClassInput class_input;
  gint n_classes;

  double dropout;
  double output_scale;
  double mid_output_scale;

  DiffusionUnetHead head;
  gint pool_head_channels;
} DiffusionUnetConfig;

/** diffusion_unet_config_init: the values that UNet2DModel takes for keys that are absent. */
void diffusion_unet_config_init (DiffusionUnetConfig *config);

/**
 * diffusion_unet_config_validate:
 * @config: the configuration
 * @name: what to call it in errors
 * @error: return location for %DIFFUSION_ERROR_INVALID naming field, found and expected
 *
 * Checks every field: ranges, groups and heads that divide the widths, sizes that no computer could hold.
 */
gboolean diffusion_unet_config_validate (const DiffusionUnetConfig *config, const char *name, GError **error);

/** diffusion_unet_config_equal: whether both describe the same network. */
gboolean diffusion_unet_config_equal (const DiffusionUnetConfig *a, const DiffusionUnetConfig *b);

/** diffusion_unet_config_get_heads: heads of an attention over @channels channels; @up: in up_blocks. */
gint diffusion_unet_config_get_heads (const DiffusionUnetConfig *config, gint channels, gboolean up);

/** diffusion_unet_config_get_pool_heads: heads of the attention pool. */
gint diffusion_unet_config_get_pool_heads (const DiffusionUnetConfig *config);

/** diffusion_unet_config_get_time_channels: width of the sinusoidal features; the time embedding is four
 * times as wide. */
gint diffusion_unet_config_get_time_channels (const DiffusionUnetConfig *config);

/** diffusion_unet_config_get_multiple: height and width must be multiples of this (the pixel shuffle times
 * 2^(levels − 1)). */
gint diffusion_unet_config_get_multiple (const DiffusionUnetConfig *config);

/** diffusion_unet_config_is_diffusers: whether diffusers' UNet2DModel can express the network, so that Python
 * users can load it. */
gboolean diffusion_unet_config_is_diffusers (const DiffusionUnetConfig *config);

/**
 * diffusion_unet_config_from_json:
 * @name: what to call the object in errors, its file
 * @object: a config.json with _class_name UNet2DModel, or DiffusionUNet or DiffusionClassifier, which have
 * more keys
 * @config: (out caller-allocates): the configuration
 * @error: return location for %DIFFUSION_ERROR_FORMAT, %DIFFUSION_ERROR_UNSUPPORTED or
 * %DIFFUSION_ERROR_INVALID
 *
 * Reads and validates. Keys that do not change the network are ignored.
 */
gboolean diffusion_unet_config_from_json (const char *name,
                                          JsonObject *object,
                                          DiffusionUnetConfig *config,
                                          GError **error);

/**
 * diffusion_unet_config_to_json:
 * @config: a valid configuration
 *
 * Returns: (transfer full): config.json, exactly as diffusers writes it where
 * diffusion_unet_config_is_diffusers(), else with further keys and another _class_name
 */
JsonObject *diffusion_unet_config_to_json (const DiffusionUnetConfig *config);

G_END_DECLS
