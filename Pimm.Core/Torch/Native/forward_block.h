// The arithmetic of forward.h for one block, for vectors of any width: 16 numbers, 8 or 4.
#pragma once
#include <algorithm>
#include <cstring>

#include "exponential.h"
#include "forward.h"

#define PIMM_INLINE __attribute__((always_inline)) inline

namespace pimm {

template <int lanes>
struct Wide;

template <>
struct Wide<16> {
  typedef float V __attribute__((vector_size(64)));
  typedef int32_t I __attribute__((vector_size(64)));
  static constexpr int across = 3, down = 8;  // of 32 registers 24 hold sums
};

template <>
struct Wide<8> {
  typedef float V __attribute__((vector_size(32)));
  typedef int32_t I __attribute__((vector_size(32)));
  static constexpr int across = 3, down = 4;  // of 16 registers 12
};

template <>
struct Wide<4> {
  typedef float V __attribute__((vector_size(16)));
  typedef int32_t I __attribute__((vector_size(16)));
  static constexpr int across = 3, down = 4;
};

template <int lanes>
struct Block {
  using V = typename Wide<lanes>::V;
  using I = typename Wide<lanes>::I;
  static constexpr int across = Wide<lanes>::across, down = Wide<lanes>::down;

  static PIMM_INLINE V* at(float* where) { return reinterpret_cast<V*>(where); }
  static PIMM_INLINE const V* at(const float* where) { return reinterpret_cast<const V*>(where); }

  static PIMM_INLINE void dense(const Dense& layer, const float* x, float* y, Ahead& given) {
    Ahead ahead = given;
    const int64_t inputs = layer.inputs;
    const float *all = layer.weights.get(), *bias = layer.bias.get();
    for (int64_t row = 0; row < block; row += lanes * across) {
      for (int64_t output = 0; output < layer.outputs; output += down) {
        const float* weights = all + output / tile * tile * inputs + output % tile;
        float* to = y + output * block + row;
        V sum[down][across];
#pragma GCC unroll 8
        for (int d = 0; d < down; ++d)
#pragma GCC unroll 3
          for (int a = 0; a < across; ++a) sum[d][a] = bias ? V{} + bias[output + d] : at(to + d * block)[a];
        for (int64_t k = 0; k < inputs; ++k) {
          ahead.fetch();
          const V* from = at(x + k * block + row);
          const V first = from[0], second = from[1], third = from[2];
#pragma GCC unroll 8
          for (int d = 0; d < down; ++d) {
            const float weight = weights[k * tile + d];
            sum[d][0] += first * weight;
            sum[d][1] += second * weight;
            sum[d][2] += third * weight;
          }
        }
#pragma GCC unroll 8
        for (int d = 0; d < down; ++d)
#pragma GCC unroll 3
          for (int a = 0; a < across; ++a) at(to + d * block)[a] = layer.rectified ? (sum[d][a] <= V{} ? V{} : sum[d][a]) : sum[d][a];
      }
    }
    given = ahead;
  }

  // Adds up one row of each table, [block, tables] from an offset on, and turns the sums: y [width, block].
  static PIMM_INLINE void add_tables(const float* const* rows, int64_t tables, int64_t offset, int64_t width, float* sums, float* y) {
    for (int64_t row = 0; row < block; ++row) {
      const float* const* mine = rows + row * tables;
      int64_t column = 0;
      for (; column + 4 * lanes <= width; column += 4 * lanes) add<4>(mine, tables, offset + column, sums + row * width + column);
      for (; column < width; column += lanes) add<1>(mine, tables, offset + column, sums + row * width + column);
    }
    for (int64_t row = 0; row < block; row += lanes)
      for (int64_t column = 0; column < width; column += lanes)
        turn([&](int64_t i) { return sums + (row + i) * width + column; }, y + column * block + row);
  }

  // Embeddings of a field as inputs: rows [block] of e numbers each -> x [e, block].
  static PIMM_INLINE void spread(const float* const* rows, int64_t e, float* x) {
    for (int64_t row = 0; row < block; row += lanes) {
      for (int64_t k = 0; e >= lanes && k < e; k += lanes) {
        const int64_t from = std::min(k, e - lanes);  // the last may spread some for the second time
        turn([&](int64_t i) { return rows[row + i] + from; }, x + from * block + row);
      }
      for (int64_t i = row; e < lanes && i < row + lanes; ++i)
        for (int64_t k = 0; k < e; ++k) x[k * block + i] = rows[i][k];
    }
  }

