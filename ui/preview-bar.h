/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The buttons below a preview. */
#pragma once

#include "ui/preview-area.h"

G_BEGIN_DECLS

/** diffusion_preview_bar_new: buttons that zoom @preview and show it only before or only after. */
GtkWidget *diffusion_preview_bar_new (DiffusionPreviewArea *preview);

G_END_DECLS
