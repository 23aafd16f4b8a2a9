#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

#include "tensors.h"

namespace {

std::vector<at::Tensor> borrow_all(void* const* tensors, int32_t count) {
  std::vector<at::Tensor> list;
  list.reserve(count);
  for (int32_t i = 0; i < count; ++i) list.push_back(tensors[i] ? pimm::borrow(tensors[i]) : at::Tensor());
  return list;
}

}  // namespace

PIMM_EXPORT int32_t pimm_backward(void* tensor, void* gradient, int32_t retain_graph, int32_t create_graph) noexcept {
  return pimm::guarded([&] {
    std::vector<at::Tensor> gradients;
    if (gradient) gradients.push_back(pimm::borrow(gradient));
    torch::autograd::backward({pimm::borrow(tensor)}, gradients, retain_graph != 0, create_graph != 0);
  });
}

// gradients has room for one tensor an input; null where an input did not take part.
PIMM_EXPORT int32_t pimm_gradients(void* const* outputs, int32_t output_count, void* const* inputs, int32_t input_count,
                                   void* const* output_gradients, int32_t retain_graph, int32_t create_graph,
                                   int32_t allow_unused, void** gradients) noexcept {
  return pimm::guarded([&] {
    std::vector<at::Tensor> given;
    if (output_gradients) given = borrow_all(output_gradients, output_count);
    auto found = torch::autograd::grad(borrow_all(outputs, output_count), borrow_all(inputs, input_count), given,
                                       retain_graph != 0, create_graph != 0, allow_unused != 0);
    for (int32_t i = 0; i < input_count; ++i) gradients[i] = pimm::hand_over(std::move(found[i]));
  });
}

PIMM_EXPORT int32_t pimm_tensor_gradient(void* tensor, void** gradient) noexcept {
  return pimm::guarded([&] {
    at::Tensor found = pimm::borrow(tensor).grad();
    *gradient = pimm::hand_over(std::move(found));
  });
}

PIMM_EXPORT int32_t pimm_tensor_set_gradient(void* tensor, void* gradient) noexcept {
  return pimm::guarded([&] {
    pimm::borrow(tensor).mutable_grad() = gradient ? pimm::borrow(gradient) : at::Tensor();
  });
}

PIMM_EXPORT int32_t pimm_tensor_require_gradient(void* tensor, int32_t required) noexcept {
  return pimm::guarded([&] { pimm::borrow(tensor).set_requires_grad(required != 0); });
}

PIMM_EXPORT int32_t pimm_tensor_is_leaf(void* tensor, int32_t* leaf) noexcept {
  return pimm::guarded([&] { *leaf = pimm::borrow(tensor).is_leaf(); });
}

PIMM_EXPORT int32_t pimm_gradients_recorded() noexcept { return c10::GradMode::is_enabled(); }

PIMM_EXPORT void pimm_record_gradients(int32_t recorded) noexcept { c10::GradMode::set_enabled(recorded != 0); }

// Thread-local as gradient mode is: free it on the thread that made it, in reverse order.
PIMM_EXPORT int32_t pimm_inference_begin(int32_t enabled, void** guard) noexcept {
  return pimm::guarded([&] { *guard = new c10::InferenceMode(enabled != 0); });
}

PIMM_EXPORT void pimm_inference_end(void* guard) noexcept { delete static_cast<c10::InferenceMode*>(guard); }
