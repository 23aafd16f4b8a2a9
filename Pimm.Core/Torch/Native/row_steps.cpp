#include <algorithm>
#include <cmath>

#include "row_steps.h"
#include "masks.h"

namespace pimm {
namespace {

constexpr int64_t lanes = group_rows;

struct Numbers {
  alignas(64) float each[lanes];
};

struct Counts {
  alignas(64) int32_t each[lanes];
};

#define PIMM_INLINE __attribute__((always_inline)) inline

// Size and spread of the step after at[l] in every lane.
PIMM_INLINE void look_up(const StepPlan& plan, const Counts& at, bool alike, Numbers& size, Numbers& spread) {
  constexpr int32_t last = StepPlan::last_different;
  if (alike) {
    const int64_t step = std::min(at.each[0] + 1, last);
    for (int64_t l = 0; l < lanes; ++l) size.each[l] = plan.size[step];
    for (int64_t l = 0; l < lanes; ++l) spread.each[l] = plan.spread[step];
    return;
  }
  for (int64_t l = 0; l < lanes; ++l) {
    const int32_t step = std::min(at.each[l] + 1, last);
    size.each[l] = plan.size[step];
    spread.each[l] = plan.spread[step];
  }
}

template <bool with_gradient>
PIMM_INLINE void step_lanes(const StepPlan& plan, const Group& group, const float* gradient, const Counts& on, const Numbers& size, const Numbers& spread) {
  const float beta1 = plan.beta1, rest1 = plan.rest1, beta2 = plan.beta2, rest2 = plan.rest2, decay = plan.decay, eps = plan.eps;
  for (int64_t column = 0; column < group.width; ++column) {
    float* __restrict w = group.w + column * lanes;
    float* __restrict m = group.m + column * lanes;
    float* __restrict v = group.v + column * lanes;
    const float* __restrict g = gradient + (with_gradient ? column * lanes : 0);
    for (int64_t l = 0; l < lanes; ++l) {
      const float pull = with_gradient ? g[l] + decay * w[l] : decay * w[l];
      const float first = beta1 * m[l] + rest1 * pull;
      const float second = beta2 * v[l] + rest2 * (pull * pull);
      const float moved = w[l] - size.each[l] * (first / (std::sqrt(second) * spread.each[l] + eps));
      m[l] = on.each[l] ? first : m[l];
      v[l] = on.each[l] ? second : v[l];
      w[l] = on.each[l] ? moved : w[l];
    }
  }
}

PIMM_INLINE void stride_lanes(const StepPlan& plan, const Group& group, const Stride& by, const Counts& on, const Numbers& size, const Numbers& spread) {
  const float decay = plan.decay, eps = plan.eps;
  for (int64_t column = 0; column < group.width; ++column) {
    float* __restrict w = group.w + column * lanes;
    float* __restrict m = group.m + column * lanes;
    float* __restrict v = group.v + column * lanes;
    for (int64_t l = 0; l < lanes; ++l) {
      const float gradient = decay * w[l], square = gradient * gradient;
      const float drift = by.count * size.each[l] * ((gradient + (m[l] - gradient) * by.mean1) / (std::sqrt(square + (v[l] - square) * by.half2) * spread.each[l] + eps));
      const float moved = w[l] - drift;
      // Steps of dense Adam turn round at 0, where the decay ends.
      const bool crossed = w[l] * moved < 0;
      const float first = crossed ? 0 : gradient + (m[l] - gradient) * by.left1;
      const float second = square + (v[l] - square) * by.left2;
      m[l] = on.each[l] ? first : m[l];
      v[l] = on.each[l] ? second : v[l];
      w[l] = on.each[l] ? (crossed ? 0 : moved) : w[l];
    }
  }
}

PIMM_INLINE void average_lanes(const Group& group, const Numbers& share) {
  for (int64_t column = 0; column < group.width; ++column) {
    const float* __restrict w = group.w + column * lanes;
    float* __restrict mean = group.mean + column * lanes;
    for (int64_t l = 0; l < lanes; ++l) mean[l] = (1 - share.each[l]) * mean[l] + share.each[l] * w[l];
  }
}

PIMM_INLINE bool any(const Counts& on) {
  int32_t some = 0;
  for (int64_t l = 0; l < lanes; ++l) some |= on.each[l];
  return some != 0;
}

// Adds the weights after step at[l] to the mean of the lanes that are on, where they are due.
PIMM_INLINE void average_due(const StepPlan& plan, const Group& group, const Counts& at, const Counts& on) {
  Numbers share;
  float most = 0;
  for (int64_t l = 0; l < lanes; ++l) {
    share.each[l] = on.each[l] ? plan.share(at.each[l]) : 0;
    most = std::max(most, share.each[l]);
  }
  if (most > 0) average_lanes(group, share);
}

PIMM_INLINE void one_stride(const StepPlan& plan, const Group& group, int bit, bool alike, const Counts& on, Counts& at) {
  Numbers size, spread;
  look_up(plan, at, alike, size, spread);
  stride_lanes(plan, group, plan.stride[bit], on, size, spread);
  for (int64_t l = 0; l < lanes; ++l) at.each[l] += on.each[l] ? 1 << bit : 0;
  if (group.mean) {
    Numbers share;
    for (int64_t l = 0; l < lanes; ++l) share.each[l] = on.each[l] ? 1 - plan.kept[bit] : 0;
    average_lanes(group, share);
  }
}

// Long strides come last, when the decay has little left to do.
PIMM_INLINE void strides(const StepPlan& plan, const Group& group, bool alike, int32_t to, Counts& at) {
  Counts rest, on;
  for (int64_t l = 0; l < lanes; ++l) rest.each[l] = to - at.each[l];
  int bit = 0;
  for (;; ++bit) {
    for (int64_t l = 0; l < lanes; ++l) on.each[l] = rest.each[l] >= (2 << bit) - 1;
    if (!any(on)) break;
    one_stride(plan, group, bit, alike, on, at);
  }
  for (; bit >= 0; --bit) {
    for (int64_t l = 0; l < lanes; ++l) on.each[l] = ((to - at.each[l]) >> bit) & 1;
    if (any(on)) one_stride(plan, group, bit, alike, on, at);
  }
}

PIMM_WIDE void catch_up_lanes(const StepPlan& plan, const Group& group, const int32_t* waiting, int32_t to) {
  Counts at, on;
  int32_t longest = 0, differs = 0;
  for (int64_t l = 0; l < lanes; ++l) {
    at.each[l] = waiting[l];
    longest = std::max(longest, to - waiting[l]);
    differs |= waiting[l] ^ waiting[0];
  }
  Numbers size, spread;
  for (int32_t k = 0; k < std::min<int32_t>(longest, StepPlan::one_by_one); ++k) {
    for (int64_t l = 0; l < lanes; ++l) on.each[l] = at.each[l] < to;
    look_up(plan, at, differs == 0, size, spread);
    step_lanes<false>(plan, group, nullptr, on, size, spread);
    for (int64_t l = 0; l < lanes; ++l) at.each[l] += on.each[l];
    if (group.mean) average_due(plan, group, at, on);
  }
  if (longest > StepPlan::one_by_one) strides(plan, group, differs == 0, to, at);
}

PIMM_WIDE void take_step_lanes(const StepPlan& plan, const Group& group, const float* gradient, int64_t step) {
  Counts on, at;
  Numbers size, spread;
  for (int64_t l = 0; l < lanes; ++l) on.each[l] = 1;
  for (int64_t l = 0; l < lanes; ++l) at.each[l] = static_cast<int32_t>(step - 1);
  look_up(plan, at, true, size, spread);
  step_lanes<true>(plan, group, gradient, on, size, spread);
  for (int64_t l = 0; l < lanes; ++l) at.each[l] = static_cast<int32_t>(step);
  if (group.mean) average_due(plan, group, at, on);
}

PIMM_WIDE void take_in_wide(float share, const float* __restrict weights, float* __restrict mean, int64_t count) {
  for (int64_t i = 0; i < count; ++i) mean[i] = (1 - share) * mean[i] + share * weights[i];
}

}  // namespace

void catch_up(const StepPlan& plan, const Group& group, const int32_t* waiting, int32_t to) { catch_up_lanes(plan, group, waiting, to); }

void take_step(const StepPlan& plan, const Group& group, const float* gradient, int64_t step) { take_step_lanes(plan, group, gradient, step); }

void take_in(float share, const float* weights, float* mean, int64_t count) { take_in_wide(share, weights, mean, count); }

void StepPlan::prepare(const pimm_rows& how) {
  beta1 = float(how.beta1), rest1 = float(1 - how.beta1), beta2 = float(how.beta2), rest2 = float(1 - how.beta2);
  decay = float(how.weight_decay), eps = float(how.eps);
  window = how.window, mean_start = how.mean_start, mean_every = how.mean_every;
  for (int64_t step = int64_t(size.size()); step <= std::min(how.step + 1, last_different); ++step) {
    const bool none = step == 0;
    size.push_back(none ? 0 : float(how.lr / (1 - std::pow(how.beta1, step))));
    spread.push_back(none ? 1 : float(1 / std::sqrt(1 - std::pow(how.beta2, step))));
  }
  if (stride.empty()) {
    for (int bit = 0; bit < strides; ++bit) {
      const double count = std::ldexp(1.0, bit), left = std::pow(how.beta1, count);
      stride.push_back({float(count), float(left), float(std::pow(how.beta2, count)), float(std::pow(how.beta2, count / 2)),
                        float(how.beta1 * (1 - left) / (count * (1 - how.beta1)))});
    }
  }
  if (window <= 0) return;
  const double share = std::min(1.0, mean_every / std::max(1.0, std::min(window, double(how.step - mean_start))));
  for (int bit = 0; bit < strides; ++bit) {
    kept[bit] = how.step > mean_start ? float(std::pow(1 - share, std::ldexp(1.0, bit) / double(mean_every))) : 1;
  }
}

}  // namespace pimm
