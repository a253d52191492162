// Checks after which a program goes on: `report` prints PASS and a name, or FAIL, the name, and the first thing that was
// not as expected since the report before.
#pragma once

#include "linux.h"

static const char *first_fault;
static int32_t first_got, first_wanted;

static inline void expect(int32_t got, int32_t wanted, const char *what) {
  if (got == wanted || first_fault) return;
  first_fault = what;
  first_got = got;
  first_wanted = wanted;
}

static inline void expect_true(int holds, const char *what) { expect(!!holds, 1, what); }

static inline void report(const char *name) {
  print(first_fault ? "FAIL " : "PASS ");
  print(name);
  if (first_fault) {
    print(": ");
    print(first_fault);
    print(", got ");
    print_number(first_got);
    print(", wanted ");
    print_number(first_wanted);
  }
  print("\n");
  first_fault = 0;
}
