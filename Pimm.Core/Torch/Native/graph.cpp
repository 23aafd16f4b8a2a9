// A step that is recorded once as a CUDA graph and launched again as a whole. Written against the headers of libtorch 1.13 and of 2.x;
// it has not been run on a GPU yet. capture_begin registers the device's own generator in every version, so dropout goes on drawing;
// a launch takes its part of that generator's numbers. Whatever else changes from step to step has to lie in tensors on the device.
#include <c10/core/DeviceGuard.h>

#include "errors.h"

#ifdef PIMM_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

namespace {

struct Graph {
  explicit Graph(c10::DeviceIndex device)
      : device(c10::DeviceType::CUDA, device), side(c10::cuda::getStreamFromPool(false, device)), outer(side) {}

  c10::Device device;
  c10::cuda::CUDAStream side;   // warming up and recording happen here: a graph cannot be recorded on the default stream
  c10::cuda::CUDAStream outer;  // the caller's, while the side stream is current
  c10::DeviceIndex device_before = 0;
  at::cuda::CUDAGraph graph;
};

Graph& of(void* graph) { return *static_cast<Graph*>(graph); }

}  // namespace

#define PIMM_WITH_CUDA(...) return pimm::guarded([&] { __VA_ARGS__; })
#else
#define PIMM_WITH_CUDA(...) \
  return pimm::guarded([&] { TORCH_CHECK(false, "this libtorch has no CUDA: point TORCH_HOME to a CUDA build and build again"); })
#endif

PIMM_EXPORT int32_t pimm_graph_new(int32_t device, void** made) noexcept {
  *made = nullptr;
  PIMM_WITH_CUDA({
    c10::DeviceGuard guard(c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device)));
    *made = new Graph(static_cast<c10::DeviceIndex>(device));
  });
}

// From here to leave, this thread's operations go to the side stream. Everything before is waited for.
PIMM_EXPORT int32_t pimm_graph_enter(void* graph) noexcept {
  PIMM_WITH_CUDA({
    auto& self = of(graph);
    self.device_before = c10::cuda::current_device();
    c10::cuda::set_device(self.device.index());
    self.outer = c10::cuda::getCurrentCUDAStream(self.device.index());
    c10::cuda::device_synchronize();
    c10::cuda::setCurrentCUDAStream(self.side);
  });
}

PIMM_EXPORT int32_t pimm_graph_leave(void* graph) noexcept {
  PIMM_WITH_CUDA({
    auto& self = of(graph);
    c10::cuda::setCurrentCUDAStream(self.outer);
    c10::cuda::device_synchronize();
    c10::cuda::set_device(self.device_before);
  });
}

// Between begin and end operations are recorded and not run. Only between enter and leave.
PIMM_EXPORT int32_t pimm_graph_begin(void* graph) noexcept {
  PIMM_WITH_CUDA(of(graph).graph.capture_begin());
}

PIMM_EXPORT int32_t pimm_graph_end(void* graph) noexcept {
  PIMM_WITH_CUDA(of(graph).graph.capture_end());
}

// On this thread's current stream.
PIMM_EXPORT int32_t pimm_graph_replay(void* graph) noexcept {
  PIMM_WITH_CUDA(of(graph).graph.replay());
}

PIMM_EXPORT void pimm_graph_free(void* graph) noexcept {
#ifdef PIMM_CUDA
  pimm::guarded([&] { delete static_cast<Graph*>(graph); });
#endif
}
