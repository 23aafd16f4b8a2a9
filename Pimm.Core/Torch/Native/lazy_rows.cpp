// Adam over the rows of an embedding table that a batch looks up, instead of over all rows at every step.
//
// Dense Adam moves a row in every step, also in those that do not look it up: by its momentum, and by the weight decay. Here such
// steps wait until the row is wanted again and are then taken at once, before the row is read: the first 32 one by one, as dense Adam
// takes them, later ones in strides of 1, 2, 4 … steps and a rest, whose decay and drift have a closed form while a row is left alone. touched[row] is
// the last step that a row has taken. A row's steps depend on nothing but the row, so any number of threads gives the same bits.
#include <ATen/Parallel.h>

#include <cmath>
#include <vector>

#include "masks.h"
#include "tensors.h"

namespace {

constexpr int64_t lanes = 16;
constexpr int64_t one_by_one = 32;
constexpr int strides = 40;

struct Stride {
  float count, left1, left2, half2, mean1;  // what a stride leaves of both moments, of the second half way, and of the first on average
};

struct Plan {
  float beta1, rest1, beta2, rest2, decay, eps;
  const float* size;    // of step s, from 1
  const float* spread;  // 1 / √(1 − β₂^s)
  const Stride* stride;
  const float* kept;    // what a stride leaves of the running mean
  double window;
  int64_t mean_start, mean_every;

  float share(int64_t step) const {
    const int64_t since = step - mean_start;
    if (window <= 0 || since <= 0 || since % mean_every != 0) return 0;
    return float(std::min(1.0, mean_every / std::min(window, double(since))));
  }
};

struct Piece {
  alignas(64) float w[lanes], m[lanes], v[lanes], mean[lanes], g[lanes];

  __attribute__((always_inline)) inline void step(const Plan& plan, float size, float spread) {
    for (int64_t i = 0; i < lanes; ++i) {
      const float gradient = g[i] + plan.decay * w[i];
      m[i] = plan.beta1 * m[i] + plan.rest1 * gradient;
      v[i] = plan.beta2 * v[i] + plan.rest2 * (gradient * gradient);
      w[i] -= size * (m[i] / (std::sqrt(v[i]) * spread + plan.eps));
    }
  }

  __attribute__((always_inline)) inline void stride(const Plan& plan, const Stride& by, float size, float spread) {
    for (int64_t i = 0; i < lanes; ++i) {
      const float gradient = plan.decay * w[i], square = gradient * gradient;
      const float drift = by.count * size * ((gradient + (m[i] - gradient) * by.mean1) / (std::sqrt(square + (v[i] - square) * by.half2) * spread + plan.eps));
      const float moved = w[i] - drift;
      // Steps of dense Adam turn round at 0, where the decay ends.
      const bool crossed = w[i] * moved < 0;
      m[i] = crossed ? 0 : gradient + (m[i] - gradient) * by.left1;
      v[i] = square + (v[i] - square) * by.left2;
      w[i] = crossed ? 0 : moved;
    }
  }

  __attribute__((always_inline)) inline void average(float share) {
    for (int64_t i = 0; i < lanes; ++i) mean[i] = (1 - share) * mean[i] + share * w[i];
  }
};

__attribute__((always_inline)) inline void load(float* to, const float* from, int64_t count) {
  for (int64_t i = 0; i < lanes; ++i) to[i] = i < count ? from[i] : 0;
}

// Steps after `from` up to `to`; the last one with the gradient where there is one.
PIMM_WIDE void advance_row(const Plan& plan, float* w, float* m, float* v, float* mean, const float* gradient, int64_t width,
                           int64_t from, int64_t to) {
  const int64_t exact = std::min(to, from + one_by_one);
  for (int64_t at = 0; at < width; at += lanes) {
    const int64_t count = std::min(lanes, width - at);
    Piece piece;
    load(piece.w, w + at, count);
    load(piece.m, m + at, count);
    load(piece.v, v + at, count);
    if (mean) load(piece.mean, mean + at, count);
    if (gradient) {
      load(piece.g, gradient + at, count);
    } else {
      std::fill_n(piece.g, lanes, 0.0f);
    }
    for (int64_t step = from + 1; step <= exact; ++step) {
      piece.step(plan, plan.size[step], plan.spread[step]);
      if (mean) {
        if (const float share = plan.share(step); share > 0) piece.average(share);
      }
    }
    // Long strides come last, when the decay has little left to do.
    int64_t step = exact;
    int bit = 0;
    for (bool growing = true; step < to; bit += growing ? 1 : 0) {
      for (; (int64_t(1) << bit) > to - step; --bit) growing = false;
      piece.stride(plan, plan.stride[bit], plan.size[step + 1], plan.spread[step + 1]);
      step += int64_t(1) << bit;
      if (mean) piece.average(1 - plan.kept[bit]);
    }
    std::copy_n(piece.w, count, w + at);
    std::copy_n(piece.m, count, m + at);
    std::copy_n(piece.v, count, v + at);
    if (mean) std::copy_n(piece.mean, count, mean + at);
  }
}

struct Table {
  float *w, *m, *v, *mean, *touched;
  int64_t rows, width;

