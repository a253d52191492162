/** Returns the byte shuffle of four pixels for the `lanes` of one: byte i of a pixel comes from its byte lanes[i]. */
export function pixelShuffle(lanes: u32): v128 {
  return i32x4.add(i32x4.splat(lanes & 0x03030303), i32x4(0, 0x04040404, 0x08080808, 0x0c0c0c0c));
}

/**
 * Converts `width` pixels; see Kernels.convertRect in src/wasm/kernels.ts. Neither address needs an alignment. One
 * swizzle serves all formats: a constant i8x16.shuffle for each took 805 ns where this takes 665 (64x64, in cache).
 */
export function convertRow(source: usize, target: usize, width: u32, shuffle: v128, opaque: v128): void {
  let left = width;
  while (left >= 16) {
    const first = v128.load(source);
    const second = v128.load(source, 16);
    const third = v128.load(source, 32);
    const fourth = v128.load(source, 48);
    v128.store(target, v128.or(i8x16.swizzle(first, shuffle), opaque));
    v128.store(target, v128.or(i8x16.swizzle(second, shuffle), opaque), 16);
    v128.store(target, v128.or(i8x16.swizzle(third, shuffle), opaque), 32);
    v128.store(target, v128.or(i8x16.swizzle(fourth, shuffle), opaque), 48);
    source += 64;
    target += 64;
    left -= 16;
  }
  while (left >= 4) {
    v128.store(target, v128.or(i8x16.swizzle(v128.load(source), shuffle), opaque));
    source += 16;
    target += 16;
    left -= 4;
  }
  while (left != 0) {
    v128.store32_lane(target, v128.or(i8x16.swizzle(v128.load32_zero(source), shuffle), opaque), 0);
    source += 4;
    target += 4;
    left--;
  }
}
