// The steps of Adam that rows of an embedding table take, sixteen rows at a time: element l of a vector belongs to row l of the group, and
// a group's columns follow one another. Rows of a group may have waited for different numbers of steps.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "pimm_torch.h"

namespace pimm {

constexpr int64_t group_rows = 16;

struct Stride {
  float count, left1, left2, half2, mean1;  // what a stride leaves of both moments, of the second half way, and of the first on average
};

// What all rows have in common. Grows with the steps; from `last_different` on a step's size and spread stay as they are.
class StepPlan {
 public:
  static constexpr int64_t one_by_one = 32;
  static constexpr int64_t last_different = 1 << 15;
  static constexpr int strides = 24;

  void prepare(const pimm_rows& how);

  // Of the running mean, for the weights of this step; 0 where it does not take them in.
  float share(int64_t step) const {
    const int64_t since = step - mean_start;
    if (window <= 0 || since <= 0 || since % mean_every != 0) return 0;
    return static_cast<float>(mean_every / std::min(std::max(window, double(mean_every)), double(since)));
  }

  float beta1, rest1, beta2, rest2, decay, eps;
  std::vector<float> size, spread;  // of step s, from 1; the spread is 1 / √(1 − β₂^s)
  std::vector<Stride> stride;       // of 2^i steps
  float kept[strides];  // what a stride leaves of the running mean
  double window;
  int64_t mean_start, mean_every;
};

// A group's weights, both moments and, where there is one, the running mean: [width][group_rows] each, 64-byte aligned.
struct Group {
  float *w, *m, *v, *mean;
  int64_t width;
};

// The steps after waiting[l] up to `to`, none of which has a gradient. 32 one by one, then strides of 1, 2, 4 … steps and a rest.
void catch_up(const StepPlan& plan, const Group& group, const int32_t* waiting, int32_t to);

// Step `step` with a gradient [width][group_rows].
void take_step(const StepPlan& plan, const Group& group, const float* gradient, int64_t step);

// mean = (1 − share) · mean + share · weights.
void take_in(float share, const float* weights, float* mean, int64_t count);

}  // namespace pimm
