// A bank of towers, forward and backward, block by block of rows: product, bias, ReLU and dropout of all its layers while a block is
// in the cache, instead of layer by layer over the whole batch.
#include <torch/csrc/autograd/custom_function.h>

#include <numeric>
#include <vector>

#include "blocks.h"
#include "fused.h"
#include "tensors.h"

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// G inputs, n towers over each. The first layer's result stands as [G, B, n · h], a later one's as [G · n, B, h].
struct Bank {
  Bank(const at::Tensor& input, at::TensorList parameters, std::vector<double> shares, std::vector<int64_t> keys)
      : inputs(input.dim() == 3 ? input.size(0) : 1),
        rows(input.size(-2)),
        in(input.size(-1)),
        layers(int64_t(parameters.size()) / 2),
        floats(in * inputs) {
    for (int64_t layer = 0; layer < layers; ++layer) {
      const at::Tensor &weight = parameters[layer], &bias = parameters[layers + layer];
      TORCH_CHECK(weight.is_contiguous() && bias.is_contiguous() && weight.scalar_type() == at::kFloat && bias.scalar_type() == at::kFloat,
                  "weights must be contiguous floats");
      if (layer == 1) each = weight.size(0) / inputs;
      widths.push_back(layer == 0 ? bias.numel() / inputs : weight.size(-1));
      TORCH_CHECK(weight.numel() == (layer == 0 ? inputs * in * widths[0] : inputs * each * from(layer) * widths[layer]) &&
                      bias.numel() == (layer == 0 ? inputs : inputs * each) * widths[layer],
                  "layer ", layer, " does not follow the one before");
      masks.emplace_back(uint64_t(keys[layer]), shares[layer]);
      weights.push_back(weight.data_ptr<float>());
      biases.push_back(bias.data_ptr<float>());
      weight_sizes.push_back(weight.numel());
      bias_sizes.push_back(bias.numel());
      floats += copies(layer) * widths[layer];
    }
  }

  // How many matrices a layer has, and what one of them takes in.
  int64_t copies(int64_t layer) const { return layer == 0 ? inputs : inputs * each; }
  int64_t from(int64_t layer) const { return layer == 0 ? in : layer == 1 ? widths[0] / each : widths[layer - 1]; }

  at::Tensor made(int64_t layer, const at::Tensor& like) const { return at::empty({copies(layer), rows, widths[layer]}, like.options()); }

  int64_t inputs, rows, in, layers, floats, each = 1;
  std::vector<int64_t> widths, weight_sizes, bias_sizes;  // widths[0] is n · h
  std::vector<pimm::Mask> masks;
  std::vector<const float*> weights, biases;
};

// A layer's numbers of one block: those of one matrix after the other, rows apart by `step`.
struct Layer {
  float* start;
  int64_t apart;

  float* of(int64_t copy) const { return start + copy * apart; }
};

// What tower `tower` of layer `layer` reads: its columns of the first layer, or its own matrix of a later one.
const float* read_by(const Bank& bank, const std::vector<Layer>& found, int64_t layer, int64_t tower, int64_t& step) {
  if (layer > 1) {
    step = bank.widths[layer - 1];
    return found[layer - 1].of(tower);
  }
  step = bank.widths[0];
  return found[0].of(tower / bank.each) + tower % bank.each * bank.from(1);
}

void forward_block(const Bank& bank, const float* input, const std::vector<Layer>& found, int64_t row, int64_t count) {
  for (int64_t layer = 0; layer < bank.layers; ++layer) {
    const int64_t width = bank.widths[layer], from = bank.from(layer);
    for (int64_t copy = 0; copy < bank.copies(layer); ++copy) {
      int64_t step = bank.in;
      const float* given = layer == 0 ? input + (copy * bank.rows + row) * bank.in : read_by(bank, found, layer, copy, step);
      float* to = found[layer].of(copy);
      pimm::multiply(false, false, count, width, from, given, step, bank.weights[layer] + copy * from * width, width, false, to, width);
      pimm::rectify_rows(bank.masks[layer], bank.biases[layer] + copy * width, to, (copy * bank.rows + row) * width, count, width);
    }
  }
}

// The rows of a block within a whole layer, or room of a part's own for them.
Layer whole(const at::Tensor& layer, const Bank& bank, int64_t at, int64_t row) {
  return {layer.data_ptr<float>() + row * bank.widths[at], bank.rows * bank.widths[at]};
}

