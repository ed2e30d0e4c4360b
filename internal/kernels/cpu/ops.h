// ops.h gathers the families' lists of operations.
#pragma once
#include "ops_conv.h"
#include "ops_ffn.h"
#include "ops_wavelet.h"

#define CLUSIR_OPS(X) OPS_CONV(X) OPS_FFN(X) OPS_WAVELET(X)
