#include "undisturbed.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>

#include <initializer_list>

namespace {

thread_local bool undisturbed = false;
thread_local sigset_t before;

const sigset_t& all_signals() noexcept {
  static const sigset_t all = [] {
    sigset_t made;
    sigfillset(&made);
    // A thread's own faults cannot wait.
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&made, fault);
    return made;
  }();
  return all;
}

void begin() noexcept {
  pthread_sigmask(SIG_BLOCK, &all_signals(), &before);
  undisturbed = true;
}

}  // namespace

pimm::Undisturbed::Undisturbed() noexcept : outermost_(!undisturbed) {
  if (outermost_) begin();
}

pimm::Undisturbed::~Undisturbed() noexcept {
  if (!outermost_) return;
  undisturbed = false;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void pimm::keep_team_undisturbed() noexcept {
  if (omp_in_parallel() || omp_get_max_threads() == 1) return;
#pragma omp parallel
  if (!undisturbed) begin();
}
