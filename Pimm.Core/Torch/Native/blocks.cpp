#include "blocks.h"

namespace {

PIMM_WIDE void rectify(const pimm::Mask& mask, const float* __restrict bias, float* __restrict rows, int64_t start, int64_t count, int64_t width) {
  constexpr int64_t block = pimm::Mask::block;
  alignas(64) uint16_t drawn[block];
  const float scale = float(mask.scale);
  const int64_t total = count * width;
  for (int64_t at = 0, column = 0; at < total;) {
    const int64_t within = (start + at) % block, end = std::min(total, at + block - within);
    if (mask.threshold > 0) mask.draw((start + at) / block, drawn);
    for (const uint16_t* number = drawn + within; at < end;) {
      const int64_t now = std::min(width - column, end - at);
      if (mask.threshold == 0) {
        for (int64_t i = 0; i < now; ++i) {
          const float value = rows[at + i] + bias[column + i];
          rows[at + i] = value <= 0 ? 0 : value;
        }
      } else {
        for (int64_t i = 0; i < now; ++i) {
          // What is no number stays none, so that a training that runs away is noticed.
          const float value = rows[at + i] + bias[column + i], positive = value <= 0 ? 0 : value;
          rows[at + i] = number[i] >= mask.threshold ? positive * scale : 0;
        }
      }
      at += now;
      number += now;
      column = column + now == width ? 0 : column + now;
    }
  }
}

PIMM_WIDE void rectify_back(float scale, const float* __restrict result, const float* gradient, float* to, float* __restrict sums,
                            int64_t count, int64_t width) {
  for (int64_t row = 0; row < count; ++row) {
#pragma GCC ivdep
    for (int64_t i = 0; i < width; ++i) {
      const float passed = result[row * width + i] <= 0 ? 0 : gradient[row * width + i] * scale;
      to[row * width + i] = passed;
      sums[i] += passed;
    }
  }
}

}  // namespace

void pimm::rectify_rows(const Mask& mask, const float* bias, float* rows, int64_t start, int64_t count, int64_t width) {
  rectify(mask, bias, rows, start, count, width);
}

void pimm::rectify_rows_back(float scale, const float* result, const float* gradient, float* to, float* bias_gradient, int64_t count, int64_t width) {
  rectify_back(scale, result, gradient, to, bias_gradient, count, width);
}
