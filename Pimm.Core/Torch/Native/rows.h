// What is remembered of an embedding table from a look-up to its step; row_adam.cpp says why.
#pragma once
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "row_steps.h"

namespace pimm {

struct RowTable {
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

class Rows {
 public:
  explicit Rows(int64_t rows) : slot_(rows, -1) {}

  StepPlan plan;

  // rows_look_up.cpp: what the ids name before step `step`, as a leaf that is kept until the step.
  at::Tensor look_up(const RowTable& table, const at::Tensor& ids, int64_t step);
  bool has_gradient() const;
  void zero_gradients();
  void forget();

  // rows_catch_up.cpp: every row up to step `to`.
  void catch_up_all(const RowTable& table, int32_t to);

  // rows_take_step.cpp: a step is the first, and then one of the others. `whole` is what the table itself collected as a gradient; null
  // where it did not.
  void add_up(int64_t row_width);
  void step_waiting(const RowTable& table, int64_t step);
  void step_all(const RowTable& table, const pimm_rows& how, const float* whole);

 private:
  static constexpr int64_t groups_ahead = 4;

  void settle(const RowTable& table);
  void remember(const int64_t* ids, int64_t count);
  void arrange(const RowTable& table, int64_t first, int32_t to);
  void catch_up(const RowTable& table, int64_t first, int32_t to);
  void advance(const RowTable& table, const Group& group, const int32_t* rows, int32_t to) const;
  void put(const RowTable& table, const Group& group, const int32_t* which, float step);
  static void put_row(const RowTable& table, const Group& group, int64_t l, int64_t row, float step);
  void fetch(const RowTable& table, int64_t group) const;

  static Group group_at(const RowTable& table, float* at) {
    const int64_t numbers = table.width * group_rows;
    return {at, at + numbers, at + 2 * numbers, table.mean ? at + 3 * numbers : nullptr, table.width};
  }

  static size_t lines_of(const RowTable& table) { return size_t(table.width) * (table.mean ? 4 : 3); }

  // With room for one number a row and column. Groups lie in the order of their waits, so threads take them in turn; which thread a group has does not matter.
  template <class Body>
  void each_group(const RowTable& table, int64_t begin, int64_t end, Body body) {
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
  RowTable settled_ = {};
  std::vector<float> found_, sums_;  // by number: the row's weights as they were looked up, and the sum of its gradients
  std::vector<Line> state_;          // the groups' weights and moments from the look-up to the step
};

}  // namespace pimm
