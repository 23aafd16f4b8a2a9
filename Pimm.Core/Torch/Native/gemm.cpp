// Debian's libtorch sends every float matrix product to sgemm_ of libblas.so.3. The reference BLAS, which is what its packages
// pull in, is 15 to 30 times slower than the oneDNN that libtorch has loaded anyway; OpenBLAS brings a second pool of threads
// beside OpenMP's. A symbol defined here is found before libblas's, because this library is what was opened: so float products
// go to oneDNN, on the same OpenMP threads as everything else. A libtorch with a BLAS of its own never asks for this symbol.
#include <dlfcn.h>

#include <cstdint>
#include <optional>

#include "blocks.h"
#include "pimm_torch.h"
#include "undisturbed.h"

namespace {

using OneDnn = int (*)(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t, float,
                       float*, int64_t);
using Fortran = void (*)(const char*, const char*, const int*, const int*, const int*, const float*, const float*,
                         const int*, const float*, const int*, const float*, float*, const int*);

OneDnn one_dnn() noexcept {
  static const auto found = reinterpret_cast<OneDnn>(dlsym(RTLD_DEFAULT, "dnnl_sgemm"));
  return found;
}

Fortran system_blas() noexcept {
  static const auto found = reinterpret_cast<Fortran>(dlsym(RTLD_NEXT, "sgemm_"));
  return found;
}

char normal(char transposed) noexcept { return transposed == 'n' || transposed == 'N' ? 'N' : 'T'; }

}  // namespace

// Columns first as in Fortran; oneDNN counts rows first, so the product is asked for as its transpose.
PIMM_EXPORT void sgemm_(const char* ta, const char* tb, const int* m, const int* n, const int* k, const float* alpha,
                        const float* a, const int* lda, const float* b, const int* ldb, const float* beta, float* c,
                        const int* ldc) noexcept {
  if (*m <= 0 || *n <= 0) return;
  if (one_dnn() && *k > 0) {
    constexpr int success = 0;
    std::optional<pimm::Undisturbed> computing;
    if (*k > pimm::longest_on_stack) {
      computing.emplace();
      pimm::keep_team_undisturbed();
    }
    if (one_dnn()(normal(*tb), normal(*ta), *n, *m, *k, *alpha, b, *ldb, a, *lda, *beta, c, *ldc) == success) return;
  }
  if (system_blas()) system_blas()(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void pimm::multiply(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
                    int64_t ldb, bool add, float* c, int64_t ldc) {
  const int rows = int(m), columns = int(n), inner = int(k), a_step = int(lda), b_step = int(ldb), c_step = int(ldc);
  const float one = 1, kept = add ? 1 : 0;
  sgemm_(transpose_b ? "T" : "N", transpose_a ? "T" : "N", &columns, &rows, &inner, &one, b, &b_step, a, &a_step, &kept, c, &c_step);
}

// Where this process's float matrix products are computed.
PIMM_EXPORT const char* pimm_blas() noexcept {
  if (one_dnn()) return "oneDNN";
  auto config = reinterpret_cast<char* (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_config"));
  return config ? config() : "system";
}
