/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small models and pictures for tests of the command. */
#pragma once

#include <gio/gio.h>

/** fixture_photo_model: writes a tiny photo model with random weights to the folder @path. */
void fixture_photo_model (const char *path);

/**
 * fixture_unet_model:
 * @path: folder to write
 * @classes: number of classes, 0 for none
 *
 * Writes a tiny U-Net of 16×16 pixels and 100 steps with random weights, as a diffusers folder.
 */
void fixture_unet_model (const char *path, gint classes);

/** fixture_large_unet_model: the same with 64×64 pixels and so many channels that a step takes a while. */
void fixture_large_unet_model (const char *path);

/** fixture_classifier_model: writes a tiny noisy classifier of pictures as that network makes. */
void fixture_classifier_model (const char *path, gint classes);

/** fixture_upsampler_model: writes a tiny network that is told a smaller picture. */
void fixture_upsampler_model (const char *path);

/**
 * fixture_picture:
 * @path: file to write; the extension chooses the format
 * @channels: 1 or 3
 * @bits: 8, 16 or 32
 *
 * Writes a smooth picture with some noise.
 */
void fixture_picture (const char *path, gint width, gint height, gint channels, gint bits);

/** fixture_truncate: cuts a file to half its length. */
void fixture_truncate (const char *path);
