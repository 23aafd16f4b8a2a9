// The rows that a batch looks up: each row once, and which look-ups it answered.
#include "rows.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace pimm {
namespace {

constexpr int64_t ahead = 16, longest_told_apart = 2048;

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

template <class Number>
void copy_rows(const float* from, int64_t row_width, const Number* which, int64_t count, float* to) {
  with_width(row_width, [&](auto width) {
    at::parallel_for(0, count, 1 << 12, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if (i + ahead < end) __builtin_prefetch(from + which[i + ahead] * width);
        std::copy_n(from + which[i] * width, width, to + i * width);
      }
    });
  });
}

}  // namespace

at::Tensor Rows::look_up(const RowTable& table, const at::Tensor& ids, int64_t step) {
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

bool Rows::has_gradient() const {
  return std::any_of(leaves_.begin(), leaves_.end(), [](const at::Tensor& leaf) { return leaf.grad().defined(); });
}

// A gradient can still come to what was looked up while somebody else holds it: a network's output, for one.
void Rows::zero_gradients() {
  bool held = false;
  for (auto& leaf : leaves_) {
    leaf.mutable_grad().reset();
    held |= leaf.use_count() > 1;
  }
  if (!held) forget();
}

void Rows::forget() {
  for (const int32_t row : rows_) slot_[row] = -1;
  rows_.clear();
  answers_.clear();
  leaves_.clear();
  groups_.clear();
}

void Rows::settle(const RowTable& table) {
  if (table.w == settled_.w && table.mean == settled_.mean) return;
  for (float* numbers : {table.w, table.m, table.v, table.mean}) use_large_pages(numbers, table.rows * table.width);
  settled_ = table;
}

// Gives every row that was not yet looked up since the last step a number.
void Rows::remember(const int64_t* ids, int64_t count) {
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
void Rows::arrange(const RowTable& table, int64_t first, int32_t to) {
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

}  // namespace pimm
