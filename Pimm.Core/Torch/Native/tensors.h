#pragma once
#include <ATen/core/Tensor.h>

#include "errors.h"

namespace pimm {

// A second reference to the caller's tensor.
inline at::Tensor borrow(void* tensor) {
  return at::Tensor(Impl::reclaim_copy(static_cast<c10::TensorImpl*>(tensor)));
}

// The caller becomes an owner; null for an undefined tensor.
inline void* hand_over(at::Tensor&& tensor) {
  return tensor.defined() ? tensor.unsafeReleaseTensorImpl() : nullptr;
}

}  // namespace pimm
