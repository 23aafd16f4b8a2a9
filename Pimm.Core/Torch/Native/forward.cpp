// Runs forward.h's network over rows of ids.
#include "forward.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

#include "errors.h"

// Answers may differ from processor to processor in their last bits, as libtorch's do; a training's weights may not, so the rest of
// this folder is built without fused multiply-adds.
#pragma GCC optimize("fp-contract=fast")
#include "forward_block.h"

namespace {

using namespace pimm;

struct Kernels {
  void (*compute)(const Forward&, Scratch&);
  void (*project)(const float*, int64_t, const float*, int64_t, float*);
};

#define PIMM_KERNELS(lanes, target)                                                                                          \
  target void compute_##lanes(const Forward& forward, Scratch& scratch) { Block<lanes>::compute(forward, scratch); }        \
  target void project_##lanes(const float* embedding, int64_t inputs, const float* weights, int64_t outputs, float* to) {   \
    Block<lanes>::project(embedding, inputs, weights, outputs, to);                                                         \
  }

#if defined(__x86_64__)
PIMM_KERNELS(16, __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))))
PIMM_KERNELS(8, __attribute__((target("avx2,fma"))))
#endif
PIMM_KERNELS(4, )

Kernels best_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")) return {compute_16, project_16};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {compute_8, project_8};
#endif
  return {compute_4, project_4};
}

const Kernels& kernels() {
  static const Kernels found = best_kernels();
  return found;
}

// What the next block will look up, while this one is computed.
void prefetch(const Forward& forward, const int32_t* ids, int64_t rows) {
  const float* embeddings = forward.embeddings.data_ptr<float>();
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t field : forward.multiplied) {
      const uint32_t id = ids[row * forward.fields + field];
      if (id >= forward.sizes[field]) continue;
      const float* from = embeddings + (forward.offsets[field] + id) * forward.embedding;
      __builtin_prefetch(from);
      __builtin_prefetch(from + forward.embedding - 1);
    }
  }
}

// Fills a block's inputs with the rows' embeddings, and finds the tables' rows; a last row stands in for those there are none of.
// Gives the place of an id that is outside of its field, or −1.
int64_t look_up(const Forward& forward, const int32_t* ids, int64_t rows, Scratch& scratch) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t field = 0; field < forward.fields; ++field) {
      if (uint32_t(ids[row * forward.fields + field]) >= forward.sizes[field]) return row * forward.fields + field;
    }
  }
  const float* embeddings = forward.embeddings.data_ptr<float>();
  float* to = scratch.inputs.get();
  for (int64_t field : forward.multiplied) {
    for (int64_t row = 0; row < block; ++row) {
      const int64_t id = ids[std::min(row, rows - 1) * forward.fields + field];
      const float* from = embeddings + (forward.offsets[field] + id) * forward.embedding;
      for (int64_t k = 0; k < forward.embedding; ++k) to[k * block + row] = from[k];
    }
    to += forward.embedding * block;
  }
  const int64_t width = forward.tables.empty() ? 0 : forward.tasks * forward.towers[0][0].outputs, tables = forward.tables.size();
  for (int64_t t = 0; t < tables; ++t) {
    const Table& table = forward.tables[t];
    for (int64_t row = 0; row < block; ++row) {
      const int32_t* mine = ids + std::min(row, rows - 1) * forward.fields;
      int64_t place = 0;
      for (size_t i = 0; i < table.fields.size(); ++i) place += mine[table.fields[i]] * table.strides[i];
      scratch.rows[row * tables + t] = table.products.get() + place * width;
    }
  }
  return -1;
}

}  // namespace

void pimm::add_product(const float* embedding, int64_t inputs, const float* weights, int64_t outputs, float* to) {
  kernels().project(embedding, inputs, weights, outputs, to);
}

pimm::Scratch::Scratch(const Forward& forward)
    : inputs(floats(forward.multiplied.size() * forward.embedding * block)),
      hidden{floats(forward.widest * block), floats(forward.widest * block)},
      states(floats(forward.tasks * forward.width * block)),
      chain{floats(forward.width * block), floats(forward.width * block), floats(forward.width * block), floats(forward.width * block)},
      sums(floats(forward.widest * block)),
      probabilities(floats(forward.tasks * block)),
      rows(forward.tables.size() * block) {}

PIMM_EXPORT void pimm_forward_free(void* forward) noexcept { delete static_cast<Forward*>(forward); }

// wrong: the first id's place that is outside of its field, or −1; then nothing else counts.
PIMM_EXPORT int32_t pimm_forward_run(void* which, const int32_t* ids, int64_t rows, float* probabilities, int64_t* wrong) noexcept {
  return guarded([&] {
    const Forward& forward = *static_cast<const Forward*>(which);
    std::atomic<int64_t> first{rows * forward.fields};
    at::parallel_for(0, (rows + block - 1) / block, 4, [&](int64_t from, int64_t to) {
      Scratch scratch(forward);
      for (int64_t at = from * block; at < std::min(to * block, rows); at += block) {
        const int64_t count = std::min(block, rows - at), place = look_up(forward, ids + at * forward.fields, count, scratch);
        if (place >= 0) {
          for (int64_t known = first, found = at * forward.fields + place; found < known && !first.compare_exchange_weak(known, found);) {
          }
          return;
        }
        if (at + block < rows) prefetch(forward, ids + (at + block) * forward.fields, std::min(block, rows - at - block));
        kernels().compute(forward, scratch);
        for (int64_t task = 0; task < forward.tasks; ++task)
          for (int64_t row = 0; row < count; ++row) probabilities[(at + row) * forward.tasks + task] = scratch.probabilities[task * block + row];
      }
    });
    *wrong = first < rows * forward.fields ? first.load() : -1;
  });
}
