// Adam in one pass over memory. As tensor operations the same step reads and writes the parameters some 18 times over,
// which for embedding tables is most of a training step.
#include "adam.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "tensors.h"

namespace pimm {

template <class Number>
AdamStep<Number> adam_step(double lr, double beta1, double beta2, double eps, double weight_decay, double sign, int64_t step) {
  return {Number(beta1), Number(1 - beta1), Number(beta2), Number(1 - beta2), Number(weight_decay), Number(sign),
          Number(std::sqrt(1 - std::pow(beta2, step))), Number(eps), Number(lr / (1 - std::pow(beta1, step)))};
}

template AdamStep<float> adam_step(double, double, double, double, double, double, int64_t);
template AdamStep<double> adam_step(double, double, double, double, double, double, int64_t);

}  // namespace pimm

namespace {

template <class Number>
__attribute__((always_inline)) inline void advance(const pimm::AdamStep<Number>& step, Number* __restrict parameter,
                                                   const Number* __restrict gradient, Number* __restrict first,
                                                   Number* __restrict second, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    Number g = step.sign * gradient[i] + step.decay * parameter[i];
    Number m = step.beta1 * first[i] + step.rest1 * g;
    Number v = step.beta2 * second[i] + step.rest2 * (g * g);
    first[i] = m;
    second[i] = v;
    parameter[i] -= step.size * (m / (std::sqrt(v) / step.spread + step.eps));
  }
}

#if defined(__x86_64__)
#define PIMM_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define PIMM_WIDE
#endif

PIMM_WIDE void advance_float(const pimm::AdamStep<float>& step, float* parameter, const float* gradient, float* first,
                             float* second, int64_t count) {
  advance(step, parameter, gradient, first, second, count);
}

PIMM_WIDE void advance_double(const pimm::AdamStep<double>& step, double* parameter, const double* gradient, double* first,
                              double* second, int64_t count) {
  advance(step, parameter, gradient, first, second, count);
}

template <class Number>
void run(const pimm_adam& how, at::Tensor& parameter, const at::Tensor& gradient, at::Tensor& first, at::Tensor& second) {
  const auto step = pimm::adam_step<Number>(how.lr, how.beta1, how.beta2, how.eps, how.weight_decay, how.maximize ? -1 : 1, how.step);
  auto p = parameter.data_ptr<Number>();
  auto g = gradient.data_ptr<Number>();
  auto m = first.data_ptr<Number>();
  auto v = second.data_ptr<Number>();
  constexpr int64_t grain = 1 << 15;
  at::parallel_for(0, parameter.numel(), grain,
                   [&](int64_t from, int64_t to) { pimm::adam(step, p + from, g + from, m + from, v + from, to - from); });
}

}  // namespace

void pimm::adam(const AdamStep<float>& step, float* parameter, const float* gradient, float* first, float* second, int64_t count) {
  advance_float(step, parameter, gradient, first, second, count);
}

void pimm::adam(const AdamStep<double>& step, double* parameter, const double* gradient, double* first, double* second, int64_t count) {
  advance_double(step, parameter, gradient, first, second, count);
}

// One step along the parameter's own gradient. taken: 1; 0 where it has none; 2 where parameter, gradient and moments are not all
// contiguous, on the CPU and of one type (float or double), so that the step has to be taken by operators.
PIMM_EXPORT int32_t pimm_adam_step(const pimm_adam* how, void* parameter, void* first, void* second, int32_t* taken) noexcept {
  return pimm::guarded([&] {
    at::Tensor p = pimm::borrow(parameter), g = p.grad(), m = pimm::borrow(first), v = pimm::borrow(second);
    *taken = 0;
    if (!g.defined()) return;
    *taken = 2;
    const bool single = p.scalar_type() == at::kFloat;
    if (!single && p.scalar_type() != at::kDouble) return;
    for (const auto& one : {p, g, m, v}) {
      if (!one.device().is_cpu() || !one.is_contiguous() || one.scalar_type() != p.scalar_type() || one.numel() != p.numel()) return;
    }
    if (single) {
      run<float>(*how, p, g, m, v);
    } else {
      run<double>(*how, p, g, m, v);
    }
    p.unsafeGetTensorImpl()->bump_version();  // so that autograd notices a change between forward and backward
    *taken = 1;
  });
}
