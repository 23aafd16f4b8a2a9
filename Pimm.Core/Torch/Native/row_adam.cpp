// Adam over an embedding table, of which a batch looks up few rows. What a batch looked up is remembered from the look-up to the step:
// each row once, and which look-ups it answered, so that a row's gradients are added up where they are needed and a gradient of the
// whole table, which is 0 but for those rows, is never written.
//
// Dense Adam moves a row in every step, also in those that do not look it up: by its momentum, and by the weight decay. A table whose
// rows wait (`touched` given) leaves such steps until the row is wanted again, and takes them at once before the row is read, as
// row_steps.h says. touched[row] is the last step that a row has taken; the table itself changes only in the step after the look-up.
// A row's steps depend on nothing but the row, so any number of threads gives the same bits.
// Without `touched` a step passes over the whole table, as Adam is written.
#include "fused.h"
#include "rows.h"
#include "tensors.h"

namespace {

using pimm::Rows;
using pimm::RowTable;

RowTable table_of(const pimm_rows& how) {
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
  const RowTable table = table_of(how);
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
    const RowTable table = table_of(*how);
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
