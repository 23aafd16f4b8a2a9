// Builds forward.h's network out of its parameters.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "forward.h"
#include "tensors.h"

namespace {

using namespace pimm;

constexpr int64_t joined_rows = 256;  // of a table for several fields: it is to stay in the cache

const float* values(void* parameter, int64_t count) {
  at::Tensor tensor = borrow(parameter);
  TORCH_CHECK(tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous() && tensor.numel() == count,
              "a parameter must be ", count, " contiguous float32 numbers on the CPU, but is ", tensor.toString(), " ", tensor.sizes());
  return tensor.data_ptr<float>();
}

template <class Weight>
Dense packed(int64_t inputs, int64_t width, Weight weight, const float* bias) {
  Dense layer;
  layer.inputs = inputs;
  layer.outputs = filled(width);
  layer.weights = floats(inputs * layer.outputs);
  for (int64_t j = 0; j < layer.outputs; ++j)
    for (int64_t k = 0; k < inputs; ++k) layer.weights[j / tile * tile * inputs + k * tile + j % tile] = j < width ? weight(k, j) : 0;
  if (bias) {
    layer.bias = floats(layer.outputs);
    for (int64_t j = 0; j < layer.outputs; ++j) layer.bias[j] = j < width ? bias[j] : 0;
  }
  return layer;
}

// Fields in tables, small ones first, until the tables would need more memory than they may; of the smallest several in one.
void choose_tables(Forward& forward, int64_t row_bytes, int64_t most_bytes) {
  std::vector<int64_t> order(forward.fields);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return forward.sizes[a] < forward.sizes[b]; });
  int64_t left = most_bytes / row_bytes;
  for (int64_t field : order) {
    const int64_t size = forward.sizes[field];
    const bool joins = !forward.tables.empty() && forward.tables.back().rows * size <= joined_rows;
    const int64_t more = joins ? forward.tables.back().rows * (size - 1) : size;
    if (more > left) {
      forward.multiplied.push_back(field);
      continue;
    }
    left -= more;
    if (!joins) forward.tables.emplace_back();
    Table& table = forward.tables.back();
    table.fields.push_back(field);
    table.strides.push_back(table.rows);
    table.rows *= size;
  }
  std::sort(forward.multiplied.begin(), forward.multiplied.end());
}

// weights: [fields · embedding, width], width the filled one of all tasks
void fill_table(const Forward& forward, Table& table, const float* weights, int64_t width, const float* start) {
  table.products = floats(table.rows * width);
  const float* embeddings = forward.embeddings.data_ptr<float>();
  at::parallel_for(0, table.rows, 256, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; ++row) {
      float* sums = table.products.get() + row * width;
      if (start) {
        std::copy_n(start, width, sums);
      } else {
        std::fill_n(sums, width, 0.0f);
      }
      for (size_t i = 0; i < table.fields.size(); ++i) {
        const int64_t field = table.fields[i], id = row / table.strides[i] % forward.sizes[field];
        add_product(embeddings + (forward.offsets[field] + id) * forward.embedding, forward.embedding,
                          weights + field * forward.embedding * width, width, sums);
      }
    }
  });
}

void first_layers(Forward& forward, int64_t width, const float* weight, const float* bias, int64_t table_bytes) {
  const int64_t each = filled(width), all = forward.tasks * each, inputs = forward.fields * forward.embedding;
  Floats wide = floats(inputs * all), start = floats(all);
  std::fill_n(wide.get(), inputs * all, 0.0f);
  std::fill_n(start.get(), all, 0.0f);
  for (int64_t task = 0; task < forward.tasks; ++task) {
    std::copy_n(bias + task * width, width, start.get() + task * each);
    for (int64_t k = 0; k < inputs; ++k) std::copy_n(weight + k * forward.tasks * width + task * width, width, wide.get() + k * all + task * each);
  }
  choose_tables(forward, all * int64_t(sizeof(float)), table_bytes);
  for (Table& table : forward.tables) fill_table(forward, table, wide.get(), all, &table == &forward.tables.front() ? start.get() : nullptr);
  for (int64_t task = 0; task < forward.tasks; ++task) {
    const auto of_field = [&](int64_t k, int64_t j) {
      const int64_t field = forward.multiplied[k / forward.embedding];
      return wide[(field * forward.embedding + k % forward.embedding) * all + task * each + j];
    };
    forward.towers[task].push_back(packed(forward.multiplied.size() * forward.embedding, width, of_field, forward.tables.empty() ? start.get() + task * each : nullptr));
  }
}

