// ops.h gathers the families' lists of operations.
#pragma once
#include "ops_conv.h"
#include "ops_ffn.h"
#include "ops_fft.h"
#include "ops_filter.h"
#include "ops_haar.h"
#include "ops_loss.h"
#include "ops_optim.h"
#include "ops_pointwise.h"
#include "ops_router.h"
#include "ops_rows.h"
#include "ops_spatial.h"
#include "ops_spectral.h"
#include "ops_wavelet.h"

#define CLUSIR_OPS(X)                                                                                         \
  OPS_CONV(X) OPS_FFN(X) OPS_FFT(X) OPS_FILTER(X) OPS_HAAR(X) OPS_LOSS(X) OPS_OPTIM(X) OPS_POINTWISE(X)       \
  OPS_ROUTER(X) OPS_ROWS(X) OPS_SPATIAL(X) OPS_SPECTRAL(X) OPS_WAVELET(X)
