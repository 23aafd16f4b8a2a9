// Adam over an embedding table, of which a batch looks up few rows. What a batch looked up is remembered from the look-up to the step:
// each row once, and which look-ups it answered, so that a row's gradients are added up where they are needed and a gradient of the
// whole table, which is 0 but for those rows, is never written.
//
// Dense Adam moves a row in every step, also in those that do not look it up: by its momentum, and by the weight decay. A table whose
// rows wait (`touched` given) leaves such steps until the row is wanted again, and takes them at once before the row is read, as
// row_steps.h says. touched[row] is the last step that a row has taken; the table itself changes only in the step after the look-up.
// A row's steps depend on nothing but the row, so any number of threads gives the same bits.
// Without `touched` a step passes over the whole table, as Adam is written.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <vector>

#include "adam.h"
#include "fused.h"
#include "row_steps.h"
#include "tensors.h"

namespace {

using pimm::Group;
using pimm::group_rows;
using pimm::StepPlan;

struct Table {
  float *w, *m, *v, *mean, *touched;
  int64_t rows, width;
};

// Rows are short, and a loop over a width that the compiler knows is several times faster.
template <class Body>
void with_width(int64_t width, Body body) {
  switch (width) {
    case 5: return body(std::integral_constant<int64_t, 5>());
    case 8: return body(std::integral_constant<int64_t, 8>());
    case 16: return body(std::integral_constant<int64_t, 16>());
    default: return body(width);
  }
}

struct alignas(64) Line {
  float each[16];
};

void prefetch(const float* row, int64_t width) {
  for (int64_t at = 0; at < width; at += 16) __builtin_prefetch(row + at, 1);
  __builtin_prefetch(row + width - 1, 1);
}

// Asks for large pages, of which a table needs few: looking a row up then seldom has to look its page up too. Where the system does not
// know the request (before Linux 6.1), nothing is lost.
void use_large_pages(float* numbers, int64_t count) {
#if defined(__linux__)
  constexpr uintptr_t page = 2 << 20;
  constexpr int collapse = 25;  // MADV_COLLAPSE
  const uintptr_t from = (reinterpret_cast<uintptr_t>(numbers) + page - 1) / page * page;
  const uintptr_t to = reinterpret_cast<uintptr_t>(numbers + count) / page * page;
  if (numbers && to > from) madvise(reinterpret_cast<void*>(from), to - from, collapse);
#endif
}

class Rows {
 public:
  explicit Rows(int64_t rows) : slot_(rows, -1) {}

  StepPlan plan;

  at::Tensor look_up(const Table& table, const at::Tensor& ids, int64_t step) {
    settle(table);
    const int64_t count = ids.numel();
    const int64_t first = int64_t(rows_.size()), first_answer = int64_t(answers_.size());
    remember(ids.data_ptr<int64_t>(), count);
    averaged_ = table.mean != nullptr;
    if (table.touched) {
      arrange(table, first, int32_t(step - 1));
      catch_up(table, first, int32_t(step - 1));
    }
    at::Tensor found = at::empty({count, table.width}, at::kFloat);
    if (table.touched) {
      copy_rows(found_.data(), table.width, answers_.data() + first_answer, count, found.data_ptr<float>());
    } else {
      copy_rows(table.w, table.width, ids.data_ptr<int64_t>(), count, found.data_ptr<float>());
    }
    leaves_.push_back(found.set_requires_grad(true));
    return found;
  }

  bool has_gradient() const {
    return std::any_of(leaves_.begin(), leaves_.end(), [](const at::Tensor& leaf) { return leaf.grad().defined(); });
  }

  // A gradient can still come to what was looked up while somebody else holds it: a network's output, for one.
  void zero_gradients() {
    bool held = false;
    for (auto& leaf : leaves_) {
      leaf.mutable_grad().reset();
      held |= leaf.use_count() > 1;
    }
    if (!held) forget();
  }

