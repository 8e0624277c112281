// SPDX-License-Identifier: BSD-2-Clause
// docs/dif.md, made of the tables. difjit_gen_docs writes it; tests/dif/reference_page_test.cpp
// fails where the file in the tree is another.
#ifndef DIFJIT_DIF_REFERENCE_PAGE_HPP
#define DIFJIT_DIF_REFERENCE_PAGE_HPP

#include <string>

namespace difjit::text {

std::string reference_page();

} // namespace difjit::text

#endif
