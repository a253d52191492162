// tcc comes without this header; gcc brings its own.
#pragma once

typedef unsigned int size_t;
