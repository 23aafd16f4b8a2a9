// What the fused parts of networks are to one another; each of them takes part in gradients.
#pragma once
#include <ATen/core/Tensor.h>

#include "pimm_torch.h"

namespace pimm {

// The rows of a table that ids [n] names, as they are before step how.step: a leaf [n, width] that collects their gradient (row_adam.cpp).
at::Tensor look_up(void* rows, const pimm_rows& how, const at::Tensor& ids);

// As pimm_towers (fused_towers.cpp).
at::Tensor towers(const at::Tensor& input, void* const* parameters, const double* shares, int32_t layers);

// As pimm_premise_chain (fused_chain.cpp); undefined labels and shown where nothing is shown.
at::Tensor premise_chain(const at::Tensor& own, const at::Tensor& labels, const at::Tensor& shown, void* const* parameters, int32_t count,
                         double share);

}  // namespace pimm