Transfer transfer(const pimm_forward_shape& shape, int64_t d, void** parameters) {
  Transfer made;
  made.premise = parameters[1];
  made.implicit = parameters[3];
  made.activation = static_cast<Activation>(shape.activation);
  const float* attention = values(parameters[0], 3 * d * d);
  made.score = packed(d, d, [&](int64_t i, int64_t j) {
    double sum = 0;
    for (int64_t c = 0; c < d; ++c) sum += double(attention[i * 3 * d + c]) * attention[j * 3 * d + d + c];
    return float(sum / std::sqrt(double(d)));
  }, std::vector<float>(d).data());
  made.value = packed(d, d, [&](int64_t i, int64_t j) { return attention[i * 3 * d + 2 * d + j]; }, nullptr);
  made.premise_weight.resize(filled(d));
  made.premise_bias.resize(filled(d));
  if (made.premise) std::copy_n(values(parameters[1], d), d, made.premise_weight.begin());
  if (parameters[2]) std::copy_n(values(parameters[2], d), d, made.premise_bias.begin());
  if (made.implicit) {
    const float* weight = values(parameters[3], d * d);
    made.handed = packed(d, d, [&](int64_t i, int64_t j) { return weight[i * d + j]; }, values(parameters[4], d));
    made.handed.rectified = shape.rectified;
  }
  return made;
}

void build(Forward& forward, const pimm_forward_shape& shape, const int32_t* sizes, const int32_t* widths, void** parameters) {
  forward.fields = shape.fields;
  forward.embedding = shape.embedding;
  forward.tasks = shape.tasks;
  int64_t rows = 0;
  for (int64_t field = 0; field < forward.fields; ++field) {
    forward.sizes.push_back(sizes[field]);
    forward.offsets.push_back(rows);
    rows += sizes[field];
  }
  values(*parameters, rows * forward.embedding);
  forward.embeddings = borrow(*parameters++);
  forward.towers.resize(forward.tasks);
  for (int64_t layer = 0, from = forward.fields * forward.embedding; layer < shape.layers; from = widths[layer++]) {
    const int64_t to = widths[layer];
    const float* weight = values(*parameters++, forward.tasks * from * to);
    const float* bias = values(*parameters++, forward.tasks * to);
    forward.widest = std::max(forward.widest, filled(to));
    if (layer == 0) first_layers(forward, to, weight, bias, shape.table_bytes);
    for (int64_t task = 0; task < forward.tasks; ++task) {
      if (layer > 0) {
        forward.towers[task].push_back(packed(from, to, [&](int64_t k, int64_t j) { return weight[(task * from + k) * to + j]; }, bias + task * to));
      }
      forward.towers[task].back().rectified = true;
    }
  }
  const int64_t d = widths[shape.layers - 1];
  forward.width = filled(d);
  const float* heads = values(*parameters++, forward.tasks * d);
  const float* bias = values(*parameters++, forward.tasks);
  for (int64_t task = 0; task < forward.tasks; ++task) {
    forward.heads.emplace_back(forward.width + 1);
    std::copy_n(heads + task * d, d, forward.heads.back().begin());
    forward.heads.back().back() = bias[task];
  }
  for (int64_t task = 1; task < forward.tasks; ++task, parameters += 5) forward.transfers.push_back(transfer(shape, d, parameters));
}

}  // namespace

pimm::Floats pimm::floats(int64_t count) {
  const size_t bytes = (count * sizeof(float) + 63) / 64 * 64 + 64;
  // Large tables are read here and there; without large pages every read would look up its page's place first.
  constexpr size_t page = 1 << 21;
  const bool large = bytes >= 2 * page;
  void* memory = std::aligned_alloc(large ? page : 64, large ? (bytes + page - 1) / page * page : bytes);
  TORCH_CHECK(memory, "there is no memory for ", bytes, " bytes");
#ifdef __linux__
  if (large) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return Floats(static_cast<float*>(memory));
}

// parameters, in order: the embedding table; weight and bias of each layer of the towers; weight and bias of the heads; then of each
// transfer the attention, the premise's weight and bias, the transfer layer's weight and bias, null where the network has none.
PIMM_EXPORT int32_t pimm_forward_new(const pimm_forward_shape* shape, const int32_t* sizes, const int32_t* widths, void** parameters, void** made) noexcept {
  return guarded([&] {
    auto forward = std::make_unique<Forward>();
    build(*forward, *shape, sizes, widths, parameters);
    *made = forward.release();
  });
}
