// PIMM's forward pass for answers alone, without autograd: what forward_build.cpp makes of a network, and forward_block.h
// computes with.
//
// Rows are computed in blocks of 48 that stand side by side in vector registers: an activation is [width, 48], so a layer's output is
// the next one's input as it lies, and all of a block stays in the cache next to the processor. A row's numbers do not depend on the
// rows beside it: any number of threads, and any batch, gives the same bits.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace pimm {

constexpr int64_t block = 48;  // rows
constexpr int64_t tile = 8;    // outputs that lie together in a layer's weights
constexpr int64_t unit = 16;   // widths of towers are filled up to a multiple, with weights of 0

inline int64_t filled(int64_t width) { return (width + unit - 1) / unit * unit; }

struct Free {
  void operator()(float* memory) const { std::free(memory); }
};

using Floats = std::unique_ptr<float[], Free>;

// Not cleared; begins on a cache line.
Floats floats(int64_t count);

// y = x W + b; the weights as [outputs / tile, inputs, tile].
struct Dense {
  int64_t inputs = 0, outputs = 0;  // outputs: filled
  Floats weights, bias;             // without a bias it adds to what stands in y
  bool rectified = false;
};

// What the first layer makes of one field, or of several small ones together: a row of products for each id.
struct Table {
  std::vector<int64_t> fields, strides;
  int64_t rows = 1;
  Floats products;  // [rows, tasks · filled width]
};

enum class Activation : int32_t { sigmoid, tanh, relu };

// Everything between two stages. The attention's score ⟨u W_Q, u W_K⟩ / √d is u (W_Q W_Kᵀ / √d) uᵀ, and its values are mixed before
// they are multiplied: three products of d x d, where the formulas as they stand have seven.
struct Transfer {
  bool premise = false, implicit = false;
  Activation activation = Activation::sigmoid;
  std::vector<float> premise_weight, premise_bias;
  Dense handed, score, value;
};

struct Forward {
  int64_t fields, embedding, tasks, width;  // width: d, filled
  std::vector<int64_t> sizes, offsets;      // by field: ids, and rows before it in the embedding table
  at::Tensor embeddings;
  std::vector<int64_t> multiplied;          // fields that are in no table
  std::vector<Table> tables;
  std::vector<std::vector<Dense>> towers;   // by task, then layer
  std::vector<std::vector<float>> heads;    // by task: d weights and the bias
  std::vector<Transfer> transfers;
  int64_t widest = 0;                       // of the towers' layers, filled
};

// to += e W: embedding [inputs], weights [inputs, outputs], outputs a multiple of unit.
void add_product(const float* embedding, int64_t inputs, const float* weights, int64_t outputs, float* to);

// What a thread needs for a block.
struct Scratch {
  explicit Scratch(const Forward& forward);

  Floats inputs, hidden[2], states, chain[4], sums, probabilities;
  std::vector<const float*> rows;  // of the tables, [block, tables]
};

}  // namespace pimm
