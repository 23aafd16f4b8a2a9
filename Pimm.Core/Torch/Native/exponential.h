// e^x for one number or for a vector of them, the same bits either way.
#pragma once
#include <cstdint>

namespace pimm {

// Within 2e-7 of itself (Cephes' expf), for x from -87 to 88 and what lies beyond as those: products and sums alone, so that it takes as
// many numbers at once as a register holds. What is no number stays none. Integer is as wide as Float.
template <class Integer, class Float>
__attribute__((always_inline)) inline void exponential(Float& x) {
  x = x < Float{} - 87.0f ? Float{} - 87.0f : x > Float{} + 88.0f ? Float{} + 88.0f : x;
  constexpr float shift = 12582912.0f;  // 1.5 · 2^23: the sum's last bits are the rounded number
  const Float shifted = x * 1.44269504088896341f + shift;
  const Float whole = shifted - shift;
  const Float rest = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
  Float value = rest * 1.9875691500e-4f + 1.3981999507e-3f;
  value = value * rest + 8.3334519073e-3f;
  value = value * rest + 4.1665795894e-2f;
  value = value * rest + 1.6666665459e-1f;
  value = value * rest + 5.0000001201e-1f;
  value = (value * rest) * rest + rest + 1.0f;
  union {
    Float each;
    Integer bits;
  } power;
  power.each = shifted;
  power.bits = (power.bits + (127 - 0x4B400000)) << 23;
  x = value * power.each;
}

template <class Integer, class Float>
__attribute__((always_inline)) inline void logistic(Float& x) {
  x = -x;
  exponential<Integer>(x);
  x = 1.0f / (1.0f + x);
}

}  // namespace pimm
