// What these programs draw: a pattern that differs at every pixel of a screen and with every seed.
#pragma once

#include <stdint.h>

// Red x & 255, green y & 255, blue as in dumb.c, all exclusive-ored with the seed's colour; byte 3 is 0.
static inline uint32_t pattern_pixel(uint32_t seed, uint32_t x, uint32_t y) {
  uint32_t color = (x & 255) << 16 | (y & 255) << 8 | ((x >> 8) << 4 | y >> 8);
  return color ^ (seed * 0x2f6d35 & 0xffffff);
}

static inline void draw_pattern(uint32_t *pixels, uint32_t stride_pixels, uint32_t seed, uint32_t x, uint32_t y,
                                uint32_t width, uint32_t height) {
  for (uint32_t row = y; row < y + height; row++)
    for (uint32_t column = x; column < x + width; column++)
      pixels[row * stride_pixels + column] = pattern_pixel(seed, column, row);
}
