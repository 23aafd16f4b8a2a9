#include "errors.h"

#include <chrono>
#include <string>

namespace {
thread_local std::string last_error;
}

bool pimm::Timed::running = false;
int64_t pimm::Timed::spent = 0;

int64_t pimm::Timed::now() noexcept { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

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

// For a process in which one thread at a time computes: begins to count from 0, or ends.
PIMM_EXPORT void pimm_clock(int32_t running) noexcept {
  if (running != 0) pimm::Timed::spent = 0;
  pimm::Timed::running = running != 0;
}

PIMM_EXPORT int64_t pimm_clock_nanoseconds() noexcept { return pimm::Timed::spent; }
