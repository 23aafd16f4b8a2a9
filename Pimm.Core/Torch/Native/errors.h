#pragma once
#include <c10/core/TensorImpl.h>
#include <c10/core/UndefinedTensorImpl.h>
#include <c10/util/Exception.h>

#include <exception>

#include "pimm_torch.h"

namespace pimm {

void remember(const char* message) noexcept;

// Time that the calling thread spends in this library's functions, while somebody asks for it.
class Timed {
 public:
  Timed() noexcept : from_(running ? now() : 0) {}
  ~Timed() noexcept {
    if (from_ != 0) spent += now() - from_;
  }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

  static bool running;
  static int64_t spent;  // nanoseconds, of one thread

 private:
  static int64_t now() noexcept;
  int64_t from_;
};

// No exception may cross the C interface: the runtime of the other side would end the process.
template <class Body>
int32_t guarded(Body&& body) noexcept {
  const Timed timed;
  try {
    body();
    return 0;
  } catch (const c10::Error& error) {
    remember(error.what_without_backtrace());
  } catch (const std::exception& error) {
    remember(error.what());
  } catch (...) {
    remember("an error of unknown type");
  }
  return 1;
}

using Impl = c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;

}  // namespace pimm
