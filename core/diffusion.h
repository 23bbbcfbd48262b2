/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The diffusion library's public header. */
#pragma once

#include "core/base/error.h"
#include "core/base/memory.h"
#include "core/base/output-file.h"
#include "core/base/progress.h"
#include "core/base/random.h"
#include "core/base/threads.h"
#include "core/diffusion/bound.h"
#include "core/diffusion/chain.h"
#include "core/diffusion/forward.h"
#include "core/diffusion/known.h"
#include "core/diffusion/losses.h"
#include "core/diffusion/noise.h"
#include "core/diffusion/parameterisation.h"
#include "core/diffusion/predictor.h"
#include "core/diffusion/respacing.h"
#include "core/diffusion/sampler.h"
#include "core/diffusion/schedule.h"
#include "core/model/dtype.h"
#include "core/model/tensor-file.h"
#include "core/model/tensor-writer.h"