at::Tensor forward_alone(const Bank& bank, const at::Tensor& input) {
  const pimm::Blocks blocks(bank.rows, bank.floats);
  at::Tensor last = bank.made(bank.layers - 1, input);
  const at::Tensor room = at::empty({blocks.parts, blocks.size * bank.floats}, input.options());
  blocks.each([&](int64_t part, int64_t row, int64_t count) {
    std::vector<Layer> found;
    float* free = room.data_ptr<float>() + part * room.size(1);
    for (int64_t layer = 0; layer + 1 < bank.layers; ++layer) {
      found.push_back({free, blocks.size * bank.widths[layer]});
      free += bank.copies(layer) * found.back().apart;
    }
    found.push_back(whole(last, bank, bank.layers - 1, row));
    forward_block(bank, input.data_ptr<float>(), found, row, count);
  });
  return last;
}

// Gradients of all parameters as one part of the batch has them.
struct Sums {
  Sums(const Bank& bank, float* start) {
    for (int64_t layer = 0; layer < bank.layers; ++layer) {
      weights.push_back(start);
      biases.push_back(start + bank.weight_sizes[layer]);
      start = biases.back() + bank.bias_sizes[layer];
    }
  }

  static int64_t size(const Bank& bank) {
    return std::accumulate(bank.weight_sizes.begin(), bank.weight_sizes.end(), int64_t(0)) +
           std::accumulate(bank.bias_sizes.begin(), bank.bias_sizes.end(), int64_t(0));
  }

  std::vector<float*> weights, biases;
};

struct Backward {
  const Bank& bank;
  const float* input;
  const float* gradient;  // of the last layer
  float* to;              // the input's gradient, null where nobody asks
  std::vector<Layer> found;
  Sums sums;
  float *first, *above, *below;  // room for the gradients of the first layer's block, and of one tower's layer and the one before

  void run(int64_t row, int64_t count) {
    for (int64_t group = 0; group < bank.inputs; ++group) {
      if (bank.layers == 1) {
        first_layer(group, gradient + (group * bank.rows + row) * bank.widths[0], row, count);
        continue;
      }
      for (int64_t tower = group * bank.each; tower < (group + 1) * bank.each; ++tower) later_layers(tower, row, count);
      first_layer(group, first, row, count);
    }
  }

 private:
  void later_layers(int64_t tower, int64_t row, int64_t count) {
    const int64_t last = bank.layers - 1;
    const float* given = gradient + (tower * bank.rows + row) * bank.widths[last];
    for (int64_t layer = last; layer > 0; --layer) {
      const int64_t width = bank.widths[layer], from = bank.from(layer);
      pimm::rectify_rows_back(float(bank.masks[layer].scale), found[layer].of(tower), given, above, sums.biases[layer] + tower * width, count, width);
      int64_t step = 0;
      const float* read = read_by(bank, found, layer, tower, step);
      pimm::multiply(true, false, from, width, count, read, step, above, width, true, sums.weights[layer] + tower * from * width, width);
      float* before = layer == 1 ? first + tower % bank.each * from : below;
      pimm::multiply(false, true, count, from, width, above, width, bank.weights[layer] + tower * from * width, width, false, before,
                     layer == 1 ? bank.widths[0] : from);
      given = below;
      std::swap(above, below);
    }
  }

  void first_layer(int64_t group, const float* given, int64_t row, int64_t count) {
    const int64_t width = bank.widths[0], at = (group * bank.rows + row) * bank.in, matrix = group * bank.in * width;
    pimm::rectify_rows_back(float(bank.masks[0].scale), found[0].of(group), given, first, sums.biases[0] + group * width, count, width);
    pimm::multiply(true, false, bank.in, width, count, input + at, bank.in, first, width, true, sums.weights[0] + matrix, width);
    if (to) pimm::multiply(false, true, count, bank.in, width, first, width, bank.weights[0] + matrix, width, false, to + at, bank.in);
  }
};

