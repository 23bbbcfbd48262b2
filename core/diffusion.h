/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The diffusion library's public header. */
#pragma once

#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/base/output-file.h"
#include "core/base/progress.h"
#include "core/base/random.h"
#include "core/base/threads.h"
#include "core/imaging/picture.h"
#include "core/model/dtype.h"
#include "core/model/tensor-file.h"
#include "core/model/tensor-writer.h"
#include "core/model/unet-config.h"
#include "core/model/unet-parameters.h"
#include "core/training/camera-noise.h"
#include "core/training/dataset.h"
