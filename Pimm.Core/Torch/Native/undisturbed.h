// Keeps signals away from products. Of rows of more than `longest_on_stack` numbers, oneDNN packs what it multiplies into memory of the
// heap, and points the stack pointer there (its issue 4845, mended in March 2026): the frame of a signal that arrives meanwhile is
// written over whatever lies before that memory, and .NET stops threads by signals. In oneDNN 2.6, which Debian 12 has, these are rows of
// 85 numbers and more with AVX-512, and longer ones with AVX2.
#pragma once

namespace pimm {

constexpr int longest_on_stack = 64;

// While it lives, signals to this thread wait, and those to the process go to another.
class Undisturbed {
 public:
  Undisturbed() noexcept;
  ~Undisturbed() noexcept;
  Undisturbed(const Undisturbed&) = delete;
  Undisturbed& operator=(const Undisturbed&) = delete;

 private:
  const bool outermost_;
};

// From a thread that is undisturbed: those that OpenMP lends to it are so from now on, because they do nothing but compute. OpenMP ends
// threads of which a team has no need and makes others, so before each product.
void keep_team_undisturbed() noexcept;

}  // namespace pimm
