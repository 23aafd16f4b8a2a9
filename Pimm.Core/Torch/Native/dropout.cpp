// ReLU and dropout in one pass. libtorch draws its masks one number after the other from a Mersenne Twister, on one thread,
// which led our profile of a training step at 16,000 rows.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "masks.h"
#include "tensors.h"

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class Number>
__attribute__((always_inline)) inline void rectify(const pimm::Mask& mask, const Number* __restrict from, Number* __restrict to,
                                                   int64_t start, int64_t count) {
  alignas(64) uint16_t drawn[pimm::Mask::block];
  const Number scale = Number(mask.scale);
  for (int64_t done = 0; done < count; done += pimm::Mask::block) {
    const int64_t now = std::min<int64_t>(pimm::Mask::block, count - done);
    mask.draw((start + done) / pimm::Mask::block, drawn);
    for (int64_t i = 0; i < now; ++i) {
      // What is no number stays none, so that a training that runs away is noticed.
      const Number positive = from[done + i] <= Number(0) ? Number(0) : from[done + i];
      to[done + i] = drawn[i] >= mask.threshold ? positive * scale : Number(0);
    }
  }
}

PIMM_WIDE void rectify_float(const pimm::Mask& mask, const float* from, float* to, int64_t start, int64_t count) {
  rectify(mask, from, to, start, count);
}

PIMM_WIDE void rectify_double(const pimm::Mask& mask, const double* from, double* to, int64_t start, int64_t count) {
  rectify(mask, from, to, start, count);
}

// What was kept and positive is above 0 in the result, so the mask need not be remembered.
template <class Number>
__attribute__((always_inline)) inline void pass_back(Number scale, const Number* __restrict result, const Number* __restrict gradient,
                                                     Number* __restrict to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = result[i] <= Number(0) ? Number(0) : gradient[i] * scale;
}

PIMM_WIDE void pass_back_float(float scale, const float* result, const float* gradient, float* to, int64_t count) {
  pass_back(scale, result, gradient, to, count);
}

PIMM_WIDE void pass_back_double(double scale, const double* result, const double* gradient, double* to, int64_t count) {
  pass_back(scale, result, gradient, to, count);
}

class ReluDropout : public torch::autograd::Function<ReluDropout> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, double share, int64_t key) {
    const at::Tensor from = input.contiguous();
    at::Tensor to = at::empty_like(from);
    const pimm::Mask mask(static_cast<uint64_t>(key), share);
    constexpr int64_t block = pimm::Mask::block;
    const int64_t count = from.numel();
    at::parallel_for(0, (count + block - 1) / block, 16, [&](int64_t first, int64_t last) {
      const int64_t start = first * block, end = std::min(last * block, count);
      if (from.scalar_type() == at::kFloat) {
        rectify_float(mask, from.data_ptr<float>() + start, to.data_ptr<float>() + start, start, end - start);
      } else {
        rectify_double(mask, from.data_ptr<double>() + start, to.data_ptr<double>() + start, start, end - start);
      }
    });
    context->save_for_backward({to});
    context->saved_data["scale"] = mask.scale;
    return to;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor result = context->get_saved_variables()[0], gradient = gradients[0].contiguous();
    const double scale = context->saved_data["scale"].toDouble();
    at::Tensor to = at::empty_like(result);
    at::parallel_for(0, result.numel(), 1 << 14, [&](int64_t start, int64_t end) {
      if (result.scalar_type() == at::kFloat) {
        pass_back_float(float(scale), result.data_ptr<float>() + start, gradient.data_ptr<float>() + start, to.data_ptr<float>() + start, end - start);
      } else {
        pass_back_double(scale, result.data_ptr<double>() + start, gradient.data_ptr<double>() + start, to.data_ptr<double>() + start, end - start);
      }
    });
    return {to, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

uint64_t pimm::draw_key() {
  auto generator = at::detail::getDefaultCPUGenerator();
  std::lock_guard<std::mutex> lock(generator.mutex());
  return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

// relu(input) with a share of it set to 0 and the rest scaled up; float or double on the CPU.
PIMM_EXPORT int32_t pimm_relu_dropout(void* input, double share, void** result) noexcept {
  return pimm::guarded([&] {
    at::Tensor from = pimm::borrow(input);
    TORCH_CHECK(from.device().is_cpu() && (from.scalar_type() == at::kFloat || from.scalar_type() == at::kDouble),
                "the input must be float or double on the CPU");
    TORCH_CHECK(share >= 0 && share < 1, "the share dropped must be at least 0 and below 1, but is ", share);
    *result = pimm::hand_over(ReluDropout::apply(from, share, static_cast<int64_t>(pimm::draw_key())));
  });
}
