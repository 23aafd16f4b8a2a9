// Seeds, threads, devices and what this libtorch says about itself.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/version.h>

#include <mutex>
#include <string>

#include "errors.h"

namespace {

// OpenBLAS, where libblas.so.3 is one, keeps its own number of threads; it computes the double products.
template <class Function>
Function blas_function(const char* name) {
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
    if (auto set = blas_function<void (*)(int)>("openblas_set_num_threads")) set(count);
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
  pimm::guarded([&] { count = at::hasCUDA() ? static_cast<int32_t>(at::detail::getCUDAHooks().getNumGPUs()) : 0; });
  return count;
}

PIMM_EXPORT int32_t pimm_seed_all(int64_t seed) noexcept {
  return pimm::guarded([&] { at::manual_seed(static_cast<uint64_t>(seed)); });
}

PIMM_EXPORT int32_t pimm_generator_new(int64_t seed, void** made) noexcept {
  return pimm::guarded(
      [&] { *made = new at::Generator(at::make_generator<at::CPUGeneratorImpl>(static_cast<uint64_t>(seed))); });
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
