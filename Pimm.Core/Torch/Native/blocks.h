// What the fused layers share: a batch goes through them in blocks of rows small enough that a block's numbers stay in a processor's
// own cache from one layer to the next, each block on one thread.
#pragma once
#include <ATen/Parallel.h>

#include <cmath>
#include <cstdint>

#include "masks.h"
#include "undisturbed.h"

namespace pimm {

// c = a · b, or c + a · b, of numbers row by row, transposed where asked; m rows and n columns of c, k between.
void multiply(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
              int64_t ldb, bool add, float* c, int64_t ldc);

// Consecutive blocks make up a part, which one thread computes and which has sums of its own. The parts follow from the rows alone:
// any number of threads gives the same bits.
struct Blocks {
  Blocks(int64_t rows, int64_t floats_a_row) : all(rows) {
    constexpr int64_t cache = 160 << 10;  // floats: more than half of a megabyte, the rest is for the weights
    const int64_t most = std::clamp<int64_t>(cache / std::max<int64_t>(floats_a_row, 1), 32, 512);
    while (parts < 16 && rows >= 512 * parts) parts *= 2;
    in_part = std::max<int64_t>((rows + parts * most - 1) / (parts * most), 1);
    size = std::max<int64_t>((rows + parts * in_part - 1) / (parts * in_part), 1);
  }

  // body(part, first row, rows) for each block.
  template <class Body>
  void each(Body body) const {
    at::parallel_for(0, parts, 1, [&](int64_t from, int64_t to) {
      const Undisturbed computing;  // once for all products
      for (int64_t part = from; part < to; ++part) {
        for (int64_t row = part * in_part * size; row < std::min(all, (part + 1) * in_part * size); row += size) {
          body(part, row, std::min(size, all - row));
        }
      }
    });
  }

  int64_t all, size, in_part, parts = 1;
};

// ReLU and dropout of rows of `width` numbers after a bias, in place; `start` is the number of the first element in its layer.
// Without dropout the mask's threshold is 0.
void rectify_rows(const Mask& mask, const float* bias, float* rows, int64_t start, int64_t count, int64_t width);

// Back through it: to = gradient where the result was kept and positive, times scale; its sums go to the bias's gradient.
void rectify_rows_back(float scale, const float* result, const float* gradient, float* to, float* bias_gradient, int64_t count, int64_t width);

}  // namespace pimm
