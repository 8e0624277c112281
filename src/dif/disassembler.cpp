// SPDX-License-Identifier: BSD-2-Clause
// The disassembler.
#include <difjit/text.hpp>