  // Adds up the gradients of what was looked up; one that is not there is 0.
  void add_up(int64_t row_width) {
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

  void step_waiting(const Table& table, int64_t step) {
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

  // `whole` is what the table itself collected as a gradient; null where it did not.
  void step_all(const Table& table, const pimm_rows& how, const float* whole) {
    const auto step = pimm::adam_step<float>(how.lr, how.beta1, how.beta2, how.eps, how.weight_decay, 1, how.step);
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

  void forget() {
    for (const int32_t row : rows_) slot_[row] = -1;
    rows_.clear();
    answers_.clear();
    leaves_.clear();
    groups_.clear();
  }

  void catch_up_all(const Table& table, int32_t to) {
    at::parallel_for(0, (table.rows + group_rows - 1) / group_rows, 1 << 8, [&](int64_t begin, int64_t end) {
      std::vector<Line> room(lines_of(table));
      for (int64_t one = begin; one < end; ++one) {
        int32_t rows[group_rows];
        bool some = false;
        for (int64_t l = 0; l < group_rows; ++l) {
          const int64_t row = one * group_rows + l;
          rows[l] = row < table.rows ? int32_t(row) : -1;
          some |= row < table.rows && table.touched[row] < to;
        }
        if (!some) continue;
        const Group group = group_at(table, room[0].each);
        advance(table, group, rows, to);
        for (int64_t l = 0; l < group_rows; ++l) put_row(table, group, l, rows[l], float(to));
      }
    });
  }

 private:
  static constexpr int64_t ahead = 16, groups_ahead = 4, tile_numbers = 2048, longest_told_apart = 2048;

  void settle(const Table& table) {
    if (table.w == settled_.w && table.mean == settled_.mean) return;
    for (float* numbers : {table.w, table.m, table.v, table.mean}) use_large_pages(numbers, table.rows * table.width);
    settled_ = table;
  }

  // Gives every row that was not yet looked up since the last step a number.
  void remember(const int64_t* ids, int64_t count) {
    const size_t before = answers_.size();
    answers_.resize(before + count);
    int32_t* answer = answers_.data() + before;
    for (int64_t i = 0; i < count; ++i) {
      if (i + ahead < count) __builtin_prefetch(slot_.data() + ids[i + ahead], 1);
      int32_t& slot = slot_[ids[i]];
      if (slot < 0) {
        slot = int32_t(rows_.size());
        rows_.push_back(int32_t(ids[i]));
      }
      answer[i] = slot;
    }
  }

  // Groups of rows from `first` on that have waited about as long: then few lanes idle.
  void arrange(const Table& table, int64_t first, int32_t to) {
    const int64_t count = int64_t(rows_.size()) - first;
    waits_.resize(count);
    starts_.assign(longest_told_apart + 1, 0);
    for (int64_t i = 0; i < count; ++i) {
      if (i + ahead < count) __builtin_prefetch(table.touched + rows_[first + i + ahead]);
      waits_[i] = std::min(std::max(to - int32_t(table.touched[rows_[first + i]]), 0), int32_t(longest_told_apart - 1));
      ++starts_[waits_[i] + 1];
    }
    for (int64_t wait = 1; wait <= longest_told_apart; ++wait) starts_[wait] += starts_[wait - 1];
    const int64_t base = int64_t(groups_.size());
    groups_.resize(base + (count + group_rows - 1) / group_rows * group_rows, -1);
    for (int64_t i = 0; i < count; ++i) groups_[base + starts_[waits_[i]]++] = int32_t(first + i);
  }

  void catch_up(const Table& table, int64_t first, int32_t to) {
    found_.resize(rows_.size() * table.width);
    if (const size_t lines = groups_.size() / group_rows * lines_of(table); lines > state_.size()) state_.resize(lines);
    const int64_t all = int64_t(groups_.size()) / group_rows, fresh = (int64_t(rows_.size()) - first + group_rows - 1) / group_rows;
    each_group(table, all - fresh, all, [&](const Group& group, const int32_t* which, float*) {
      int32_t rows[group_rows];
      for (int64_t l = 0; l < group_rows; ++l) rows[l] = which[l] < 0 ? -1 : rows_[which[l]];
      advance(table, group, rows, to);
      with_width(table.width, [&](auto width) {
        for (int64_t l = 0; l < group_rows; ++l) {
          if (which[l] < 0) continue;
          for (int64_t column = 0; column < width; ++column) found_[which[l] * width + column] = group.w[column * group_rows + l];
        }
      });
    });
  }

  // Fetches rows into a group and takes the steps they waited for.
  void advance(const Table& table, const Group& group, const int32_t* rows, int32_t to) const {
    int32_t waiting[group_rows];
    with_width(table.width, [&](auto width) {
      for (int64_t l = 0; l < group_rows; ++l) {
        waiting[l] = rows[l] < 0 ? to : std::min(int32_t(table.touched[rows[l]]), to);
        const int64_t from = int64_t(std::max(rows[l], 0)) * width;
        for (int64_t column = 0; column < width; ++column) {
          group.w[column * group_rows + l] = table.w[from + column];
          group.m[column * group_rows + l] = table.m[from + column];
          group.v[column * group_rows + l] = table.v[from + column];
        }
        if (!group.mean) continue;
        for (int64_t column = 0; column < width; ++column) group.mean[column * group_rows + l] = table.mean[from + column];
      }
    });
    pimm::catch_up(plan, group, waiting, to);
  }

  void put(const Table& table, const Group& group, const int32_t* which, float step) {
    for (int64_t l = 0; l < group_rows; ++l) {
      if (which[l] >= 0) put_row(table, group, l, rows_[which[l]], step);
    }
  }

  static void put_row(const Table& table, const Group& group, int64_t l, int64_t row, float step) {
    if (row < 0) return;
    with_width(table.width, [&](auto width) {
      const int64_t to = row * width;
      for (int64_t column = 0; column < width; ++column) {
        table.w[to + column] = group.w[column * group_rows + l];
        table.m[to + column] = group.m[column * group_rows + l];
        table.v[to + column] = group.v[column * group_rows + l];
      }
      if (!group.mean) return;
      for (int64_t column = 0; column < width; ++column) table.mean[to + column] = group.mean[column * group_rows + l];
    });
    table.touched[row] = step;
  }

  static Group group_at(const Table& table, float* at) {
    const int64_t numbers = table.width * group_rows;
    return {at, at + numbers, at + 2 * numbers, table.mean ? at + 3 * numbers : nullptr, table.width};
  }

  static size_t lines_of(const Table& table) { return size_t(table.width) * (table.mean ? 4 : 3); }

  template <class Number>
  static void copy_rows(const float* from, int64_t row_width, const Number* which, int64_t count, float* to) {
    with_width(row_width, [&](auto width) {
      at::parallel_for(0, count, 1 << 12, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          if (i + ahead < end) __builtin_prefetch(from + which[i + ahead] * width);
          std::copy_n(from + which[i] * width, width, to + i * width);
        }
      });
    });
  }

  // With room for one number a row and column. Groups lie in the order of their waits, so threads take them in turn; which thread a group has does not matter.
  template <class Body>
  void each_group(const Table& table, int64_t begin, int64_t end, Body body) {
    const int64_t threads = at::get_num_threads();
    at::parallel_for(0, threads, 1, [&](int64_t first, int64_t last) {
      std::vector<Line> room(table.width);
      for (int64_t owner = first; owner < last; ++owner) {
        for (int64_t one = begin + owner; one < std::min(end, begin + groups_ahead * threads); one += threads) fetch(table, one);
        for (int64_t one = begin + owner; one < end; one += threads) {
          if (one + groups_ahead * threads < end) fetch(table, one + groups_ahead * threads);
          body(group_at(table, state_[one * lines_of(table)].each), groups_.data() + one * group_rows, room[0].each);
        }
      }
    });
  }

  void fetch(const Table& table, int64_t group) const {
    const int32_t* which = groups_.data() + group * group_rows;
    for (int64_t l = 0; l < group_rows; ++l) {
      const int64_t row = which[l] < 0 ? 0 : rows_[which[l]], at = row * table.width;
      prefetch(table.w + at, table.width);
      prefetch(table.m + at, table.width);
      prefetch(table.v + at, table.width);
      if (table.mean) prefetch(table.mean + at, table.width);
    }
  }

  template <class Place>
  void sort_into(int64_t places, Place place) {
    starts_.assign(places + 2, 0);
    for (const int32_t row : rows_) ++starts_[place(row) + 2];
    for (int64_t at = 2; at <= places + 1; ++at) starts_[at] += starts_[at - 1];
    groups_.resize(rows_.size());
    for (size_t which = 0; which < rows_.size(); ++which) groups_[starts_[place(rows_[which]) + 1]++] = int32_t(which);
  }

  template <class Body>
  void each_in(int64_t place, Body body) const {
    for (int64_t at = starts_[place]; at < starts_[place + 1]; ++at) body(groups_[at]);
  }

  std::vector<int32_t> slot_;       // of a row: its number among those looked up since the last step; -1 for none
  std::vector<int32_t> rows_;       // by number
  std::vector<int32_t> answers_;    // of all look-ups one after the other: the number of the row
  std::vector<at::Tensor> leaves_;  // what each look-up found, which collects a gradient
  std::vector<int32_t> groups_;     // numbers in groups of rows that waited alike, -1 where a group has a place left; or by tile
  std::vector<int32_t> waits_, starts_;
  bool averaged_ = false;
  Table settled_ = {};
  std::vector<float> found_, sums_;  // by number: the row's weights as they were looked up, and the sum of its gradients
  std::vector<Line> state_;          // the groups' weights and moments from the look-up to the step
};

Table table_of(const pimm_rows& how) {
  const at::Tensor w = pimm::borrow(how.weights);
  TORCH_CHECK(w.dim() == 2 && w.size(0) < (int64_t(1) << 31), "the table must be [rows, width]");
  const auto numbers = [](void* tensor, int64_t count) -> float* {
    if (!tensor) return nullptr;
    const at::Tensor one = pimm::borrow(tensor);
    TORCH_CHECK(one.is_contiguous() && one.scalar_type() == at::kFloat && one.device().is_cpu(), "all must be contiguous floats on the CPU");
    TORCH_CHECK(one.numel() == count, "moments and mean must be like the table, touched [rows]");
    return one.data_ptr<float>();
  };
  return {numbers(how.weights, w.numel()), numbers(how.first, w.numel()), numbers(how.second, w.numel()), numbers(how.mean, w.numel()),
          numbers(how.touched, w.size(0)), w.size(0), w.size(1)};
}

void check_ids(const at::Tensor& ids, int64_t rows) {
  TORCH_CHECK(ids.is_contiguous() && ids.scalar_type() == at::kLong, "ids must be contiguous int64");
  const int64_t* each = ids.data_ptr<int64_t>();
  bool good = true;
  for (int64_t i = 0; i < ids.numel(); ++i) good &= uint64_t(each[i]) < uint64_t(rows);
  TORCH_CHECK(good, "an id is none of ", rows, " rows");
}

Rows& rows_of(void* self, const pimm_rows& how) {
  TORCH_CHECK(how.step < 1 << 24, "more steps than a float can count");
  auto& rows = *static_cast<Rows*>(self);
  rows.plan.prepare(how);
  return rows;
}

}  // namespace

at::Tensor pimm::look_up(void* rows, const pimm_rows& how, const at::Tensor& ids) {
  const at::NoGradGuard quiet;
  const Table table = table_of(how);
  check_ids(ids, table.rows);
  return rows_of(rows, how).look_up(table, ids, how.step);
}

PIMM_EXPORT int32_t pimm_rows_new(int64_t rows, void** made) noexcept {
  return pimm::guarded([&] { *made = new Rows(rows); });
}

PIMM_EXPORT void pimm_rows_free(void* self) noexcept { delete static_cast<Rows*>(self); }

// The rows that ids names, as they are before step how->step, as a leaf that collects their gradient. They are remembered until that
// step, or until they are forgotten.
PIMM_EXPORT int32_t pimm_rows_look_up(void* self, const pimm_rows* how, void* ids, void** found) noexcept {
  return pimm::guarded([&] { *found = pimm::hand_over(pimm::look_up(self, *how, pimm::borrow(ids))); });
}

// Step how->step, along the gradients of all look-ups since the last in their order and, where rows do not wait, that of the table
// itself. taken: 0 where there is no gradient at all.
PIMM_EXPORT int32_t pimm_rows_step(void* self, const pimm_rows* how, int32_t* taken) noexcept {
  return pimm::guarded([&] {
    const at::NoGradGuard quiet;
    const Table table = table_of(*how);
    const at::Tensor weights = pimm::borrow(how->weights);
    const at::Tensor whole = !table.touched && weights.grad().defined() ? weights.grad().contiguous() : at::Tensor();
    TORCH_CHECK(!whole.defined() || (whole.scalar_type() == at::kFloat && whole.numel() == weights.numel()), "a gradient of the table must be like it");
    auto& rows = rows_of(self, *how);
    *taken = whole.defined() || rows.has_gradient();
    if (*taken) {
      rows.add_up(table.width);
      if (table.touched) {
        rows.step_waiting(table, how->step);
      } else {
        rows.step_all(table, *how, whole.defined() ? whole.data_ptr<float>() : nullptr);
      }
      weights.unsafeGetTensorImpl()->bump_version();
    }
    rows.forget();
  });
}

// No gradient of the table, nor of what was looked up; what nobody else holds is forgotten.
PIMM_EXPORT int32_t pimm_rows_zero_gradients(void* self, void* weights) noexcept {
  return pimm::guarded([&] {
    pimm::borrow(weights).mutable_grad().reset();
    static_cast<Rows*>(self)->zero_gradients();
  });
}

PIMM_EXPORT void pimm_rows_forget(void* self) noexcept { static_cast<Rows*>(self)->forget(); }

// All steps up to how->step for every row.
PIMM_EXPORT int32_t pimm_rows_catch_up(void* self, const pimm_rows* how) noexcept {
  return pimm::guarded([&] { rows_of(self, *how).catch_up_all(table_of(*how), int32_t(how->step)); });
}
