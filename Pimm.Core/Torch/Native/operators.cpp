// Any operator of libtorch by its schema name: the dispatcher's boxed call, the same that PyTorch's interpreter uses,
// so autograd, devices and type promotion behave as everywhere. Arguments left out take the schema's defaults.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>

#include <cstring>
#include <string>
#include <vector>

#include "tensors.h"

using c10::IValue;
using torch::jit::Stack;

namespace {

IValue tensor_list(const pimm_value& value) {
  auto tensors = reinterpret_cast<void* const*>(value.bits);
  c10::List<at::Tensor> list;
  list.reserve(value.count);
  for (int32_t i = 0; i < value.count; ++i) list.push_back(pimm::borrow(tensors[i]));
  return IValue(std::move(list));
}

IValue optional_list(const pimm_value& value) {
  auto tensors = reinterpret_cast<void* const*>(value.bits);
  c10::List<c10::optional<at::Tensor>> list;
  list.reserve(value.count);
  for (int32_t i = 0; i < value.count; ++i) {
    if (tensors[i]) {
      list.push_back(pimm::borrow(tensors[i]));
    } else {
      list.push_back(c10::nullopt);
    }
  }
  return IValue(std::move(list));
}

IValue int_list(const pimm_value& value) {
  auto numbers = reinterpret_cast<const int64_t*>(value.bits);
  return IValue(std::vector<int64_t>(numbers, numbers + value.count));
}

double as_double(int64_t bits) {
  double number;
  std::memcpy(&number, &bits, sizeof number);
  return number;
}

IValue default_of(const c10::FunctionSchema& schema, size_t index) {
  TORCH_CHECK(index < schema.arguments().size(), "too many arguments");
  const auto& argument = schema.arguments()[index];
  TORCH_CHECK(argument.default_value(), "argument ", argument.name(), " is missing");
  return *argument.default_value();
}

IValue unpack(const pimm_value& value, const c10::FunctionSchema& schema, size_t index) {
  switch (value.kind) {
    case PIMM_DEFAULT: return default_of(schema, index);
    case PIMM_NONE: return IValue();
    case PIMM_TENSOR: return IValue(pimm::borrow(reinterpret_cast<void*>(value.bits)));
    case PIMM_INT: return IValue(value.bits);
    case PIMM_DOUBLE: return IValue(as_double(value.bits));
    case PIMM_BOOL: return IValue(value.bits != 0);
    case PIMM_INTS: return int_list(value);
    case PIMM_TENSORS: return tensor_list(value);
    case PIMM_OPTIONALS: return optional_list(value);
    case PIMM_GENERATOR: return IValue(*reinterpret_cast<at::Generator*>(value.bits));
    case PIMM_DEVICE:
      return IValue(c10::Device(static_cast<c10::DeviceType>(value.bits), static_cast<c10::DeviceIndex>(value.count)));
    case PIMM_TEXT: return IValue(std::string(reinterpret_cast<const char*>(value.bits), value.count));
    default: TORCH_CHECK(false, "argument kind ", value.kind, " is unknown");
  }
}

// Writes results into the caller's room and remembers how much of it is taken, so that a failure can undo it.
class Results {
 public:
  Results(pimm_value* room, int32_t capacity) : room_(room), capacity_(capacity) {}

  void add(IValue&& value) {
    if (value.isTensor()) {
      take(PIMM_TENSOR, reinterpret_cast<int64_t>(pimm::hand_over(std::move(value).toTensor())));
    } else if (value.isTensorList()) {
      for (at::Tensor tensor : value.toTensorVector()) {
        take(PIMM_TENSOR, reinterpret_cast<int64_t>(pimm::hand_over(std::move(tensor))));
      }
    } else if (value.isDouble()) {
      double number = value.toDouble();
      int64_t bits;
      std::memcpy(&bits, &number, sizeof bits);
      take(PIMM_DOUBLE, bits);
    } else if (value.isBool()) {
      take(PIMM_BOOL, value.toBool());
    } else {
      TORCH_CHECK(value.isInt(), "a result of type ", value.tagKind(), " cannot be handed over");
      take(PIMM_INT, value.toInt());
    }
  }

  int32_t count() const { return count_; }

  void undo() noexcept {
    for (int32_t i = 0; i < count_; ++i) {
      if (room_[i].kind == PIMM_TENSOR && room_[i].bits) {
        pimm::Impl::reclaim(reinterpret_cast<c10::TensorImpl*>(room_[i].bits)).reset();
      }
    }
  }

 private:
  void take(int32_t kind, int64_t bits) {
    TORCH_CHECK(count_ < capacity_, "more results than the ", capacity_, " expected");
    room_[count_++] = pimm_value{kind, 0, bits};
  }

  pimm_value* room_;
  int32_t capacity_;
  int32_t count_ = 0;
};

}  // namespace

// Handles live as long as the process: there is one for each operator in use.
PIMM_EXPORT int32_t pimm_operator_find(const char* name, const char* overload, void** found) noexcept {
  return pimm::guarded([&] {
    auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
    TORCH_CHECK(handle.has_value(), "this libtorch has no operator ", name, overload[0] ? "." : "", overload);
    *found = new c10::OperatorHandle(*handle);
  });
}

// capacity 0: the results are dropped (operators that change their first argument in place).
PIMM_EXPORT int32_t pimm_operator_call(void* which, const pimm_value* arguments, int32_t count, pimm_value* results,
                                       int32_t capacity, int32_t* written) noexcept {
  Results collected(results, capacity);
  int32_t failed = pimm::guarded([&] {
    const auto& handle = *static_cast<const c10::OperatorHandle*>(which);
    const auto& schema = handle.schema();
    size_t wanted = schema.arguments().size();
    Stack stack;
    stack.reserve(wanted);
    for (int32_t i = 0; i < count; ++i) stack.push_back(unpack(arguments[i], schema, i));
    for (size_t i = count; i < wanted; ++i) stack.push_back(default_of(schema, i));
    handle.callBoxed(&stack);
    if (capacity == 0) return;
    for (auto& value : stack) collected.add(std::move(value));
  });
  if (failed) collected.undo();
  *written = failed ? 0 : collected.count();
  return failed;
}
