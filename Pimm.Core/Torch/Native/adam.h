// One step of Adam over numbers that lie side by side. Every processor computes the same bits: only IEEE operations, no fused
// multiply-add (see build.sh), no reassociation.
#pragma once
#include <cstdint>

namespace pimm {

template <class Number>
struct AdamStep {
  Number beta1, rest1, beta2, rest2, decay, sign, spread, eps, size;
};

template <class Number>
AdamStep<Number> adam_step(double lr, double beta1, double beta2, double eps, double weight_decay, double sign, int64_t step);

void adam(const AdamStep<float>& step, float* parameter, const float* gradient, float* first, float* second, int64_t count);
void adam(const AdamStep<double>& step, double* parameter, const double* gradient, double* first, double* second, int64_t count);

}  // namespace pimm
