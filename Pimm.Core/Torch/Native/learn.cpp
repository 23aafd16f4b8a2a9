// What a training step does besides Adam's part, in as few calls as it can: each call from the managed side, and each tensor that it
// holds, costs time there and leaves garbage.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/Reduction.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "fused.h"
#include "tensors.h"

namespace {

c10::optional<at::Tensor> borrow_some(void* tensor) { return tensor ? c10::make_optional(pimm::borrow(tensor)) : c10::nullopt; }

// Room for `count` rows of `width` numbers.
template <class Number>
Number* room(void* tensor, int64_t count, int64_t width, at::ScalarType type) {
  const at::Tensor to = pimm::borrow(tensor);
  TORCH_CHECK(to.device().is_cpu() && to.is_contiguous() && to.scalar_type() == type && to.numel() == count * width, "there is no room for ", count, " rows");
  return to.data_ptr<Number>();
}

}  // namespace

// Rows of a snapshot, as a batch: ids [count, fields] int64, labels [count, tasks] float, and amounts [count] float, null where nobody
// wants them.
PIMM_EXPORT int32_t pimm_gather(const pimm_columns* columns, const int32_t* chosen, int64_t count, void* ids, void* labels, void* amounts) noexcept {
  return pimm::guarded([&] {
    const pimm_columns from = *columns;
    int64_t* to_ids = room<int64_t>(ids, count, from.fields, at::kLong);
    float* to_labels = room<float>(labels, count, from.tasks, at::kFloat);
    float* to_amounts = amounts ? room<float>(amounts, count, 1, at::kFloat) : nullptr;
    TORCH_CHECK(!amounts || from.amounts, "the snapshot has no amounts");
    const bool known = std::all_of(chosen, chosen + count, [&](int32_t row) { return row >= 0 && row < from.rows; });
    TORCH_CHECK(known, "a row is none of ", from.rows);
    constexpr int64_t ahead = 16;  // rows come from anywhere in a large file: so many are asked for before they are needed
    at::parallel_for(0, count, 1 << 9, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin; at < end; ++at) {
        if (at + ahead < end) {
          const int64_t next = chosen[at + ahead];
          __builtin_prefetch(from.ids + next * from.fields);
          __builtin_prefetch(from.ids + (next + 1) * from.fields - 1);
          __builtin_prefetch(from.labels + next * from.tasks);
        }
        const int64_t row = chosen[at];
        std::copy_n(from.ids + row * from.fields, from.fields, to_ids + at * from.fields);
        std::copy_n(from.labels + row * from.tasks, from.tasks, to_labels + at * from.tasks);
        if (to_amounts) to_amounts[at] = from.amounts[row];
      }
    });
  });
}

// PIMM forward, Σ_t w_t · BCE, and back: leaves gradients with the parameters and with what was looked up, and adds the loss to the sum.
// The same operators in the same order as PimmNetwork.cs and TaskLosses.cs, so the same bits.
PIMM_EXPORT int32_t pimm_learn(void* rows, const pimm_rows* how, const pimm_network* network, const pimm_batch* batch) noexcept {
  return pimm::guarded([&] {
    const at::Tensor ids = pimm::borrow(batch->ids), labels = pimm::borrow(batch->labels);
    const at::Tensor found = pimm::look_up(rows, *how, (ids + pimm::borrow(network->offsets)).view(-1));
    const at::Tensor own = pimm::towers(found.view({ids.size(0), -1}), network->towers, network->tower_shares, network->layers);
    const at::Tensor logits = pimm::premise_chain(own, labels, borrow_some(batch->shown).value_or(at::Tensor()), network->chain, network->chain_count, network->chain_share);
    const at::Tensor loss =
        at::binary_cross_entropy_with_logits(logits, labels, borrow_some(batch->task_weights), {}, at::Reduction::Mean) * double(logits.size(1));
    torch::autograd::backward({loss}, {});
    const at::NoGradGuard quiet;
    pimm::borrow(batch->losses).add_(loss);
  });
}

// mean = (1 − share) · mean + share · weights, of one tensor after the other: means first, then as many weights.
PIMM_EXPORT int32_t pimm_take_in(void* const* tensors, int32_t count, double share) noexcept {
  return pimm::guarded([&] {
    const at::NoGradGuard quiet;
    for (int32_t at = 0; at < count; ++at) pimm::borrow(tensors[at]).mul_(1 - share).add_(pimm::borrow(tensors[count + at]), share);
  });
}
