/*
 * The kernels of assembly/ in C: the same algorithms over the same blocks of the same memory, to compare with.
 * Compiled by c_kernels.ts, which defines the constants of assembly/constants.gen.ts on the command line.
 * Each repeat_ function loops here, so that calling from JavaScript costs C nothing.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <tmmintrin.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define KERNEL __attribute__((noinline, noclone)) static
#define AT(type, address) (*(type *)(m + (u32)(address)))

static u32 find_region(u8 *m, u32 regions, u64 address) {
  u32 low = 0, high = AT(u32, regions + REGION_COUNT);
  while (low < high) {
    u32 middle = (low + high) / 2;
    u32 entry = regions + REGION_ENTRIES + middle * REGION_ENTRY_BYTES;
    u64 begin = AT(u64, entry + REGION_GUEST_ADDRESS);
    if (address < begin) high = middle;
    else if (address - begin < AT(u64, entry + REGION_SIZE_BYTES)) return entry;
    else low = middle + 1;
  }
  return 0;
}

static u32 find_segment(u8 *m, u32 segments, u32 count, u32 position) {
  u32 low = 0, high = count;
  while (high - low > 1) {
    u32 middle = (low + high) / 2;
    if (AT(u32, segments + middle * SEGMENT_BYTES + SEGMENT_START) <= position) low = middle;
    else high = middle;
  }
  return segments + low * SEGMENT_BYTES;
}

static u32 seek_segment(u8 *m, u32 segments, u32 count, u32 segment, u32 position) {
  if (position < AT(u32, segment + SEGMENT_START)) return find_segment(m, segments, count, position);
  for (int steps = 0; steps < 8; steps++) {
    if (position < AT(u32, segment + SEGMENT_BYTES + SEGMENT_START)) return segment;
    segment += SEGMENT_BYTES;
  }
  return find_segment(m, segment, count - (segment - segments) / SEGMENT_BYTES, position);
}

static void copy_list_checked(u8 *m, u32 segment, u32 start, u32 contiguous, u32 length, bool is_gather) {
  u32 position = start, end = start + length;
  for (;;) {
    u32 next = AT(u32, segment + SEGMENT_BYTES + SEGMENT_START);
    u32 piece = (next < end ? next : end) - position;
    u32 scattered = AT(u32, segment + SEGMENT_OFFSET) + (position - AT(u32, segment + SEGMENT_START));
    if (is_gather) memcpy(m + contiguous, m + scattered, piece);
    else memcpy(m + scattered, m + contiguous, piece);
    contiguous += piece;
    position += piece;
    if (position == end) return;
    segment += SEGMENT_BYTES;
  }
}

KERNEL int copy_bytes(u8 *m, u32 segments, u32 count, u32 start, u32 contiguous, u32 length, bool is_gather) {
  if ((u64)start + length > AT(u32, segments + count * SEGMENT_BYTES + SEGMENT_START)) return ERROR_OUT_OF_RANGE;
  if (length == 0) return 0;
  copy_list_checked(m, find_segment(m, segments, count, start), start, contiguous, length, is_gather);
  return 0;
}

KERNEL int copy_rect(u8 *m, u32 segments, u32 count, u32 start, u32 stride, u32 contiguous, u32 contiguous_stride,
                     u32 row_bytes, u32 rows, bool is_gather) {
  if (rows == 0 || row_bytes == 0) return 0;
  u32 total = AT(u32, segments + count * SEGMENT_BYTES + SEGMENT_START);
  if (row_bytes > total || start + (u64)row_bytes + (u64)(rows - 1) * stride > total) return ERROR_OUT_OF_RANGE;
  if (stride == row_bytes && contiguous_stride == row_bytes) {
    return copy_bytes(m, segments, count, start, contiguous, row_bytes * rows, is_gather);
  }
  u32 segment = segments, begin = 0, end = 0, delta = 0, position = start;
  for (;;) {
    if (position < begin || position >= end) {
      segment = seek_segment(m, segments, count, segment, position);
      begin = AT(u32, segment + SEGMENT_START);
      end = AT(u32, segment + SEGMENT_BYTES + SEGMENT_START);
      delta = AT(u32, segment + SEGMENT_OFFSET) - begin;
    }
    if (row_bytes > end - position) copy_list_checked(m, segment, position, contiguous, row_bytes, is_gather);
    else if (is_gather) memcpy(m + contiguous, m + (u32)(position + delta), row_bytes);
    else memcpy(m + (u32)(position + delta), m + contiguous, row_bytes);
    if (--rows == 0) return 0;
    position += stride;
    contiguous += contiguous_stride;
  }
}

KERNEL int page_list_parse(u8 *m, u32 entries, u32 entry_count, u32 regions, u32 segments, u32 guest_addresses,
                           u32 capacity) {
  u32 end = entries + entry_count * MEM_ENTRY_SIZE, segments_end = segments + capacity * SEGMENT_BYTES;
  u32 segment = segments, offset_end = 0, region_offset = 0;
  u64 total = 0, guest_end = 0, region_begin = 0, region_bytes = 0;
  for (; entries != end; entries += MEM_ENTRY_SIZE) {
    u64 address = AT(u64, entries + MEM_ENTRY_ADDR);
    u32 length = AT(u32, entries + MEM_ENTRY_LENGTH);
    if (length == 0) return ERROR_PAGE_ZERO_LENGTH;
    do {
      u64 within = address - region_begin;
      if (within >= region_bytes) {
        u32 region = find_region(m, regions, address);
        if (region == 0) return ERROR_PAGE_ADDRESS;
        region_begin = AT(u64, region + REGION_GUEST_ADDRESS);
        region_bytes = AT(u64, region + REGION_SIZE_BYTES);
        region_offset = AT(u32, region + REGION_OFFSET);
        within = address - region_begin;
      }
      u32 piece = length < region_bytes - within ? length : region_bytes - within;
      u32 offset = region_offset + (u32)within;
      if (address != guest_end || offset != offset_end || offset_end == 0) {
        if (segment == segments_end) return ERROR_PAGE_CAPACITY;
        AT(u32, segment + SEGMENT_START) = total;
        AT(u32, segment + SEGMENT_OFFSET) = offset;
        AT(u64, guest_addresses) = address;
        segment += SEGMENT_BYTES;
        guest_addresses += GUEST_ADDRESS_BYTES;
      }
      total += piece;
      address += piece;
      length -= piece;
      guest_end = address;
      offset_end = offset + piece;
    } while (length != 0);
  }
  if (total >> 32) return ERROR_PAGE_TOTAL;
  AT(u32, segment + SEGMENT_START) = total;
  AT(u32, segment + SEGMENT_OFFSET) = 0;
  return (segment - segments) / SEGMENT_BYTES;
}

static int walk_chain(u8 *m, u32 queue, u32 chain, u32 head, u32 size) {
  u32 regions = AT(u32, queue + QUEUE_REGIONS), table = AT(u32, queue + QUEUE_DESCRIPTOR_OFFSET);
  u32 table_size = size, left = size, index = head;
  bool is_indirect = false, is_writable = false;
  u32 list = chain + CHAIN_READABLE_LIST, entry = list, total = 0, segment_end = 0, region_offset = 0;
  u64 region_begin = 0, region_bytes = 0;
  for (;;) {
    if (left-- == 0) return ERROR_CHAIN_TOO_LONG;
    u32 descriptor = table + index * VIRTQ_DESC_SIZE;
    u64 address = AT(u64, descriptor + VIRTQ_DESC_ADDR);
    u32 length = AT(u32, descriptor + VIRTQ_DESC_LEN), flags = AT(u16, descriptor + VIRTQ_DESC_FLAGS);
    if (flags & VIRTQ_DESC_F_INDIRECT) {
      if (is_indirect) return ERROR_INDIRECT_NESTED;
      if (!(AT(u32, queue + QUEUE_FLAGS) & QUEUE_FLAG_INDIRECT_DESC)) return ERROR_INDIRECT_NOT_NEGOTIATED;
      if (flags & VIRTQ_DESC_F_NEXT) return ERROR_INDIRECT_AND_NEXT;
      table_size = length / VIRTQ_DESC_SIZE;
      if (table_size == 0 || table_size > MAX_INDIRECT_ENTRIES || length % VIRTQ_DESC_SIZE) return ERROR_INDIRECT_SIZE;
      u32 region = find_region(m, regions, address);
      if (region == 0) return ERROR_ADDRESS;
      u64 within = address - AT(u64, region + REGION_GUEST_ADDRESS);
      if (length > AT(u64, region + REGION_SIZE_BYTES) - within) return ERROR_ADDRESS;
      table = AT(u32, region + REGION_OFFSET) + (u32)within;
      left = table_size;
      index = 0;
      is_indirect = true;
      continue;
    }
    if (length == 0) return ERROR_ZERO_LENGTH;
    if (!(flags & VIRTQ_DESC_F_WRITE)) {
      if (is_writable) return ERROR_WRITABLE_BEFORE_READABLE;
    } else if (!is_writable) {
      is_writable = true;
      AT(u32, chain + CHAIN_READABLE_BYTES) = total;
      AT(u32, chain + CHAIN_READABLE_SEGMENTS) = (entry - list) / SEGMENT_BYTES;
      AT(u32, entry + SEGMENT_START) = total;
      AT(u32, entry + SEGMENT_OFFSET) = 0;
      list = chain + CHAIN_WRITABLE_LIST;
      entry = list;
      total = 0;
      segment_end = 0;
    }
    while (length != 0) {
      u64 within = address - region_begin;
      if (within >= region_bytes) {
        u32 region = find_region(m, regions, address);
        if (region == 0) return ERROR_ADDRESS;
        region_begin = AT(u64, region + REGION_GUEST_ADDRESS);
        region_bytes = AT(u64, region + REGION_SIZE_BYTES);
        region_offset = AT(u32, region + REGION_OFFSET);
        within = address - region_begin;
      }
      u32 piece = length < region_bytes - within ? length : region_bytes - within;
      u32 offset = region_offset + (u32)within;
      if (offset != segment_end || segment_end == 0) {
        if (entry - list == MAX_CHAIN_SEGMENTS * SEGMENT_BYTES) return ERROR_SEGMENTS;
        AT(u32, entry + SEGMENT_START) = total;
        AT(u32, entry + SEGMENT_OFFSET) = offset;
        entry += SEGMENT_BYTES;
      }
      segment_end = offset + piece;
      total += piece;
      if (total < piece) return ERROR_TOTAL_BYTES;
      address += piece;
      length -= piece;
    }
    if (!(flags & VIRTQ_DESC_F_NEXT)) break;
    index = AT(u16, descriptor + VIRTQ_DESC_NEXT);
    if (index >= table_size) return ERROR_NEXT_RANGE;
  }
  u32 count = (entry - list) / SEGMENT_BYTES;
  AT(u32, entry + SEGMENT_START) = total;
  AT(u32, entry + SEGMENT_OFFSET) = 0;
  AT(u32, chain + (is_writable ? CHAIN_WRITABLE_BYTES : CHAIN_READABLE_BYTES)) = total;
  AT(u32, chain + (is_writable ? CHAIN_WRITABLE_SEGMENTS : CHAIN_READABLE_SEGMENTS)) = count;
  if (is_writable) return 0;
  AT(u32, chain + CHAIN_WRITABLE_BYTES) = 0;
  AT(u32, chain + CHAIN_WRITABLE_SEGMENTS) = 0;
  AT(u64, chain + CHAIN_WRITABLE_LIST) = 0;
  return 0;
}

KERNEL int queue_pop(u8 *m, u32 queue, u32 chain) {
  u32 size = AT(u32, queue + QUEUE_SIZE), next = AT(u32, queue + QUEUE_NEXT_AVAILABLE);
  u32 available = AT(u32, queue + QUEUE_AVAILABLE_OFFSET);
  u32 pending = (AT(u16, available + VIRTQ_AVAIL_IDX) - next) & 0xffff;
  if (pending == 0) {
    if (!(AT(u32, queue + QUEUE_FLAGS) & QUEUE_FLAG_EVENT_IDX)) return CHAIN_NONE;
    u32 used = AT(u32, queue + QUEUE_USED_OFFSET);
    AT(u16, used + VIRTQ_USED_RING + size * VIRTQ_USED_ELEM_SIZE) = next;
    pending = (AT(u16, available + VIRTQ_AVAIL_IDX) - next) & 0xffff;
    if (pending == 0) return CHAIN_NONE;
  }
  if (pending > size) return ERROR_INDEX_JUMP;
  u32 head = AT(u16, available + VIRTQ_AVAIL_RING + (next & (size - 1)) * VIRTQ_AVAIL_ELEM_SIZE);
  if (head >= size) return ERROR_HEAD_RANGE;
  int error = walk_chain(m, queue, chain, head, size);
  if (error != 0) return error;
  AT(u32, chain + CHAIN_HEAD) = head;
  u32 command = chain + CHAIN_COMMAND, readable = AT(u32, chain + CHAIN_READABLE_BYTES);
  memset(m + command, 0, CHAIN_COMMAND_BYTES);
  u32 bytes = readable < CHAIN_COMMAND_BYTES ? readable : CHAIN_COMMAND_BYTES;
  if (bytes) copy_list_checked(m, chain + CHAIN_READABLE_LIST, 0, command, bytes, true);
  AT(u32, queue + QUEUE_NEXT_AVAILABLE) = (next + 1) & 0xffff;
  return CHAIN_POPPED;
}

KERNEL int queue_complete(u8 *m, u32 queue, u32 chain, u32 response, u32 response_bytes) {
  u32 writable = AT(u32, chain + CHAIN_WRITABLE_BYTES);
  u32 written = response_bytes < writable ? response_bytes : writable;
  if (written) copy_list_checked(m, chain + CHAIN_WRITABLE_LIST, 0, response, written, false);
  u32 used = AT(u32, queue + QUEUE_USED_OFFSET), next = AT(u32, queue + QUEUE_NEXT_USED);
  u32 slot = next & (AT(u32, queue + QUEUE_SIZE) - 1);
  u32 element = used + VIRTQ_USED_RING + slot * VIRTQ_USED_ELEM_SIZE;
  AT(u32, element + VIRTQ_USED_ELEM_ID) = AT(u32, chain + CHAIN_HEAD);
  AT(u32, element + VIRTQ_USED_ELEM_LEN) = written;
  u32 following = (next + 1) & 0xffff;
  AT(u32, queue + QUEUE_NEXT_USED) = following;
  __atomic_store_n((u16 *)(m + used + VIRTQ_USED_IDX), following, __ATOMIC_RELEASE);
  return written;
}

static void convert_row(u8 *source, u8 *target, u32 width, __m128i shuffle, __m128i opaque) {
  u32 x = 0;
  for (; x + 16 <= width; x += 16) {
#pragma GCC unroll 4
    for (u32 i = 0; i < 64; i += 16) {
      __m128i pixels = _mm_loadu_si128((__m128i *)(source + x * 4 + i));
      _mm_storeu_si128((__m128i *)(target + x * 4 + i), _mm_or_si128(_mm_shuffle_epi8(pixels, shuffle), opaque));
    }
  }
  for (; x < width; x++) {
    __m128i pixel = _mm_cvtsi32_si128(*(int *)(source + x * 4));
    *(int *)(target + x * 4) = _mm_cvtsi128_si32(_mm_or_si128(_mm_shuffle_epi8(pixel, shuffle), opaque));
  }
}

static __m128i pixel_shuffle(u32 lanes) {
  return _mm_add_epi32(_mm_set1_epi32(lanes), _mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c));
}

KERNEL void convert_rect(u8 *m, u32 source, u32 source_stride, u32 target, u32 target_stride, u32 width, u32 rows,
                         u32 lanes, u32 opaque) {
  for (; rows; rows--, source += source_stride, target += target_stride) {
    convert_row(m + source, m + target, width, pixel_shuffle(lanes), _mm_set1_epi32(opaque));
  }
}

static void convert_split_row(u8 *m, u32 segment, u32 position, u32 target, u32 row_bytes, __m128i shuffle,
                              __m128i opaque) {
  u32 left = row_bytes;
  for (;;) {
    u32 next = AT(u32, segment + SEGMENT_BYTES + SEGMENT_START);
    u32 source = AT(u32, segment + SEGMENT_OFFSET) + (position - AT(u32, segment + SEGMENT_START));
    u32 whole = (next - position < left ? next - position : left) & ~3u;
    convert_row(m + source, m + target, whole / 4, shuffle, opaque);
    position += whole, target += whole, left -= whole;
    if (left == 0) return;
    if (position < next) {
      copy_list_checked(m, segment, position, target, 4, true);
      convert_row(m + target, m + target, 1, shuffle, opaque);
      position += 4, target += 4, left -= 4;
      if (left == 0) return;
    }
    while (position >= AT(u32, segment + SEGMENT_BYTES + SEGMENT_START)) segment += SEGMENT_BYTES;
  }
}

KERNEL int gather_convert_rect(u8 *m, u32 segments, u32 count, u32 start, u32 stride, u32 target, u32 target_stride,
                               u32 width, u32 rows, u32 lanes, u32 opaque) {
  if (rows == 0 || width == 0) return 0;
  u32 total = AT(u32, segments + count * SEGMENT_BYTES + SEGMENT_START), row_bytes = width * 4;
  if (width * 4ull > total || start + width * 4ull + (u64)(rows - 1) * stride > total) return ERROR_OUT_OF_RANGE;
  __m128i shuffle = pixel_shuffle(lanes), opaque_bits = _mm_set1_epi32(opaque);
  u32 segment = segments, begin = 0, end = 0, delta = 0, position = start;
  for (;;) {
    if (position < begin || position >= end) {
      segment = seek_segment(m, segments, count, segment, position);
      begin = AT(u32, segment + SEGMENT_START);
      end = AT(u32, segment + SEGMENT_BYTES + SEGMENT_START);
      delta = AT(u32, segment + SEGMENT_OFFSET) - begin;
    }
    if (row_bytes > end - position) convert_split_row(m, segment, position, target, row_bytes, shuffle, opaque_bits);
    else convert_row(m + (u32)(position + delta), m + target, width, shuffle, opaque_bits);
    if (--rows == 0) return 0;
    position += stride;
    target += target_stride;
  }
}

/* What the benches call: each runs one kernel over `starts`, or `times` times. */