  void advance(const Plan& plan, int64_t row, int64_t to, const float* gradient) const {
    const int64_t at = row * width;
    advance_row(plan, w + at, m + at, v + at, mean ? mean + at : nullptr, gradient, width, int64_t(touched[row]), to);
    touched[row] = float(to);
  }
};

struct Worker {
  std::vector<int64_t> rows;
  std::vector<float> sums;
};

class Rows {
 public:
  explicit Rows(int64_t rows) : slot_(rows, -1) {}

  Plan plan(const pimm_rows& how) {
    TORCH_CHECK(how.step < 1 << 24, "more steps than a float can count");
    for (int64_t step = int64_t(size_.size()); step <= how.step; ++step) {
      const bool none = step == 0;
      size_.push_back(none ? 0 : float(how.lr / (1 - std::pow(how.beta1, step))));
      spread_.push_back(none ? 1 : float(1 / std::sqrt(1 - std::pow(how.beta2, step))));
    }
    const double share = how.window > 0 ? std::min(1.0, how.mean_every / std::max(1.0, std::min(how.window, double(how.step - how.mean_start)))) : 0;
    for (int bit = 0; bit < strides; ++bit) {
      const double count = std::ldexp(1.0, bit), left = std::pow(how.beta1, count);
      stride_[bit] = {float(count), float(left), float(std::pow(how.beta2, count)), float(std::pow(how.beta2, count / 2)),
                      float(how.beta1 * (1 - left) / (count * (1 - how.beta1)))};
      kept_[bit] = how.step > how.mean_start ? float(std::pow(1 - share, count / double(how.mean_every))) : 1;
    }
    return {float(how.beta1), float(1 - how.beta1), float(how.beta2), float(1 - how.beta2), float(how.weight_decay), float(how.eps),
            size_.data(), spread_.data(), stride_, kept_, how.window, how.mean_start, how.mean_every};
  }

  // Each thread has rows of its own, so no row is changed by two, and its gradients add up in the order of the batch.
  template <class Body>
  void each_owner(Body body) {
    const int64_t threads = at::get_num_threads();
    if (int64_t(workers_.size()) < threads) workers_.resize(threads);
    at::parallel_for(0, threads, 1, [&](int64_t first, int64_t last) {
      for (int64_t owner = first; owner < last; ++owner) body(owner, threads);
    });
  }

  static bool owns(int64_t owner, int64_t threads, int64_t row) { return threads == 1 || (row >> 6) % threads == owner; }

  void catch_up(const Plan& plan, const Table& table, const int64_t* ids, int64_t count, int64_t to) {
    each_owner([&](int64_t owner, int64_t threads) {
      for (int64_t i = 0; i < count; ++i) {
        if (i + 8 < count) __builtin_prefetch(table.touched + ids[i + 8]);
        if (owns(owner, threads, ids[i]) && table.touched[ids[i]] < to) table.advance(plan, ids[i], to, nullptr);
      }
    });
  }

  void step(const Plan& plan, const Table& table, const int64_t* ids, const float* gradients, int64_t count, int64_t to) {
    each_owner([&](int64_t owner, int64_t threads) {
      auto& mine = workers_[owner];
      mine.rows.clear();
      mine.sums.clear();
      for (int64_t i = 0; i < count; ++i) {
        if (i + 8 < count) __builtin_prefetch(slot_.data() + ids[i + 8]);
        if (!owns(owner, threads, ids[i])) continue;
        const float* gradient = gradients + i * table.width;
        if (int32_t& slot = slot_[ids[i]]; slot < 0) {
          slot = int32_t(mine.rows.size());
          mine.rows.push_back(ids[i]);
          mine.sums.insert(mine.sums.end(), gradient, gradient + table.width);
        } else {
          float* sum = mine.sums.data() + slot * table.width;
          for (int64_t at = 0; at < table.width; ++at) sum[at] += gradient[at];
        }
      }
      for (size_t at = 0; at < mine.rows.size(); ++at) {
        slot_[mine.rows[at]] = -1;
        if (table.touched[mine.rows[at]] < to - 1) table.advance(plan, mine.rows[at], to - 1, nullptr);
        table.advance(plan, mine.rows[at], to, mine.sums.data() + at * table.width);
      }
    });
  }

