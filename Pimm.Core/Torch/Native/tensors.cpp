#include "tensors.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>

PIMM_EXPORT void pimm_tensor_free(void* tensor) noexcept {
  const pimm::Timed timed;
  pimm::Impl::reclaim(static_cast<c10::TensorImpl*>(tensor)).reset();
}

// Fills the description and as many lengths as there is room for; description->dimensions says how many there are.
PIMM_EXPORT int32_t pimm_tensor_describe(void* tensor, pimm_description* description, int64_t* lengths,
                                         int32_t room) noexcept {
  return pimm::guarded([&] {
    at::Tensor self = pimm::borrow(tensor);
    auto sizes = self.sizes();
    description->dtype = static_cast<int32_t>(self.scalar_type());
    description->device_type = static_cast<int32_t>(self.device().type());
    description->device_index = self.device().index();
    description->dimensions = static_cast<int32_t>(sizes.size());
    description->elements = self.numel();
    description->storage = self.has_storage() ? reinterpret_cast<int64_t>(self.data_ptr()) : 0;
    description->contiguous = self.is_contiguous();
    description->requires_grad = self.requires_grad();
    std::copy_n(sizes.begin(), std::min<size_t>(sizes.size(), room), lengths);
  });
}

// The memory stays the caller's; release(context) is called when the last tensor over it is gone.
PIMM_EXPORT int32_t pimm_tensor_over(void* data, const int64_t* lengths, int32_t dimensions, int32_t dtype,
                                     void (*release)(void*), void* context, void** made) noexcept {
  return pimm::guarded([&] {
    auto options = at::TensorOptions().dtype(static_cast<c10::ScalarType>(dtype));
    *made = pimm::hand_over(at::from_blob(
        data, at::IntArrayRef(lengths, dimensions), [release, context](void*) { release(context); }, options));
  });
}
