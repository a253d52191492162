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
typedef int64_t i64;

#define KERNEL __attribute__((noinline, noclone)) static
#define AT(type, address) (*(type *)(m + (u32)(address)))
#define NOWHERE UINT64_MAX

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

static u32 start_of(u8 *m, u32 segment) { return AT(u32, segment + SEGMENT_START); }

static u64 segment_at(u64 start, u64 offset) { return start << (SEGMENT_START * 8) | offset << (SEGMENT_OFFSET * 8); }

static u32 find_segment(u8 *m, u32 segments, u32 count, u32 position) {
  u32 first = start_of(m, segments), total = start_of(m, segments + count * SEGMENT_BYTES);
  u32 guess = (u64)(position - first) * count / (total - first);
  u32 low = 0, high = count;
  if (start_of(m, segments + guess * SEGMENT_BYTES) > position) high = guess;
  else if (position < start_of(m, segments + (guess + 1) * SEGMENT_BYTES)) return segments + guess * SEGMENT_BYTES;
  else low = guess + 1;
  while (high - low > 1) {
    u32 middle = (low + high) / 2;
    if (start_of(m, segments + middle * SEGMENT_BYTES) <= position) low = middle;
    else high = middle;
  }
  return segments + low * SEGMENT_BYTES;
}

static u32 seek_segment(u8 *m, u32 segments, u32 count, u32 segment, u32 position) {
  for (int steps = 0; steps < 8; steps++) {
    segment += SEGMENT_BYTES;
    if (position < start_of(m, segment + SEGMENT_BYTES)) return segment;
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
  u32 segment = find_segment(m, segments, count, start), position = start;
  u32 end = start_of(m, segment + SEGMENT_BYTES), delta = AT(u32, segment + SEGMENT_OFFSET) - start_of(m, segment);
  for (;;) {
    if (row_bytes > end - position) copy_list_checked(m, segment, position, contiguous, row_bytes, is_gather);
    else if (is_gather) memcpy(m + contiguous, m + (u32)(position + delta), row_bytes);
    else memcpy(m + (u32)(position + delta), m + contiguous, row_bytes);
    if (--rows == 0) return 0;
    position += stride;
    contiguous += contiguous_stride;
    if (position < end) continue;
    segment = seek_segment(m, segments, count, segment, position);
    end = start_of(m, segment + SEGMENT_BYTES);
    delta = AT(u32, segment + SEGMENT_OFFSET) - start_of(m, segment);
  }
}

KERNEL int copy_box(u8 *m, u32 segments, u32 count, u32 start, u32 stride, u32 layer_stride, u32 contiguous,
                    u32 contiguous_stride, u32 contiguous_layer_stride, u32 row_bytes, u32 rows, u32 layers,
                    bool is_gather) {
  if (layers == 0 || rows == 0 || row_bytes == 0) return 0;
  u32 total = AT(u32, segments + count * SEGMENT_BYTES + SEGMENT_START);
  u64 span = (u64)(layers - 1) * layer_stride;
  if (span > total || row_bytes > total) return ERROR_OUT_OF_RANGE;
  if (start + (u64)row_bytes + (u64)(rows - 1) * stride > total - span) return ERROR_OUT_OF_RANGE;
  for (; layers != 0; layers--) {
    copy_rect(m, segments, count, start, stride, contiguous, contiguous_stride, row_bytes, rows, is_gather);
    start += layer_stride, contiguous += contiguous_layer_stride;
  }
  return 0;
}

static int append_range(u8 *m, u32 segments, u32 guest_addresses, u32 count, u32 capacity, u64 total, u32 regions,
                        u64 address, u64 length) {
  u64 guest_end = NOWHERE, offset_end = NOWHERE;
  if (count != 0) {
    u32 last = segments + (count - 1) * SEGMENT_BYTES;
    u64 last_bytes = total - start_of(m, last);
    guest_end = AT(u64, guest_addresses + (count - 1) * GUEST_ADDRESS_BYTES) + last_bytes;
    offset_end = AT(u32, last + SEGMENT_OFFSET) + last_bytes;
  }
  while (length != 0) {
    u32 region = find_region(m, regions, address);
    if (region == 0) return ERROR_PAGE_ADDRESS;
    u64 within = address - AT(u64, region + REGION_GUEST_ADDRESS);
    u64 room = AT(u64, region + REGION_SIZE_BYTES) - within, piece = length < room ? length : room;
    u64 offset = AT(u32, region + REGION_OFFSET) + within;
    if (address != guest_end || offset != offset_end) {
      if (count == capacity) return ERROR_PAGE_CAPACITY;
      AT(u64, segments + count * SEGMENT_BYTES) = segment_at(total, offset);
      AT(u64, guest_addresses + count * GUEST_ADDRESS_BYTES) = address;
      count++;
    }
    total += piece, address += piece, length -= piece;
    guest_end = address;
    offset_end = offset + piece;
  }
  return count;
}

KERNEL int page_list_parse(u8 *m, u32 entries, u32 entry_count, u32 regions, u32 segments, u32 guest_addresses,
                           u32 capacity) {
  u32 end = entries + entry_count * MEM_ENTRY_SIZE, segments_end = segments + capacity * SEGMENT_BYTES;
  u32 segment = segments, guest_address = guest_addresses;
  u64 total = 0;
  while (entries != end) {
    u64 first_address = AT(u64, entries + MEM_ENTRY_ADDR);
    u32 first_length = AT(u32, entries + MEM_ENTRY_LENGTH);
    if (first_length == 0) return ERROR_PAGE_ZERO_LENGTH;
    u32 before = (segment - segments) / SEGMENT_BYTES;
    int count =
        append_range(m, segments, guest_addresses, before, capacity, total, regions, first_address, first_length);
    if (count < 0) return count;
    segment = segments + count * SEGMENT_BYTES;
    guest_address = guest_addresses + count * GUEST_ADDRESS_BYTES;
    u64 guest_end = first_address + first_length;
    total += first_length;
    entries += MEM_ENTRY_SIZE;
    u32 region = find_region(m, regions, guest_end - 1);
    u64 region_begin = AT(u64, region + REGION_GUEST_ADDRESS), region_bytes = AT(u64, region + REGION_SIZE_BYTES);
    u64 region_delta = AT(u32, region + REGION_OFFSET) - region_begin;
    for (; entries != end; entries += MEM_ENTRY_SIZE) {
      u64 address = AT(u64, entries + MEM_ENTRY_ADDR), length = AT(u32, entries + MEM_ENTRY_LENGTH);
      u64 within = address - region_begin;
      if (within >= region_bytes || length - 1 >= region_bytes - within) break;
      if (address != guest_end) {
        if (segment == segments_end) return ERROR_PAGE_CAPACITY;
        AT(u64, segment) = segment_at(total, address + region_delta);
        AT(u64, guest_address) = address;
        segment += SEGMENT_BYTES;
        guest_address += GUEST_ADDRESS_BYTES;
      }
      guest_end = address + length;
      total += length;
    }
  }
  if (total >> 32) return ERROR_PAGE_TOTAL;
  AT(u64, segment) = segment_at(total, 0);
  return (segment - segments) / SEGMENT_BYTES;
}

#define FLAGS_SHIFT ((VIRTQ_DESC_FLAGS - VIRTQ_DESC_LEN) * 8)
#define NEXT_SHIFT ((VIRTQ_DESC_NEXT - VIRTQ_DESC_LEN) * 8)
#define HAS_NEXT ((u64)VIRTQ_DESC_F_NEXT << FLAGS_SHIFT)
#define IS_WRITABLE ((u64)VIRTQ_DESC_F_WRITE << FLAGS_SHIFT)
#define IS_INDIRECT ((u64)VIRTQ_DESC_F_INDIRECT << FLAGS_SHIFT)

static i64 append_pieces(u8 *m, u32 regions, u64 address, u64 length, u32 entry, u32 list_end, u64 total,
                         u64 segment_end) {
  while (length != 0) {
    u32 region = find_region(m, regions, address);
    if (region == 0) return ERROR_ADDRESS;
    u64 within = address - AT(u64, region + REGION_GUEST_ADDRESS);
    u64 room = AT(u64, region + REGION_SIZE_BYTES) - within, piece = length < room ? length : room;
    u64 offset = AT(u32, region + REGION_OFFSET) + within;
    if (offset != segment_end) {
      if (entry == list_end) return ERROR_SEGMENTS;
      AT(u64, entry) = segment_at(total, offset);
      entry += SEGMENT_BYTES;
    }
    segment_end = offset + piece;
    total += piece, address += piece, length -= piece;
  }
  return entry;
}

static void end_list(u8 *m, u32 chain, u32 entry, u64 total, u32 list, u32 bytes, u32 segments) {
  AT(u32, chain + bytes) = total;
  AT(u32, chain + segments) = (entry - chain - list) / SEGMENT_BYTES;
  AT(u64, entry) = segment_at(total, 0);
}

static int walk_chain(u8 *m, u32 queue, u32 chain, u32 head, u32 size) {
  u32 regions = AT(u32, queue + QUEUE_REGIONS), table = AT(u32, queue + QUEUE_DESCRIPTOR_OFFSET);
  u32 table_size = size, left = size, index = head;
  bool is_indirect = false;
  u64 direction = 0, total = 0, segment_end = NOWHERE;
  u32 entry = chain + CHAIN_READABLE_LIST, list_end = entry + MAX_CHAIN_SEGMENTS * SEGMENT_BYTES;
  u64 region_begin = 0, region_bytes = 0, region_delta = 0;
  for (;;) {
    if (left-- == 0) return ERROR_CHAIN_TOO_LONG;
    u32 descriptor = table + index * VIRTQ_DESC_SIZE;
    u64 address = AT(u64, descriptor + VIRTQ_DESC_ADDR), fields = AT(u64, descriptor + VIRTQ_DESC_LEN);
    u64 length = (u32)fields;
    if (fields & IS_INDIRECT) {
      if (is_indirect) return ERROR_INDIRECT_NESTED;
      if (!(AT(u32, queue + QUEUE_FLAGS) & QUEUE_FLAG_INDIRECT_DESC)) return ERROR_INDIRECT_NOT_NEGOTIATED;
      if (fields & HAS_NEXT) return ERROR_INDIRECT_AND_NEXT;
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
    if ((fields & IS_WRITABLE) != direction) {
      if (direction != 0) return ERROR_WRITABLE_BEFORE_READABLE;
      if (total >> 32) return ERROR_TOTAL_BYTES;
      direction = IS_WRITABLE;
      end_list(m, chain, entry, total, CHAIN_READABLE_LIST, CHAIN_READABLE_BYTES, CHAIN_READABLE_SEGMENTS);
      entry = chain + CHAIN_WRITABLE_LIST;
      list_end = entry + MAX_CHAIN_SEGMENTS * SEGMENT_BYTES;
      total = 0;
      segment_end = NOWHERE;
    }
    u64 within = address - region_begin;
    if (within >= region_bytes) {
      u32 region = find_region(m, regions, address);
      if (region == 0) return ERROR_ADDRESS;
      region_begin = AT(u64, region + REGION_GUEST_ADDRESS);
      region_bytes = AT(u64, region + REGION_SIZE_BYTES);
      region_delta = AT(u32, region + REGION_OFFSET) - region_begin;
      within = address - region_begin;
    }
    if (length > region_bytes - within) {
      i64 appended = append_pieces(m, regions, address, length, entry, list_end, total, segment_end);
      if (appended < 0) return appended;
      entry = appended;
      total += length;
      u32 last = entry - SEGMENT_BYTES;
      segment_end = AT(u32, last + SEGMENT_OFFSET) + total - start_of(m, last);
    } else {
      u64 offset = address + region_delta;
      if (offset != segment_end) {
        if (entry == list_end) return ERROR_SEGMENTS;
        AT(u64, entry) = segment_at(total, offset);
        entry += SEGMENT_BYTES;
      }
      segment_end = offset + length;
      total += length;
    }
    if (!(fields & HAS_NEXT)) break;
    index = fields >> NEXT_SHIFT;
    if (index >= table_size) return ERROR_NEXT_RANGE;
  }
  if (total >> 32) return ERROR_TOTAL_BYTES;
  if (direction == 0) {
    end_list(m, chain, entry, total, CHAIN_READABLE_LIST, CHAIN_READABLE_BYTES, CHAIN_READABLE_SEGMENTS);
    entry = chain + CHAIN_WRITABLE_LIST;
    total = 0;
  }
  end_list(m, chain, entry, total, CHAIN_WRITABLE_LIST, CHAIN_WRITABLE_BYTES, CHAIN_WRITABLE_SEGMENTS);
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
  u32 command = chain + CHAIN_COMMAND, length = AT(u32, chain + CHAIN_READABLE_BYTES);
  if (length > CHAIN_COMMAND_BYTES) length = CHAIN_COMMAND_BYTES;
  for (u32 i = 0; i < CHAIN_COMMAND_BYTES; i += 16) _mm_storeu_si128((__m128i *)(m + command + i), _mm_setzero_si128());
  for (u32 segment = chain + CHAIN_READABLE_LIST, position = 0; position != length; segment += SEGMENT_BYTES) {
    u32 next = start_of(m, segment + SEGMENT_BYTES), end = next < length ? next : length;
    memcpy(m + command + position, m + AT(u32, segment + SEGMENT_OFFSET), end - position);
    position = end;
  }
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
  u32 segment = find_segment(m, segments, count, start), position = start;
  u32 end = start_of(m, segment + SEGMENT_BYTES), delta = AT(u32, segment + SEGMENT_OFFSET) - start_of(m, segment);
  for (;;) {
    if (row_bytes > end - position) convert_split_row(m, segment, position, target, row_bytes, shuffle, opaque_bits);
    else convert_row(m + (u32)(position + delta), m + target, width, shuffle, opaque_bits);
    if (--rows == 0) return 0;
    position += stride;
    target += target_stride;
    if (position < end) continue;
    segment = seek_segment(m, segments, count, segment, position);
    end = start_of(m, segment + SEGMENT_BYTES);
    delta = AT(u32, segment + SEGMENT_OFFSET) - start_of(m, segment);
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
                  u32 row_bytes, u32 rows, u32 layers, int is_gather) {
  for (u32 i = 0; i < times; i++) {
    copy_box(m, segments, count, starts[i], stride, layer_stride, contiguous + starts[i], stride, layer_stride, row_bytes,
             rows, layers, is_gather);
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
