#include "errors.h"

#include <string>

namespace {
thread_local std::string last_error;
}

namespace pimm {

void remember(const char* message) noexcept {
  try {
    last_error = message;
  } catch (...) {
    last_error.clear();  // no memory left even for the text
  }
}

}  // namespace pimm

PIMM_EXPORT const char* pimm_last_error() noexcept { return last_error.c_str(); }
