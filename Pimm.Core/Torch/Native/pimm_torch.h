// The whole C interface between Pimm and libtorch. Only plain C types cross it.
//
// - A tensor is a TensorImpl pointer that owns one reference; pimm_tensor_free gives the reference back.
// - Every function that can fail is noexcept, returns 0 or 1, and leaves the reason in pimm_last_error of the same thread.
#pragma once
#include <cstdint>

#define PIMM_EXPORT extern "C" __attribute__((visibility("default")))

enum pimm_kind : int32_t {
  PIMM_DEFAULT = 0,    // what the operator's schema says
  PIMM_NONE = 1,
  PIMM_TENSOR = 2,     // bits: tensor
  PIMM_INT = 3,        // bits: int64
  PIMM_DOUBLE = 4,     // bits: the double's bits
  PIMM_BOOL = 5,       // bits: 0 or 1
  PIMM_INTS = 6,       // bits: int64*, count
  PIMM_TENSORS = 7,    // bits: tensor*, count
  PIMM_OPTIONALS = 8,  // as PIMM_TENSORS, a null is "no tensor"
  PIMM_GENERATOR = 9,  // bits: generator
  PIMM_DEVICE = 10,    // bits: kind of device (c10::DeviceType), count: its index
  PIMM_TEXT = 11       // bits: UTF-8 bytes, count: their number
};

struct pimm_value {
  int32_t kind;
  int32_t count;
  int64_t bits;
};

struct pimm_description {
  int32_t dtype;  // c10::ScalarType
  int32_t device_type;
  int32_t device_index;
  int32_t dimensions;
  int64_t elements;
  int64_t storage;  // address of the first element, 0 where it cannot be had
  int32_t contiguous;
  int32_t requires_grad;
};

struct pimm_adam {
  double lr, beta1, beta2, eps, weight_decay;
  int64_t step;  // 1 for the first
  int32_t maximize;
};

struct pimm_rows {
  double lr, beta1, beta2, eps, weight_decay;
  int64_t step;        // the one being taken, 1 for the first
  double window;       // of the running mean in steps, 0 for none
  int64_t mean_start;  // the step after which the mean began
  int64_t mean_every;  // steps from one to the next that the mean takes in
};

struct pimm_forward_shape {
  int32_t fields, embedding, tasks, layers;
  int32_t rectified;   // whether the transfer layer ends in a ReLU
  int32_t activation;  // of the premise: 0 sigmoid, 1 tanh, 2 ReLU
  int64_t table_bytes;
};