 private:
  std::vector<int32_t> slot_;  // where in its worker's sums a row's gradient adds up; -1 between steps
  std::vector<Worker> workers_;
  std::vector<float> size_, spread_;
  Stride stride_[strides];
  float kept_[strides];
};

Table table_of(void* weights, void* first, void* second, void* mean, void* touched) {
  at::Tensor w = pimm::borrow(weights), m = pimm::borrow(first), v = pimm::borrow(second), t = pimm::borrow(touched);
  TORCH_CHECK(w.dim() == 2 && t.numel() == w.size(0), "the table must be [rows, width] and touched [rows]");
  for (const auto& one : {w, m, v, t}) {
    TORCH_CHECK(one.is_contiguous() && one.scalar_type() == at::kFloat && one.device().is_cpu(), "all must be contiguous floats on the CPU");
  }
  TORCH_CHECK(m.numel() == w.numel() && v.numel() == w.numel() && (!mean || pimm::borrow(mean).numel() == w.numel()), "moments and mean must be like the table");
  return {w.data_ptr<float>(), m.data_ptr<float>(), v.data_ptr<float>(), mean ? pimm::borrow(mean).data_ptr<float>() : nullptr,
          t.data_ptr<float>(), w.size(0), w.size(1)};
}

at::Tensor checked_ids(void* ids, int64_t rows) {
  at::Tensor list = pimm::borrow(ids);
  TORCH_CHECK(list.is_contiguous() && list.scalar_type() == at::kLong, "ids must be contiguous int64");
  const int64_t* each = list.data_ptr<int64_t>();
  for (int64_t i = 0; i < list.numel(); ++i) {
    TORCH_CHECK(each[i] >= 0 && each[i] < rows, "id ", each[i], " is none of ", rows, " rows");
  }
  return list;
}

}  // namespace

PIMM_EXPORT int32_t pimm_rows_new(int64_t rows, void** made) noexcept {
  return pimm::guarded([&] { *made = new Rows(rows); });
}

PIMM_EXPORT void pimm_rows_free(void* self) noexcept { delete static_cast<Rows*>(self); }

// All steps before how->step for the rows that ids names; with null for every row up to how->step itself.
PIMM_EXPORT int32_t pimm_rows_catch_up(void* self, const pimm_rows* how, void* weights, void* first, void* second, void* mean,
                                       void* touched, void* ids) noexcept {
  return pimm::guarded([&] {
    auto& rows = *static_cast<Rows*>(self);
    const Table table = table_of(weights, first, second, mean, touched);
    const Plan plan = rows.plan(*how);
    if (ids) {
      const at::Tensor list = checked_ids(ids, table.rows);
      rows.catch_up(plan, table, list.data_ptr<int64_t>(), list.numel(), how->step - 1);
      return;
    }
    at::parallel_for(0, table.rows, 1 << 12, [&](int64_t from, int64_t to) {
      for (int64_t row = from; row < to; ++row) {
        if (table.touched[row] < how->step) table.advance(plan, row, how->step, nullptr);
      }
    });
  });
}

// Step how->step for the rows that ids names, whose gradients are those of the looked-up rows, one after the other.
PIMM_EXPORT int32_t pimm_rows_step(void* self, const pimm_rows* how, void* weights, void* first, void* second, void* mean, void* touched,
                                   void* ids, void* gradients) noexcept {
  return pimm::guarded([&] {
    auto& rows = *static_cast<Rows*>(self);
    const Table table = table_of(weights, first, second, mean, touched);
    const at::Tensor list = checked_ids(ids, table.rows), sums = pimm::borrow(gradients).contiguous();
    TORCH_CHECK(sums.scalar_type() == at::kFloat && sums.numel() == list.numel() * table.width, "every id needs a gradient of the table's width");
    const Plan plan = rows.plan(*how);
    rows.step(plan, table, list.data_ptr<int64_t>(), sums.data_ptr<float>(), list.numel(), how->step);
    pimm::borrow(weights).unsafeGetTensorImpl()->bump_version();
  });
}
