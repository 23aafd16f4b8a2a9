// The step along the gradients of what was looked up: of the rows that were, or of all.
#include "adam.h"
#include "rows.h"

namespace pimm {

// Adds up the gradients of what was looked up; one that is not there is 0.
void Rows::add_up(int64_t row_width) {
  sums_.assign(rows_.size() * row_width, 0.0f);
  const int32_t* answers = answers_.data();
  for (const auto& leaf : leaves_) {
    const int64_t count = leaf.size(0);
    if (leaf.grad().defined()) {
      const at::Tensor collected = leaf.grad().contiguous();
      const float* gradient = collected.data_ptr<float>();
      with_width(row_width, [&](auto width) {
        for (int64_t i = 0; i < count; ++i) {
          float* sum = sums_.data() + answers[i] * width;
          for (int64_t at = 0; at < width; ++at) sum[at] += gradient[i * width + at];
        }
      });
    }
    answers += count;
  }
}

void Rows::step_waiting(const RowTable& table, int64_t step) {
  TORCH_CHECK(averaged_ == (table.mean != nullptr), "a running mean began between a look-up and its step");
  each_group(table, 0, int64_t(groups_.size()) / group_rows, [&](const Group& group, const int32_t* which, float* gradient) {
    for (int64_t l = 0; l < group_rows; ++l) {
      const float* sum = sums_.data() + int64_t(std::max(which[l], 0)) * table.width;
      for (int64_t column = 0; column < table.width; ++column) gradient[column * group_rows + l] = sum[column];
    }
    pimm::take_step(plan, group, gradient, step);
    put(table, group, which, float(step));
  });
}

void Rows::step_all(const RowTable& table, const pimm_rows& how, const float* whole) {
  const auto step = pimm::adam_step<float>(how.lr, how.beta1, how.beta2, how.eps, how.weight_decay, 1, how.step);
  constexpr int64_t tile_numbers = 2048;
  const int64_t tile = std::max<int64_t>(1, tile_numbers / table.width), tiles = (table.rows + tile - 1) / tile;
  sort_into(tiles, [&](int32_t row) { return row / tile; });
  const float share = table.mean ? plan.share(how.step) : 0;
  at::parallel_for(0, tiles, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> gradient(tile * table.width);
    for (int64_t one = begin; one < end; ++one) {
      const int64_t from = one * tile * table.width, numbers = std::min(table.rows * table.width - from, tile * table.width);
      if (whole) std::copy_n(whole + from, numbers, gradient.data());
      each_in(one, [&](int32_t which) {
        const float* sum = sums_.data() + int64_t(which) * table.width;
        float* to = gradient.data() + int64_t(rows_[which]) * table.width - from;
        for (int64_t at = 0; at < table.width; ++at) to[at] += sum[at];
      });
      pimm::adam(step, table.w + from, gradient.data(), table.m + from, table.v + from, numbers);
      if (share > 0) pimm::take_in(share, table.w + from, table.mean + from, numbers);
      each_in(one, [&](int32_t which) { std::fill_n(gradient.data() + int64_t(rows_[which]) * table.width - from, table.width, 0.0f); });
    }
  });
}

}  // namespace pimm