  template <int count>
  static PIMM_INLINE void add(const float* const* rows, int64_t tables, int64_t from, float* to) {
    V sum[count];
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) sum[i] = at(rows[0] + from)[i];
    for (int64_t table = 1; table < tables; ++table)
#pragma GCC unroll 4
      for (int i = 0; i < count; ++i) sum[i] += at(rows[table] + from)[i];
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) at(to)[i] = sum[i];
  }

  // Transposes lanes x lanes numbers, exchanging quarters, then quarters of those (Eklundh 1972).
  template <class From>
  static PIMM_INLINE void turn(const From& from, float* to) {
    V line[lanes];
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i) std::memcpy(&line[i], from(i), sizeof(V));
#pragma GCC unroll 4
    for (int step = 1; step < lanes; step *= 2) {
      I low, high;
#pragma GCC unroll 16
      for (int i = 0; i < lanes; ++i) {
        low[i] = i & step ? lanes + (i ^ step) : i;
        high[i] = i & step ? lanes + i : i | step;
      }
#pragma GCC unroll 16
      for (int i = 0; i < lanes; ++i) {
        if (i & step) continue;
        const V upper = __builtin_shuffle(line[i], line[i | step], low);
        line[i | step] = __builtin_shuffle(line[i], line[i | step], high);
        line[i] = upper;
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i) *at(to + i * block) = line[i];
  }

  // z = u · w + b
  static PIMM_INLINE void head(const float* weights, int64_t width, const float* state, float* probabilities) {
    for (int64_t row = 0; row < block; row += lanes) {
      V sum = V{} + weights[width];
      for (int64_t j = 0; j < width; ++j) sum += *at(state + j * block + row) * weights[j];
      logistic<I>(sum);
      *at(probabilities + row) = sum;
    }
  }

  // Adds σ(y* W + b).
  static PIMM_INLINE void premise(const Transfer& transfer, int64_t width, const float* believed, float* merged) {
    for (int64_t j = 0; j < width; ++j) {
      for (int64_t row = 0; row < block; row += lanes) {
        V z = *at(believed + row) * transfer.premise_weight[j] + transfer.premise_bias[j];
        if (transfer.activation == Activation::relu) {
          z = z <= V{} ? V{} : z;
        } else if (transfer.activation == Activation::sigmoid) {
          logistic<I>(z);
        } else {
          z = 2.0f * z;
          logistic<I>(z);
          z = 2.0f * z - 1.0f;
        }
        *at(merged + j * block + row) += z;
      }
    }
  }

  static PIMM_INLINE void score(const Dense& product, int64_t width, const float* u, Scratch& scratch, float* scores) {
    float* mixed = scratch.chain[2].get();
    dense(product, u, mixed, scratch.ahead);
    for (int64_t row = 0; row < block; row += lanes) {
      V sum = V{};
      for (int64_t j = 0; j < width; ++j) sum += *at(u + j * block + row) * *at(mixed + j * block + row);
      *at(scores + row) = sum;
    }
  }

  // U_t = v_t + (a v_t + (1 − a) m) W_V, with a the softmax of both scores.
  static PIMM_INLINE void attend(const Transfer& transfer, int64_t width, const float* own, const float* merged, Scratch& scratch, float* state) {
    alignas(64) float mine[block], theirs[block];
    score(transfer.score, width, own, scratch, mine);
    score(transfer.score, width, merged, scratch, theirs);
    for (int64_t row = 0; row < block; row += lanes) {
      V share = *at(mine + row) - *at(theirs + row);
      logistic<I>(share);
      *at(mine + row) = share;
    }
    float* mixed = scratch.chain[2].get();
    for (int64_t j = 0; j < width; ++j) {
      for (int64_t row = 0; row < block; row += lanes) {
        const V handed = *at(merged + j * block + row), v = *at(own + j * block + row);
        *at(mixed + j * block + row) = handed + *at(mine + row) * (v - handed);
        *at(state + j * block + row) = v;
      }
    }
    dense(transfer.value, mixed, state, scratch.ahead);
  }

  static PIMM_INLINE void towers(const Forward& forward, Scratch& scratch) {
    for (int64_t task = 0; task < forward.tasks; ++task) {
      const auto& layers = forward.towers[task];
      const float* from = scratch.inputs.get();
      for (size_t layer = 0; layer < layers.size(); ++layer) {
        float* to = layer + 1 == layers.size() ? scratch.states.get() + task * forward.width * block : scratch.hidden[layer % 2].get();
        if (layer == 0 && !forward.tables.empty()) {
          const int64_t width = layers[0].outputs;
          add_tables(scratch.wanted.products.data(), forward.tables.size(), task * width, width, scratch.sums.get(), to);
          const bool last = task + 1 == forward.tasks;
          if (forward.far) scratch.ahead.of(last ? scratch.next.products : scratch.wanted.products, last ? 0 : (task + 1) * width, width);
        }
        dense(layers[layer], from, to, scratch.ahead);
        from = to;
      }
    }
  }

  static PIMM_INLINE void chain(const Forward& forward, Scratch& scratch) {
    const int64_t width = forward.width;
    const float* state = scratch.states.get();
    head(forward.heads[0].data(), width, state, scratch.probabilities.get());
    for (int64_t task = 1; task < forward.tasks; ++task) {
      const Transfer& transfer = forward.transfers[task - 1];
      float *merged = scratch.chain[3].get(), *next = scratch.chain[task % 2].get();
      if (transfer.implicit) {
        dense(transfer.handed, state, merged, scratch.ahead);
      } else {
        std::fill_n(merged, width * block, 0.0f);
      }
      if (transfer.premise) premise(transfer, width, scratch.probabilities.get() + (task - 1) * block, merged);
      attend(transfer, width, scratch.states.get() + task * width * block, merged, scratch, next);
      state = next;
      head(forward.heads[task].data(), width, state, scratch.probabilities.get() + task * block);
    }
  }

  static PIMM_INLINE void compute(const Forward& forward, Scratch& scratch) {
    for (size_t i = 0; i < forward.multiplied.size(); ++i) spread(scratch.wanted.embeddings.data() + i * block, forward.embedding, scratch.inputs.get() + i * forward.embedding * block);
    towers(forward, scratch);
    chain(forward, scratch);
  }

  // to += e W, for tables.
  static PIMM_INLINE void project(const float* embedding, int64_t inputs, const float* weights, int64_t outputs, float* to) {
    for (int64_t k = 0; k < inputs; ++k)
      for (int64_t j = 0; j < outputs; j += lanes) *at(to + j) += *at(weights + k * outputs + j) * embedding[k];
  }
};

}  // namespace pimm
