// Dropout's masks. Element i of a layer is dropped where the i-th of the layer's 16-bit numbers is below share · 2^16; number i is
// a quarter (the lowest first) of word i / 4, and word w is splitmix64's finaliser of key + (w + 1) · golden ratio, that is the w-th
// output of splitmix64 (Steele, Lea and Flood 2014) seeded with the key. So any part of a mask can be drawn by itself, on any
// thread, and is the same. The key is drawn from Torch's own generator, one a layer and step: its seed and state decide all masks.
// The share is rounded to 1 / 65536, and the scale is that of the rounded share, so that the expectation is exact.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#define PIMM_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PIMM_WIDE
#endif

namespace pimm {

// 64 random bits of the generator behind every operator that is given none.
uint64_t draw_key();

struct Mask {
  static constexpr int64_t block = 1024;  // numbers drawn at once

  Mask(uint64_t key, double share)
      : key(key), threshold(static_cast<uint16_t>(std::min(std::lround(share * 65536), 65535L))), scale(65536.0 / (65536 - threshold)) {}

  // The numbers from which * block on.
  __attribute__((always_inline)) inline void draw(int64_t which, uint16_t* numbers) const {
    constexpr int64_t words = block / 4;
    alignas(64) uint64_t out[words];
    const uint64_t from = key + (static_cast<uint64_t>(which) * words + 1) * 0x9E3779B97F4A7C15ull;
    for (int64_t word = 0; word < words; ++word) {
      uint64_t x = from + static_cast<uint64_t>(word) * 0x9E3779B97F4A7C15ull;
      x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
      x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
      out[word] = x ^ (x >> 31);
    }
    std::memcpy(numbers, out, sizeof out);
  }

  uint64_t key;
  uint16_t threshold;
  double scale;
};

}  // namespace pimm
