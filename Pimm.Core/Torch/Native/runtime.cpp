// Seeds, threads, devices and what this libtorch says about itself.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <c10/core/DeviceGuard.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/version.h>

#include <mutex>
#include <string>

#include "errors.h"

namespace {

// Of a library that is loaded or not.
template <class Function>
Function named_function(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace

PIMM_EXPORT const char* pimm_compiled_version() noexcept { return TORCH_VERSION; }

// Headers of one version and a library of another give wrong numbers or crashes, not errors.
PIMM_EXPORT int32_t pimm_check_version() noexcept {
  return pimm::guarded([] {
    const std::string settings = at::show_config(), key = "TORCH_VERSION=";
    auto start = settings.find(key);
    if (start == std::string::npos) return;
    start += key.size();
    auto loaded = settings.substr(start, settings.find_first_of(", \n", start) - start);
    TORCH_CHECK(loaded == TORCH_VERSION, "built for libtorch ", TORCH_VERSION, ", but libtorch ", loaded, " was loaded");
  });
}

PIMM_EXPORT int32_t pimm_set_threads(int32_t count) noexcept {
  return pimm::guarded([&] {
    at::set_num_threads(count);
    // OpenBLAS, where libblas.so.3 is one, keeps its own number of threads; it computes the double products.
    if (auto set = named_function<void (*)(int)>("openblas_set_num_threads")) set(count);
  });
}

// A training step frees what it took and takes the same again. By default large pieces go back to the system at once, which then
// has to clear every page of them anew, which shows in large steps.
PIMM_EXPORT void pimm_keep_memory() noexcept {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

PIMM_EXPORT int32_t pimm_threads() noexcept { return at::get_num_threads(); }

PIMM_EXPORT int32_t pimm_set_interop_threads(int32_t count) noexcept {
  return pimm::guarded([&] { at::set_num_interop_threads(count); });
}

PIMM_EXPORT int32_t pimm_interop_threads() noexcept { return at::get_num_interop_threads(); }

PIMM_EXPORT int32_t pimm_cuda_count() noexcept {
  int32_t count = 0;
  pimm::guarded([&] { count = at::hasCUDA() ? static_cast<int32_t>(at::getNumGPUs()) : 0; });
  return count;
}

// Free and whole memory of a CUDA device in bytes.
PIMM_EXPORT int32_t pimm_cuda_memory(int32_t device, int64_t* free, int64_t* whole) noexcept {
  return pimm::guarded([&] {
    TORCH_CHECK(at::hasCUDA(), "this libtorch has no CUDA");
    // CUDA's headers need not be there for this one number.
    auto ask = named_function<int (*)(size_t*, size_t*)>("cudaMemGetInfo");
    TORCH_CHECK(ask, "the CUDA runtime cannot be asked for its free memory");
    c10::DeviceGuard guard(c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device)));
    size_t left = 0, all = 0;
    TORCH_CHECK(ask(&left, &all) == 0, "the CUDA device does not say how much of its memory is free");
    *free = static_cast<int64_t>(left);
    *whole = static_cast<int64_t>(all);
  });
}

// Whether float32 matrix products on a CUDA device may round their factors to TF32's ten bits. Kept, and without effect, without CUDA.
PIMM_EXPORT int32_t pimm_allow_tf32(int32_t allowed) noexcept {
  return pimm::guarded([&] { at::globalContext().setAllowTF32CuBLAS(allowed != 0); });
}

PIMM_EXPORT int32_t pimm_tf32_allowed(int32_t* allowed) noexcept {
  return pimm::guarded([&] { *allowed = at::globalContext().allowTF32CuBLAS(); });
}

PIMM_EXPORT int32_t pimm_seed_all(int64_t seed) noexcept {
  return pimm::guarded([&] { at::manual_seed(static_cast<uint64_t>(seed)); });
}

PIMM_EXPORT int32_t pimm_generator_new(int64_t seed, void** made) noexcept {
  return pimm::guarded(
      [&] { *made = new at::Generator(at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(seed))); });
}

// One on a CUDA device: what such a generator is, the device's own knows.
PIMM_EXPORT int32_t pimm_generator_on(int32_t device, int64_t seed, void** made) noexcept {
  return pimm::guarded([&] {
    TORCH_CHECK(at::hasCUDA(), "this libtorch has no CUDA");
    c10::Device where(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device));
    auto generator = at::globalContext().defaultGenerator(where).clone();
    generator.set_current_seed(static_cast<uint64_t>(seed));
    *made = new at::Generator(std::move(generator));
  });
}

// The generator behind operators that are given none.
PIMM_EXPORT int32_t pimm_generator_default(void** made) noexcept {
  return pimm::guarded([&] { *made = new at::Generator(at::detail::getDefaultCPUGenerator()); });
}

PIMM_EXPORT void pimm_generator_free(void* generator) noexcept { delete static_cast<at::Generator*>(generator); }

PIMM_EXPORT int32_t pimm_generator_seed(void* generator, int64_t seed) noexcept {
  return pimm::guarded([&] {
    auto& self = *static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(self.mutex());
    self.set_current_seed(static_cast<uint64_t>(seed));
  });
}

PIMM_EXPORT int32_t pimm_generator_state(void* generator, void** state) noexcept {
  return pimm::guarded([&] {
    auto& self = *static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(self.mutex());
    *state = self.unsafeGetGeneratorImpl()->get_state().release();
  });
}

PIMM_EXPORT int32_t pimm_generator_set_state(void* generator, void* state) noexcept {
  return pimm::guarded([&] {
    auto& self = *static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(self.mutex());
    self.unsafeGetGeneratorImpl()->set_state(*static_cast<c10::TensorImpl*>(state));
  });
}