void repeat_bytes(u8 *m, u32 segments, u32 count, u32 *starts, u32 times, u32 contiguous, u32 length, u32 is_gather) {
  for (u32 i = 0; i < times; i++) copy_bytes(m, segments, count, starts[i], contiguous, length, is_gather);
}

void repeat_rects(u8 *m, u32 segments, u32 count, u32 *starts, u32 times, u32 stride, u32 contiguous, u32 row_bytes,
                  u32 rows, u32 is_gather) {
  for (u32 i = 0; i < times; i++) {
    copy_rect(m, segments, count, starts[i], stride, contiguous + starts[i], stride, row_bytes, rows, is_gather);
  }
}

void repeat_boxes(u8 *m, u32 segments, u32 count, u32 *starts, u32 times, u32 stride, u32 layer_stride, u32 contiguous,
                  u32 row_bytes, u32 rows, u32 layers) {
  for (u32 i = 0; i < times; i++) {
    for (u32 layer = 0; layer < layers; layer++) {
      u32 start = starts[i] + layer * layer_stride;
      copy_rect(m, segments, count, start, stride, contiguous + start, stride, row_bytes, rows, true);
    }
  }
}

int repeat_page_list(u8 *m, u32 entries, u32 count, u32 regions, u32 segments, u32 guest_addresses, u32 capacity) {
  return page_list_parse(m, entries, count, regions, segments, guest_addresses, capacity);
}

int repeat_pop(u8 *m, u32 queue, u32 chain, u32 times) {
  int popped = 0;
  for (u32 i = 0; i < times; i++) {
    AT(u32, queue + QUEUE_NEXT_AVAILABLE) = 0;
    popped += queue_pop(m, queue, chain);
  }
  return popped;
}

int repeat_complete(u8 *m, u32 queue, u32 chain, u32 response, u32 response_bytes, u32 times) {
  int written = 0;
  for (u32 i = 0; i < times; i++) written += queue_complete(m, queue, chain, response, response_bytes);
  return written;
}

void repeat_convert(u8 *m, u32 source, u32 source_stride, u32 target, u32 target_stride, u32 width, u32 rows, u32 lanes,
                    u32 opaque) {
  convert_rect(m, source, source_stride, target, target_stride, width, rows, lanes, opaque);
}

void repeat_gather_convert(u8 *m, u32 segments, u32 count, u32 start, u32 stride, u32 target, u32 target_stride,
                           u32 width, u32 rows, u32 lanes, u32 opaque) {
  gather_convert_rect(m, segments, count, start, stride, target, target_stride, width, rows, lanes, opaque);
}
