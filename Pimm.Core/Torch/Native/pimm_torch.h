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
  void *weights, *first, *second;  // tensors [rows, width]
  void* mean;                      // the same, null before there is one
  void* touched;                   // [rows], the last step that each has taken; null where rows do not wait
};

// Columns of a snapshot, row by row.
struct pimm_columns {
  const int32_t* ids;
  const uint8_t* labels;
  const float* amounts;  // null where there are none
  int64_t rows;
  int32_t fields, tasks;
};

// A batch and what becomes of it: tensors.
struct pimm_batch {
  void *ids, *labels;   // [B, F] int64 and [B, T] float
  void* shown;          // [B, T - 1] float, null where nothing is shown
  void* task_weights;   // [T], null for 1 each
  void* losses;         // the batch's loss is added to it
};

// The parts of PIMM below its loss.
struct pimm_network {
  void* offsets;              // [F] int64, where a field's rows begin in the table
  void* const* towers;        // the layers' weights, then their biases
  const double* tower_shares;  // dropped of each layer
  void* const* chain;
  double chain_share;  // dropped of the transfer layers
  int32_t layers, chain_count;
};

struct pimm_forward_shape {
  int32_t fields, embedding, tasks, layers;
  int32_t rectified;   // whether the transfer layer ends in a ReLU
  int32_t activation;  // of the premise: 0 sigmoid, 1 tanh, 2 ReLU
  int64_t table_bytes;
};
