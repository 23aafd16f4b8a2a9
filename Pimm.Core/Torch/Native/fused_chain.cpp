// The part of PIMM above its towers, forward and backward, block by block of rows: Networks/PremiseChain.cs says what is computed.
// One function instead of some forty operators a transfer, whose numbers would go through memory each time.
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "blocks.h"
#include "exponential.h"
#include "fused.h"
#include "tensors.h"

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

__attribute__((always_inline)) inline float logistic(float x) {
  pimm::logistic<int32_t>(x);
  return x;
}

__attribute__((always_inline)) inline float dot(const float* __restrict a, const float* __restrict b, int64_t count) {
  constexpr int64_t lanes = 16;
  float sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (int64_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (int64_t lane = 0; i + lane < count; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  for (int64_t half = lanes / 2; half > 0; half /= 2) {
    for (int64_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  }
  return sums[0];
}

// logits[row · tasks] = state · weight + bias
PIMM_WIDE void head(const float* state, const float* weight, float bias, float* logits, int64_t tasks, int64_t count, int64_t width) {
  for (int64_t row = 0; row < count; ++row) logits[row * tasks] = dot(state + row * width, weight, width) + bias;
}

// What a stage may know of the one before: its label where shown, its prediction elsewhere.
PIMM_WIDE void believe(const float* logits, const float* labels, const float* shown, float* believed, int64_t tasks, int64_t count) {
  for (int64_t row = 0; row < count; ++row) {
    const float predicted = logistic(logits[row * tasks]), share = shown ? shown[row * (tasks - 1)] : 0;
    believed[row] = shown ? share * labels[row * tasks] + (1 - share) * predicted : predicted;
  }
}

PIMM_WIDE void explicit_part(const float* believed, const float* __restrict weight, const float* __restrict handed, float* __restrict explained,
                             float* __restrict merged, int64_t count, int64_t width) {
  for (int64_t row = 0; row < count; ++row) {
    const float known = believed[row];
    for (int64_t i = 0; i < width; ++i) {
      const float z = logistic(known * weight[i]);
      explained[row * width + i] = z;
      merged[row * width + i] = z + handed[row * width + i];
    }
  }
}

PIMM_WIDE void attend(const float* own, const float* first, const float* second, float* shares, float* state, int64_t count, int64_t width) {
  const float root = std::sqrt(float(width));
  for (int64_t row = 0; row < count; ++row, own += width, first += 3 * width, second += 3 * width, state += width) {
    const float mine = dot(first, first + width, width) / root, theirs = dot(second, second + width, width) / root;
    const float share = logistic(mine - theirs);
    shares[row] = share;
    for (int64_t i = 0; i < width; ++i) state[i] = own[i] + (share * first[2 * width + i] + (1 - share) * second[2 * width + i]);
  }
}

// The head's gradient: state's += logit's · weight, and the head's own sums.
PIMM_WIDE void head_back(const float* logits, int64_t tasks, const float* __restrict state, const float* __restrict weight, float* __restrict to,
                         float* __restrict weight_sums, float* bias_sum, int64_t count, int64_t width) {
  for (int64_t row = 0; row < count; ++row) {
    const float gradient = logits[row * tasks];
    *bias_sum += gradient;
    for (int64_t i = 0; i < width; ++i) {
      to[row * width + i] += gradient * weight[i];
      weight_sums[i] += gradient * state[row * width + i];
    }
  }
}

PIMM_WIDE void attend_back(const float* gradient, const float* shares, const float* first, const float* second, float* __restrict to_first,
                           float* __restrict to_second, int64_t count, int64_t width) {
  const float root = std::sqrt(float(width));
  for (int64_t row = 0; row < count; ++row) {
    const float share = shares[row];
    const float scores = share * (1 - share) * (dot(gradient, first + 2 * width, width) - dot(gradient, second + 2 * width, width)) / root;
    for (int64_t i = 0; i < width; ++i) {
      to_first[i] = scores * first[width + i];
      to_first[width + i] = scores * first[i];
      to_first[2 * width + i] = share * gradient[i];
      to_second[i] = -scores * second[width + i];
      to_second[width + i] = -scores * second[i];
      to_second[2 * width + i] = (1 - share) * gradient[i];
    }
    gradient += width, first += 3 * width, second += 3 * width, to_first += 3 * width, to_second += 3 * width;
  }
}

PIMM_WIDE void explicit_back(const float* believed, const float* __restrict explained, const float* __restrict gradient, float* __restrict sums,
                             int64_t count, int64_t width) {
  for (int64_t row = 0; row < count; ++row) {
    const float known = believed[row];
    for (int64_t i = 0; i < width; ++i) {
      const float z = explained[row * width + i];
      sums[i] += known * (gradient[row * width + i] * z * (1 - z));
    }
  }
}

PIMM_WIDE void add_both(const float* __restrict a, const float* __restrict b, float* __restrict to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = a[i] + b[i];
}

// parameters: heads' weights [T, d, 1] and biases [T]; of each transfer the layer's weight [d, d], its bias [d] and the premise's weight
// [1, d]; then [W_Q | W_K | W_V], [d, 3d], of each transfer or one for all.
struct Chain {
  Chain(const at::Tensor& own, at::TensorList parameters, double share, std::vector<int64_t> keys)
      : tasks(own.size(0)), rows(own.size(1)), width(own.size(2)), transfers(tasks - 1), parameters(parameters) {
    const int64_t sets = int64_t(parameters.size()) - 2 - 3 * transfers;
    TORCH_CHECK(sets == transfers || (sets == 1 && transfers > 0), "there must be attention for each transfer, or one for all");
    for (size_t at = 0; at < parameters.size(); ++at) {
      const int64_t wanted = at == 0 ? tasks * width : at == 1 ? tasks : at >= size_t(2 + 3 * transfers) ? 3 * width * width : (at - 2) % 3 == 0 ? width * width : width;
      TORCH_CHECK(parameters[at].is_contiguous() && parameters[at].scalar_type() == at::kFloat && parameters[at].numel() == wanted,
                  "parameter ", at, " must be ", wanted, " contiguous floats");
    }
    for (const int64_t key : keys) masks.emplace_back(uint64_t(key), share);
  }

  int64_t floats() const { return width * (2 + 13 * transfers); }
  size_t transfer_layer(int64_t transfer) const { return size_t(2 + 3 * transfer); }
  size_t premise(int64_t transfer) const { return transfer_layer(transfer) + 2; }
  size_t attention(int64_t transfer) const {
    const size_t first = size_t(2 + 3 * transfers);
    return std::min(first + size_t(transfer), parameters.size() - 1);
  }
  const float* of(size_t parameter) const { return parameters[parameter].data_ptr<float>(); }

  int64_t tasks, rows, width, transfers;
  at::TensorList parameters;
  std::vector<pimm::Mask> masks;
};

// What the forward pass leaves for the backward pass, of each transfer: [T − 1, B, …].
struct Trace {
  static std::vector<at::Tensor> made(const Chain& chain, const at::Tensor& like) {
    std::vector<at::Tensor> parts;
    for (const int64_t width : {chain.width, chain.width, chain.width, 3 * chain.width, 3 * chain.width, int64_t(1), int64_t(1)}) {
      parts.push_back(at::empty({chain.transfers, chain.rows, width}, like.options()));
    }
    return parts;
  }

  Trace(const Chain& chain, at::TensorList parts, int64_t transfer, int64_t row) {
    float** const places[] = {&state, &handed, &explained, &first, &second, &share, &believed};
    for (size_t part = 0; part < parts.size(); ++part) {
      *places[part] = parts[part].data_ptr<float>() + (transfer * chain.rows + row) * parts[part].size(2);
    }
  }

  float *state, *handed, *explained, *first, *second, *share, *believed;  // U, H, Z, both projections, a of the own one, y*
};

void forward_block(const Chain& chain, const float* own, const float* labels, const float* shown, at::TensorList parts, float* logits,
                   float* merged, int64_t row, int64_t count) {
  const int64_t width = chain.width, tasks = chain.tasks;
  const float* state = own + row * width;
  head(state, chain.of(0), chain.of(1)[0], logits + row * tasks, tasks, count, width);
  for (int64_t transfer = 0; transfer < chain.transfers; ++transfer) {
    const Trace trace(chain, parts, transfer, row);
    const size_t layer = chain.transfer_layer(transfer);
    const float *mine = own + ((transfer + 1) * chain.rows + row) * width, *attention = chain.of(chain.attention(transfer));
    believe(logits + row * tasks + transfer, labels ? labels + row * tasks + transfer : nullptr, shown ? shown + row * (tasks - 1) + transfer : nullptr,
            trace.believed, tasks, count);
    pimm::multiply(false, false, count, width, width, state, width, chain.of(layer), width, false, trace.handed, width);
    pimm::rectify_rows(chain.masks[transfer], chain.of(layer + 1), trace.handed, row * width, count, width);
    explicit_part(trace.believed, chain.of(chain.premise(transfer)), trace.handed, trace.explained, merged, count, width);
    pimm::multiply(false, false, count, 3 * width, width, mine, width, attention, 3 * width, false, trace.first, 3 * width);
    pimm::multiply(false, false, count, 3 * width, width, merged, width, attention, 3 * width, false, trace.second, 3 * width);
    attend(mine, trace.first, trace.second, trace.share, trace.state, count, width);
    state = trace.state;
    head(state, chain.of(0) + (transfer + 1) * width, chain.of(1)[transfer + 1], logits + row * tasks + transfer + 1, tasks, count, width);
  }
}

void backward_block(const Chain& chain, const float* own, at::TensorList parts, const float* logits, float* to, const std::vector<float*>& sums,
                    float* room, int64_t row, int64_t count) {
  const int64_t width = chain.width, tasks = chain.tasks, size = count * width;
  float *state = room, *merged = state + size, *passed = merged + size, *first = passed + size, *second = first + 3 * size;
  std::fill_n(state, size, 0.0f);
  for (int64_t transfer = chain.transfers - 1; transfer >= 0; --transfer) {
    const Trace trace(chain, parts, transfer, row);
    const size_t layer = chain.transfer_layer(transfer), attention = chain.attention(transfer);
    const float* mine = own + ((transfer + 1) * chain.rows + row) * width;
    const float* before = transfer > 0 ? Trace(chain, parts, transfer - 1, row).state : own + row * width;
    float* to_mine = to + ((transfer + 1) * chain.rows + row) * width;
    head_back(logits + row * tasks + transfer + 1, tasks, trace.state, chain.of(0) + (transfer + 1) * width, state, sums[0] + (transfer + 1) * width,
              sums[1] + transfer + 1, count, width);
    attend_back(state, trace.share, trace.first, trace.second, first, second, count, width);
    add_both(trace.explained, trace.handed, merged, size);
    pimm::multiply(true, false, width, 3 * width, count, mine, width, first, 3 * width, true, sums[attention], 3 * width);
    pimm::multiply(true, false, width, 3 * width, count, merged, width, second, 3 * width, true, sums[attention], 3 * width);
    std::copy_n(state, size, to_mine);
    pimm::multiply(false, true, count, width, 3 * width, first, 3 * width, chain.of(attention), 3 * width, true, to_mine, width);
    pimm::multiply(false, true, count, width, 3 * width, second, 3 * width, chain.of(attention), 3 * width, false, merged, width);
    explicit_back(trace.believed, trace.explained, merged, sums[chain.premise(transfer)], count, width);
    pimm::rectify_rows_back(float(chain.masks[transfer].scale), trace.handed, merged, passed, sums[layer + 1], count, width);
    pimm::multiply(true, false, width, width, count, before, width, passed, width, true, sums[layer], width);
    pimm::multiply(false, true, count, width, width, passed, width, chain.of(layer), width, false, state, width);
  }
  head_back(logits + row * tasks, tasks, own + row * width, chain.of(0), state, sums[0], sums[1], count, width);
  std::copy_n(state, size, to + row * width);
}

const float* numbers(const c10::optional<at::Tensor>& tensor) { return tensor ? tensor->data_ptr<float>() : nullptr; }

class Premises : public torch::autograd::Function<Premises> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& own, const c10::optional<at::Tensor>& labels,
                            const c10::optional<at::Tensor>& shown, at::TensorList parameters, double share, std::vector<int64_t> keys) {
    const Chain chain(own, parameters, share, keys);
    const auto parts = Trace::made(chain, own);
    at::Tensor logits = at::empty({chain.rows, chain.tasks}, own.options());
    const pimm::Blocks blocks(chain.rows, chain.floats());
    const at::Tensor room = at::empty({blocks.parts, blocks.size * chain.width}, own.options());
    blocks.each([&](int64_t part, int64_t row, int64_t count) {
      forward_block(chain, own.data_ptr<float>(), numbers(labels), numbers(shown), parts, logits.data_ptr<float>(),
                    room.data_ptr<float>() + part * room.size(1), row, count);
    });
    variable_list saved{own};
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    saved.insert(saved.end(), parts.begin(), parts.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["share"] = share;
    context->saved_data["parameters"] = int64_t(parameters.size());
    return logits;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const size_t count = size_t(context->saved_data["parameters"].toInt());
    const at::Tensor &own = saved[0], gradient = gradients[0].contiguous();
    const at::TensorList parameters(saved.data() + 1, count), parts(saved.data() + 1 + count, saved.size() - 1 - count);
    const Chain chain(own, parameters, context->saved_data["share"].toDouble(), std::vector<int64_t>(own.size(0) - 1));
    at::Tensor to = at::empty_like(own);
    int64_t all = 0;
    for (const auto& parameter : parameters) all += parameter.numel();
    const pimm::Blocks blocks(chain.rows, chain.floats() + 10 * chain.width);
    const at::Tensor sums = at::zeros({blocks.parts, all}, own.options());
    const at::Tensor room = at::empty({blocks.parts, 9 * blocks.size * chain.width}, own.options());
    blocks.each([&](int64_t part, int64_t row, int64_t rows) {
      std::vector<float*> mine;
      float* at = sums.data_ptr<float>() + part * all;
      for (const auto& parameter : parameters) {
        mine.push_back(at);
        at += parameter.numel();
      }
      backward_block(chain, own.data_ptr<float>(), parts, gradient.data_ptr<float>(), to.data_ptr<float>(), mine,
                     room.data_ptr<float>() + part * room.size(1), row, rows);
    });

    const at::Tensor total = sums.size(0) == 1 ? sums[0] : sums.sum(0);
    variable_list answers{to, at::Tensor(), at::Tensor()};
    int64_t at = 0;
    for (const auto& parameter : parameters) {
      answers.push_back(total.narrow(0, at, parameter.numel()).view_as(parameter));
      at += parameter.numel();
    }
    answers.resize(answers.size() + 2);
    return answers;
  }
};

}  // namespace

at::Tensor pimm::premise_chain(const at::Tensor& own, const at::Tensor& labels, const at::Tensor& shown, void* const* parameters, int32_t count,
                               double share) {
  const at::Tensor from = own.contiguous();
  TORCH_CHECK(from.device().is_cpu() && from.scalar_type() == at::kFloat && from.dim() == 3, "the towers must be [T, B, d] floats on the CPU");
  TORCH_CHECK(share >= 0 && share < 1, "the share dropped must be at least 0 and below 1, but is ", share);
  c10::optional<at::Tensor> known, drawn;
  if (shown.defined()) {
    known = labels.contiguous();
    drawn = shown.contiguous();
    TORCH_CHECK(known->scalar_type() == at::kFloat && drawn->scalar_type() == at::kFloat && known->numel() == from.size(0) * from.size(1) &&
                    drawn->numel() == (from.size(0) - 1) * from.size(1), "labels must be [B, T] and what is shown [B, T − 1] floats");
  }
  std::vector<at::Tensor> all;
  for (int32_t i = 0; i < count; ++i) all.push_back(pimm::borrow(parameters[i]));
  std::vector<int64_t> keys;
  for (int64_t transfer = 0; transfer + 1 < from.size(0); ++transfer) keys.push_back(share > 0 ? int64_t(pimm::draw_key()) : 0);
  return Premises::apply(from, known, drawn, at::TensorList(all), share, keys);
}

// own [T, B, d] → logits [B, T]. labels [B, T] and shown [B, T − 1] are null where nothing is shown. share: dropped of the transfer
// layers, 0 for none.
PIMM_EXPORT int32_t pimm_premise_chain(void* own, void* labels, void* shown, void* const* parameters, int32_t count, double share,
                                       void** result) noexcept {
  return pimm::guarded([&] {
    const at::Tensor drawn = shown ? pimm::borrow(shown) : at::Tensor();
    *result = pimm::hand_over(
        pimm::premise_chain(pimm::borrow(own), shown ? pimm::borrow(labels) : at::Tensor(), drawn, parameters, count, share));
  });
}