class Towers : public torch::autograd::Function<Towers> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, at::TensorList parameters, std::vector<double> shares,
                            std::vector<int64_t> keys) {
    const Bank bank(input, parameters, shares, keys);
    std::vector<at::Tensor> layers;
    for (int64_t layer = 0; layer < bank.layers; ++layer) layers.push_back(bank.made(layer, input));
    pimm::Blocks(bank.rows, bank.floats).each([&](int64_t, int64_t row, int64_t count) {
      std::vector<Layer> found;
      for (int64_t layer = 0; layer < bank.layers; ++layer) found.push_back(whole(layers[layer], bank, layer, row));
      forward_block(bank, input.data_ptr<float>(), found, row, count);
    });
    variable_list saved{input};
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    saved.insert(saved.end(), layers.begin(), layers.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["shares"] = shares;
    return layers.back();
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto shares = context->saved_data["shares"].toDoubleVector();
    const size_t count = 2 * shares.size();
    const at::Tensor &input = saved[0], gradient = gradients[0].contiguous();
    const at::TensorList parameters(saved.data() + 1, count);
    const Bank bank(input, parameters, shares, std::vector<int64_t>(shares.size()));
    const at::Tensor to = context->needs_input_grad(0) ? at::empty_like(input) : at::Tensor();
    const pimm::Blocks blocks(bank.rows, 2 * bank.floats);
    at::Tensor sums = at::zeros({blocks.parts, Sums::size(bank)}, input.options());
    run(bank, blocks, input, {saved.data() + 1 + count, saved.data() + saved.size()}, gradient, to, sums);

    const at::Tensor total = sums.size(0) == 1 ? sums[0] : sums.sum(0);
    variable_list answers{to};
    answers.resize(1 + count + 2);
    int64_t at = 0;
    for (int64_t layer = 0; layer < bank.layers; ++layer) {
      answers[1 + layer] = total.narrow(0, at, bank.weight_sizes[layer]).view_as(parameters[layer]);
      at += bank.weight_sizes[layer];
      answers[1 + bank.layers + layer] = total.narrow(0, at, bank.bias_sizes[layer]).view_as(parameters[bank.layers + layer]);
      at += bank.bias_sizes[layer];
    }
    return answers;
  }

 private:
  static void run(const Bank& bank, const pimm::Blocks& blocks, const at::Tensor& input, const std::vector<at::Tensor>& layers, const at::Tensor& gradient,
                  const at::Tensor& to, at::Tensor& sums) {
    const int64_t widest = *std::max_element(bank.widths.begin(), bank.widths.end()), size = blocks.size * widest;
    const at::Tensor room = at::empty({sums.size(0), 3 * size}, input.options());
    blocks.each([&](int64_t part, int64_t row, int64_t count) {
      std::vector<Layer> found;
      for (int64_t layer = 0; layer < bank.layers; ++layer) found.push_back(whole(layers[layer], bank, layer, row));
      float* free = room.data_ptr<float>() + part * room.size(1);
      Backward{bank, input.data_ptr<float>(), gradient.data_ptr<float>(), to.defined() ? to.data_ptr<float>() : nullptr, std::move(found),
               Sums(bank, sums.data_ptr<float>() + part * sums.size(1)), free, free + size, free + 2 * size}
          .run(row, count);
    });
  }
};

}  // namespace

at::Tensor pimm::towers(const at::Tensor& input, void* const* parameters, const double* shares, int32_t layers) {
  const at::Tensor from = input.contiguous();
  TORCH_CHECK(from.device().is_cpu() && from.scalar_type() == at::kFloat, "the input must be float on the CPU");
  std::vector<at::Tensor> all;
  for (int32_t i = 0; i < 2 * layers; ++i) all.push_back(pimm::borrow(parameters[i]));
  const std::vector<double> dropped(shares, shares + layers);
  std::vector<int64_t> keys;
  for (const double share : dropped) {
    TORCH_CHECK(share >= 0 && share < 1, "the share dropped must be at least 0 and below 1, but is ", share);
    keys.push_back(share > 0 ? int64_t(pimm::draw_key()) : 0);
  }
  return at::GradMode::is_enabled() ? Towers::apply(from, at::TensorList(all), dropped, keys) : forward_alone(Bank(from, all, dropped, keys), from);
}

// n towers over each of G inputs: [G, B, in], or [B, in] where G is 1 → [G · n, B, d], with a single layer [G, B, n · d].
// parameters: the layers' weights, then their biases, as TowerBank.cs holds them; shares: dropped of each layer, 0 for none.
PIMM_EXPORT int32_t pimm_towers(void* input, void* const* parameters, const double* shares, int32_t layers, void** result) noexcept {
  return pimm::guarded([&] { *result = pimm::hand_over(pimm::towers(pimm::borrow(input), parameters, shares, layers)); });
}
